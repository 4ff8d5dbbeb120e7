#include <map>

#include "supervisor/answers.h"
#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceState;
using xmlrpc::Struct;
using xmlrpc::Value;

InstanceDetail captured(const std::string& name) {
  const auto answer = tests::decoded_fixture("getProcessInfo-" + name + ".xml");
  REQUIRE(answer.value() != nullptr);
  const auto detail = to_instance(*answer.value());
  REQUIRE(detail);
  return *detail;
}

Struct members_of(const std::string& fixture) {
  return *tests::decoded_fixture(fixture).value()->as_struct();
}

TEST_CASE("records: a captured process becomes a record in the state that supervisord says") {
  const std::map<std::string, InstanceState> states = {
      {"running", InstanceState::running},       {"starting", InstanceState::starting},
      {"stopping", InstanceState::stopping},     {"exited_ok", InstanceState::exited},
      {"exited_bad", InstanceState::exited},     {"exited_signal", InstanceState::exited},
      {"fatal_nofile", InstanceState::fatal},    {"fatal_quick", InstanceState::fatal},
      {"stopped_never", InstanceState::stopped}, {"stopped_after_run", InstanceState::stopped},
      {"UNKNOWN", InstanceState::unknown},
  };
  for (const auto& [name, state] : states) {
    CAPTURE(name);
    CHECK(captured(name).state == state);
  }
}

TEST_CASE("records: a running process has a pid, a start and an uptime, and no exit status") {
  const InstanceDetail detail = captured("running");
  CHECK(detail.pid);
  CHECK(detail.uptime());
  CHECK_FALSE(detail.stop_time);
  CHECK_FALSE(detail.exit_status);
  CHECK(detail.description.starts_with("pid "));
}

TEST_CASE("records: a process that never ran has neither pid nor times") {
  const InstanceDetail detail = captured("stopped_never");
  CHECK_FALSE(detail.pid);
  CHECK_FALSE(detail.start_time);
  CHECK_FALSE(detail.stop_time);
  CHECK_FALSE(detail.exit_status);
  CHECK(detail.description == "Not started");
}

TEST_CASE(
    "records: the exit status is known of a run that ended, and of none that did not stay up") {
  CHECK(captured("exited_ok").exit_status == 0);
  CHECK(captured("exited_bad").exit_status == 7);
  CHECK(captured("exited_bad").spawn_error == "Bad exit code 7");
  CHECK(captured("exited_signal").exit_status == -1);
  CHECK(captured("stopped_after_run").exit_status == -1);
  CHECK_FALSE(captured("fatal_quick").exit_status);
  CHECK_FALSE(captured("fatal_nofile").exit_status);
}

TEST_CASE("records: a process that waits for its next try has no process and no exit status") {
  const auto reply = tests::info(InstanceState::backoff, "Exited too quickly");
  const auto detail = to_instance(*reply->value());
  REQUIRE(detail);
  CHECK(detail->state == InstanceState::backoff);
  CHECK_FALSE(detail->pid);
  CHECK_FALSE(detail->exit_status);
  CHECK(detail->spawn_error == "Exited too quickly");
}

TEST_CASE("records: a process stopped while it waited for its next try has no exit status") {
  Struct members = members_of("getProcessInfo-stopped_after_run.xml");
  members.emplace_back("spawnerr", "Exited too quickly (process log may have details)");
  members.emplace_back("exitstatus", 0);
  const auto detail = to_instance(members);
  REQUIRE(detail);
  CHECK_FALSE(detail->exit_status);
}

TEST_CASE(
    "records: names with XML's characters and beyond ASCII, and missing logs, are read as they "
    "are") {
  CHECK(captured("a_b_c_d").name.text() == "a&b<c>\"d'");
  CHECK(captured("nonascii_name").name.text() == "naïve-日本");
  CHECK(captured("worker_worker_00").name.text() == "worker:worker_00");
  CHECK(captured("nolog").stdout_log.empty());
  CHECK(captured("nolog").stderr_log.empty());
}

TEST_CASE(
    "records: the Go reimplementation's record is read: its zero time is never, its state a code") {
  const auto answer = tests::decoded_fixture("go-getAllProcessInfo.xml");
  const auto detail = to_instance(answer.value()->as_array()->front());
  REQUIRE(detail);
  CHECK(detail->state == InstanceState::stopped);
  CHECK_FALSE(detail->start_time);
  CHECK_FALSE(detail->stop_time);
  CHECK_FALSE(detail->exit_status);
}

TEST_CASE("records: a record is rejected when any one member is missing or of another type") {
  const Struct whole = members_of("getProcessInfo-running.xml");
  REQUIRE(to_instance(whole));
  for (const auto& [name, content] : whole) {
    if (name == "statename" || name == "logfile") {
      continue;  // said again by state and stdout_logfile
    }
    CAPTURE(name);
    Struct without;
    for (const auto& member : whole) {
      if (member.first != name) {
        without.push_back(member);
      }
    }
    CHECK_FALSE(to_instance(without));
    Struct other = whole;
    other.emplace_back(name, xmlrpc::Array{});
    CHECK_FALSE(to_instance(other));
  }
}

TEST_CASE("records: a record with an impossible state, pid, time, status or name is rejected") {
  const Struct whole = members_of("getProcessInfo-running.xml");
  for (const auto& [name, wrong] : xmlrpc::Struct{{"state", 15},
                                                  {"pid", -1},
                                                  {"now", -1},
                                                  {"now", std::int64_t{1} << 34U},
                                                  {"start", std::int64_t{1} << 62U},
                                                  {"exitstatus", std::int64_t{1} << 40U},
                                                  {"name", ""},
                                                  {"group", ""}}) {
    CAPTURE(name);
    Struct other = whole;
    other.emplace_back(name, wrong);
    CHECK_FALSE(to_instance(other));
  }
  CHECK_FALSE(to_instance(Value("text")));
}

TEST_CASE("records: a program's configuration is read whole from supervisord 4") {
  const auto answer = tests::decoded_fixture("getAllConfigInfo.xml");
  const auto program = to_program(answer.value()->as_array()->front());
  REQUIRE(program);
  CHECK(program->name.text() == "a&b<c>\"d'");
  CHECK(program->in_use);
  CHECK_FALSE(program->autostart);
  CHECK(program->command == "/bin/sleep 100000");
  CHECK(program->start_seconds == std::chrono::seconds(0));
  CHECK(program->stop_wait_seconds == std::chrono::seconds(10));
}

TEST_CASE("records: supervisord 3 tells less of a program, and that is read too") {
  for (const char* version : {"3.0", "3.4.0"}) {
    const auto answer =
        tests::decoded_fixture("versions/" + std::string(version) + "-getAllConfigInfo.http");
    const auto program = to_program(answer.value()->as_array()->front());
    REQUIRE(program);
    CHECK(program->name.text() == "lat");
    CHECK(program->autostart);
    CHECK_FALSE(program->command);
    CHECK_FALSE(program->start_seconds);
  }
}

}  // namespace
}  // namespace reeve::supervisor
