#include "reeve/supervisor/supervisor_substrate.h"

#include <functional>
#include <random>

#include "base/text.h"
#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::LogRange;
using substrate::LogStream;
using substrate::Outcome;
using substrate::StopMode;
using tests::fault;
using tests::info;
using tests::vague_fault;
using tests::value;
using tests::World;

TEST_CASE_METHOD(World, "SupervisorSubstrate: no operation sends the name of a whole group") {
  const InstanceName group{"web", "*"};
  const auto deadline = soon();
  CHECK_FALSE(supervisord.get_instance(group, deadline));
  CHECK_FALSE(supervisord.start_instance(group, deadline));
  CHECK_FALSE(supervisord.stop_instance(group, substrate::StopMode::force, deadline));
  CHECK_FALSE(supervisord.signal(group, "HUP", deadline));
  CHECK_FALSE(supervisord.clear_logs(group, deadline));
  CHECK_FALSE(supervisord.read_log(group, substrate::LogStream::standard_output, {}, deadline));
  CHECK_FALSE(supervisord.log_size(group, substrate::LogStream::standard_output, deadline));
  CHECK_FALSE(supervisord.follow_log(
      group, substrate::LogStream::standard_output, [](auto) { return false; }, deadline));
  CHECK(caller->calls().empty());
  CHECK(caller->streamed_path().empty());
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: connecting reads supervisord's pid") {
  caller->answer_fixture("supervisor.getPID", "getPID.xml");
  CHECK(supervisord.connect(soon()) == substrate::Pid{27880});
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: an answer that is no pid is malformed") {
  caller->answer("supervisor.getPID", {tests::value("27880"), tests::value(0)});
  CHECK(supervisord.connect(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.connect(soon()).error().kind == ErrorKind::malformed);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a listing holds every process, sorted by group and name") {
  caller->answer_fixture("supervisor.getAllProcessInfo", "getAllProcessInfo-all-states.xml");
  const auto listing = supervisord.list_instances(soon());
  REQUIRE(listing);
  CHECK(listing->rejected == 0);
  CHECK(listing->instances.size() == 32);
  CHECK(std::is_sorted(listing->instances.begin(), listing->instances.end(),
                       [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: every version's listing is read whole, the Go reimplementation's too") {
  for (const char* file :
       {"versions/3.0-getAllProcessInfo.http", "versions/3.4.0-getAllProcessInfo.http",
        "versions/4.1.0-getAllProcessInfo.http", "versions/4.3.0-getAllProcessInfo.http",
        "versions/main-getAllProcessInfo.http", "go-getAllProcessInfo.xml"}) {
    CAPTURE(file);
    caller->answer_fixture("supervisor.getAllProcessInfo", file);
    const auto listing = supervisord.list_instances(soon());
    REQUIRE(listing);
    CHECK(listing->rejected == 0);
    CHECK_FALSE(listing->instances.empty());
  }
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a record that is not whole is left out of the listing and counted") {
  caller->answer("supervisor.getAllProcessInfo",
                 {tests::value(xmlrpc::Array{*tests::info(InstanceState::running)->value(),
                                             xmlrpc::Struct{{"name", "half"}}, "no struct"})});
  const auto listing = supervisord.list_instances(soon());
  REQUIRE(listing);
  CHECK(listing->rejected == 2);
  CHECK(listing->instances.size() == 1);
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a listing that is no array is malformed, a fault and an error stay so") {
  caller->answer(
      "supervisor.getAllProcessInfo",
      {tests::value(true), tests::fault(6, "SHUTDOWN_STATE"), tests::error(ErrorKind::timeout)});
  CHECK(supervisord.list_instances(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.list_instances(soon()).error().kind == ErrorKind::shutting_down);
  CHECK(supervisord.list_instances(soon()).error().kind == ErrorKind::timeout);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: where every refusal looks alike, an unknown name is found "
                 "out by listing") {
  caller->answer("supervisor.getProcessInfo", {tests::vague_fault("fail to find process")});
  caller->answer_fixture("supervisor.getAllProcessInfo", "go-getAllProcessInfo.xml");
  CHECK(supervisord.get_instance({"nope", "nope"}, soon()).error().kind == ErrorKind::not_found);
  CHECK(supervisord.get_instance(web, soon()).error().kind == ErrorKind::fault);
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: what supervisord cannot do is refused with what to do instead") {
  const auto created = supervisord.create_instance({web, "/bin/true"}, soon());
  REQUIRE_FALSE(created);
  CHECK(created.error().kind == ErrorKind::not_implemented);
  CHECK(created.error().message.find("reread and update") != std::string::npos);
  CHECK(supervisord.delete_instance(web, substrate::StopMode::force, soon()).error().kind ==
        ErrorKind::not_implemented);
  const auto executed = supervisord.execute_command(web, "/bin/true", soon());
  REQUIRE_FALSE(executed);
  CHECK(executed.error().kind == ErrorKind::not_implemented);
  CHECK(executed.error().message.find("inside a process") != std::string::npos);
}

constexpr const char* start_process = "supervisor.startProcess";
constexpr const char* stop_process = "supervisor.stopProcess";
constexpr const char* get_info = "supervisor.getProcessInfo";

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a start lets supervisord wait until the process runs") {
  caller->answer(start_process, {value(true)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::changed);
  CHECK(caller->calls() == std::vector<xmlrpc::Call>{{start_process, {"web", true}}});
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: starting what runs changes nothing") {
  caller->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  caller->answer(get_info, {info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: what runs counts as started even if its command has vanished since") {
  caller->answer(start_process, {fault(20, "NO_FILE: can't find command '/gone'")});
  caller->answer(get_info, {info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a start that is under way is waited for") {
  caller->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  caller->answer(get_info, {info(InstanceState::starting), info(InstanceState::backoff, "quick"),
                            info(InstanceState::starting), info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a start under way that is given up is a failed spawn with its reason") {
  caller->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  caller->answer(get_info, {info(InstanceState::backoff, "Exited too quickly"),
                            info(InstanceState::fatal, "Exited too quickly")});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::spawn_failed);
  CHECK(started.error().message == "starting web: Exited too quickly");
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a start under way is not waited for past the deadline") {
  caller->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  caller->answer(get_info, {info(InstanceState::starting)});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::timeout);
  CHECK(started.error().message == "web is still STARTING; supervisord goes on with it");
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a spawn error is reported with the reason that supervisord keeps") {
  caller->answer(start_process, {fault(50, "SPAWN_ERROR: web")});
  caller->answer(get_info, {info(InstanceState::backoff,
                                 "Exited too quickly (process log may have details)")});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::spawn_failed);
  CHECK(started.error().message ==
        "starting web: Exited too quickly (process log may have details)");
  CHECK(started.error().fault == base::PeerFault{50, "SPAWN_ERROR: web"});
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a spawn error whose reason the next try has wiped out is still one") {
  caller->answer(start_process, {fault(50, "SPAWN_ERROR: web")});
  caller->answer(get_info, {info(InstanceState::starting)});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::spawn_failed);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: what is being stopped cannot be started yet") {
  caller->answer(start_process, {fault(40, "ABNORMAL_TERMINATION: web")});
  caller->answer(get_info, {info(InstanceState::stopping)});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::conflict);
  CHECK(started.error().message.find("being stopped") != std::string::npos);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a start that is stopped in the middle has failed") {
  caller->answer(start_process, {fault(40, "ABNORMAL_TERMINATION: web")});
  caller->answer(get_info, {info(InstanceState::stopped)});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::spawn_failed);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a missing or unusable command, an unknown name and a "
                 "shutdown are told apart") {
  caller->answer(get_info, {info(InstanceState::stopped)});
  caller->answer(start_process,
                 {fault(20, "NO_FILE"), fault(21, "NOT_EXECUTABLE"), fault(10, "BAD_NAME: web"),
                  fault(6, "SHUTDOWN_STATE"), tests::error(ErrorKind::timeout)});
  for (const ErrorKind kind : {ErrorKind::no_file, ErrorKind::no_file, ErrorKind::not_found,
                               ErrorKind::shutting_down, ErrorKind::timeout}) {
    CHECK(supervisord.start_instance(web, soon()).error().kind == kind);
  }
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: the Go reimplementation's refused start is explained by the "
                 "process's state") {
  caller->answer(start_process, {vague_fault("fail to start process web")});
  caller->answer(get_info, {info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
  caller->answer(get_info, {info(InstanceState::fatal)});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::spawn_failed);
  caller->answer(get_info, {vague_fault("fail to find process")});
  caller->answer("supervisor.getAllProcessInfo", {value(xmlrpc::Array{})});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a stop never asks supervisord to wait: the process is "
                 "looked at until it has stopped") {
  caller->answer(stop_process, {value(true)});
  caller->answer(get_info, {info(InstanceState::stopping), info(InstanceState::stopping),
                            info(InstanceState::stopped)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
  CHECK(caller->calls().front() == xmlrpc::Call{stop_process, {"web", false}});
  CHECK(caller->calls().size() == 4);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a forced stop returns once it is asked for") {
  caller->answer(stop_process, {value(true)});
  CHECK(supervisord.stop_instance(web, StopMode::force, soon()) == Outcome::changed);
  CHECK(caller->calls() == std::vector<xmlrpc::Call>{{stop_process, {"web", false}}});
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: stopping what has ended, was stopped or never ran changes nothing") {
  caller->answer(stop_process, {fault(70, "NOT_RUNNING: web")});
  for (const InstanceState state :
       {InstanceState::stopped, InstanceState::exited, InstanceState::fatal}) {
    caller->answer(get_info, {info(state)});
    CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::unchanged);
  }
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a stop under way is joined") {
  caller->answer(stop_process, {fault(70, "NOT_RUNNING: web")});
  caller->answer(get_info, {info(InstanceState::stopping), info(InstanceState::stopping),
                            info(InstanceState::stopped)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
  caller->answer(get_info, {info(InstanceState::stopping)});
  CHECK(supervisord.stop_instance(web, StopMode::force, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a program that was just between two crashes is stopped all the same") {
  caller->answer(stop_process, {fault(70, "NOT_RUNNING: web"), value(true)});
  caller->answer(get_info, {info(InstanceState::starting), info(InstanceState::stopped)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: a stop that takes too long times out with the state it is in") {
  caller->answer(stop_process, {value(true)});
  caller->answer(get_info, {info(InstanceState::stopping)});
  const auto stopped = supervisord.stop_instance(web, StopMode::graceful, soon());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().kind == ErrorKind::timeout);
  CHECK(stopped.error().message == "web is still STOPPING; supervisord goes on with it");
  CHECK(caller->calls().size() < 100);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a stop ends at once when the agent shuts down") {
  std::stop_source shutdown;
  caller->answer(stop_process, {value(true)});
  caller->answer(get_info, [&](const xmlrpc::Call&) {
    shutdown.request_stop();
    return info(InstanceState::stopping);
  });
  const auto deadline = base::Deadline::after(clock, std::chrono::hours(1), shutdown.get_token());
  CHECK(supervisord.stop_instance(web, StopMode::graceful, deadline).error().kind ==
        ErrorKind::cancelled);
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: a process whose group is removed while it stops has stopped") {
  caller->answer(stop_process, {value(true)});
  caller->answer(get_info, {info(InstanceState::stopping), fault(10, "BAD_NAME: web")});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: a process that supervisord lost hold of cannot be stopped by it") {
  caller->answer(get_info, {info(InstanceState::unknown)});
  caller->answer(stop_process, {fault(70, "NOT_RUNNING: web"), value(true)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()).error().kind ==
        ErrorKind::conflict);
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()).error().kind ==
        ErrorKind::conflict);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: an unknown name, a refused kill and a shutdown are told "
                 "apart in a stop") {
  caller->answer(stop_process, {fault(10, "BAD_NAME: web"), fault(30, "FAILED: unknown problem"),
                                fault(6, "SHUTDOWN_STATE")});
  for (const ErrorKind kind : {ErrorKind::not_found, ErrorKind::fault, ErrorKind::shutting_down}) {
    CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()).error().kind == kind);
  }
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a restart is a stop, seen done, and a start") {
  caller->answer(stop_process, {value(true)});
  caller->answer(start_process, {value(true)});
  caller->answer(get_info, {info(InstanceState::stopped)});
  CHECK(supervisord.restart_instance(web, soon()) == Outcome::changed);
  CHECK(caller->methods() == std::vector<std::string>{stop_process, get_info, start_process});
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: supervisord describes itself in one request") {
  caller->answer_fixture("supervisor.getSupervisorVersion", "getSupervisorVersion.xml");
  caller->answer("supervisor.getAPIVersion", {value("3.0")});
  caller->answer_fixture("supervisor.getIdentification", "getIdentification.xml");
  CHECK(supervisord.describe(soon()) == substrate::ManagerDescription{"4.2.5", "3.0", "lab-é"});
  CHECK(caller->calls().size() == 1);
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: where there is no multicall, a description takes one request each") {
  caller->answer("system.multicall", {vague_fault("can't find method system.multicall")});
  caller->answer("supervisor.getSupervisorVersion", {value("3.0")});
  caller->answer("supervisor.getAPIVersion", {value("3.0")});
  caller->answer("supervisor.getIdentification", {value("supervisor")});
  CHECK(supervisord.describe(soon()) == substrate::ManagerDescription{"3.0", "3.0", "supervisor"});
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: all programs are reported, those of old versions with the "
                 "members they have") {
  for (const char* file :
       {"getAllConfigInfo.xml", "versions/3.0-getAllConfigInfo.http",
        "versions/3.4.0-getAllConfigInfo.http", "versions/4.1.0-getAllConfigInfo.http",
        "versions/4.3.0-getAllConfigInfo.http"}) {
    CAPTURE(file);
    caller->answer_fixture("supervisor.getAllConfigInfo", file);
    const auto programs = supervisord.programs(soon());
    REQUIRE(programs);
    CHECK_FALSE(programs->empty());
  }
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a supervisord that cannot report its programs is not_implemented") {
  // An HTTP 500 (supervisord's main branch) is a fault of the transport, without a code.
  caller->answer("supervisor.getAllConfigInfo",
                 {tests::error(ErrorKind::fault), fault(1, "UNKNOWN_METHOD"),
                  vague_fault("can't find method")});
  for (int i = 0; i < 3; ++i) {
    CHECK(supervisord.programs(soon()).error().kind == ErrorKind::not_implemented);
  }
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: a program's record that is not whole makes the answer malformed") {
  caller->answer("supervisor.getAllConfigInfo",
                 {value(xmlrpc::Array{xmlrpc::Struct{{"name", "web"}}}), value("text"),
                  fault(6, "SHUTDOWN_STATE")});
  CHECK(supervisord.programs(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.programs(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.programs(soon()).error().kind == ErrorKind::shutting_down);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a signal goes to one process by name and number as given") {
  caller->answer("supervisor.signalProcess", {value(true)});
  CHECK(supervisord.signal(web, "HUP", soon()));
  CHECK(caller->calls().front() == xmlrpc::Call{"supervisor.signalProcess", {"web", "HUP"}});
}

TEST_CASE_METHOD(
    World,
    "SupervisorSubstrate: a signal's refusals are told apart, too old a supervisord among them") {
  caller->answer("supervisor.signalProcess",
                 {fault(11, "BAD_SIGNAL: FOO"), fault(70, "NOT_RUNNING: web"),
                  fault(10, "BAD_NAME: web"), fault(1, "UNKNOWN_METHOD")});
  for (const ErrorKind kind : {ErrorKind::invalid_argument, ErrorKind::conflict,
                               ErrorKind::not_found, ErrorKind::not_implemented}) {
    CHECK(supervisord.signal(web, "FOO", soon()).error().kind == kind);
  }
  CHECK(supervisord.signal(web, "HUP", soon()).error().message.find("3.2") != std::string::npos);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a reread says what was added, changed and removed") {
  caller->answer("supervisor.getSupervisorVersion", {value("4.2.5")});
  caller->answer_fixture("supervisor.reloadConfig", "reloadConfig-added-changed-removed.xml");
  CHECK(supervisord.reread(soon()) == substrate::ConfigChanges{{"fresh"}, {"change"}, {"gone"}});
  caller->answer_fixture("supervisor.reloadConfig", "reloadConfig-nothing.xml");
  CHECK(supervisord.reread(soon()) == substrate::ConfigChanges{});
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: a reread of a broken configuration says that the old one stays") {
  caller->answer("supervisor.getSupervisorVersion", {value("4.2.5")});
  caller->answer_fixture("supervisor.reloadConfig", "fault-CANT_REREAD.xml");
  const auto changes = supervisord.reread(soon());
  REQUIRE_FALSE(changes);
  CHECK(changes.error().kind == ErrorKind::invalid_argument);
  CHECK(changes.error().message.find("the old one stays") != std::string::npos);
}

TEST_CASE_METHOD(
    World, "SupervisorSubstrate: a reread is not sent where it would apply the changes at once") {
  caller->answer("supervisor.getSupervisorVersion",
                 {tests::StubCaller::Reply(xmlrpc::Answer{xmlrpc::Value("3.0"), false, {}})});
  CHECK(supervisord.reread(soon()).error().kind == ErrorKind::not_implemented);
  CHECK(caller->calls().size() == 1);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: a reread's answer of another form is malformed") {
  caller->answer("supervisor.getSupervisorVersion", {value("4.2.5")});
  for (const xmlrpc::Value& form :
       {xmlrpc::Value(true), xmlrpc::Value(xmlrpc::Array{}),
        xmlrpc::Value(xmlrpc::Array{xmlrpc::Array{xmlrpc::Array{}, xmlrpc::Array{}}}),
        xmlrpc::Value(xmlrpc::Array{xmlrpc::Array{xmlrpc::Array{}, xmlrpc::Array{1}, "text"}})}) {
    caller->answer("supervisor.reloadConfig", {value(form)});
    CHECK(supervisord.reread(soon()).error().kind == ErrorKind::malformed);
  }
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: adding a group that is active already is done, an unknown "
                 "one not found") {
  caller->answer("supervisor.addProcessGroup",
                 {value(true), fault(90, "ALREADY_ADDED: g"), fault(10, "BAD_NAME: g")});
  CHECK(supervisord.add_group("g", soon()));
  CHECK(supervisord.add_group("g", soon()));
  CHECK(supervisord.add_group("g", soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(World, "SupervisorSubstrate: removing a group that still runs is a conflict") {
  caller->answer("supervisor.removeProcessGroup",
                 {value(true), fault(91, "STILL_RUNNING: g"), fault(10, "BAD_NAME: g")});
  CHECK(supervisord.remove_group("g", soon()));
  CHECK(supervisord.remove_group("g", soon()).error().kind == ErrorKind::conflict);
  CHECK(supervisord.remove_group("g", soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(World,
                 "SupervisorSubstrate: a supervisord that answers false to a change of groups has "
                 "done nothing") {
  caller->answer("supervisor.addProcessGroup", {value(false), value("yes")});
  CHECK(supervisord.add_group("g", soon()).error().kind == ErrorKind::not_implemented);
  CHECK(supervisord.add_group("g", soon()).error().kind == ErrorKind::malformed);
}

constexpr const char* read_stdout = "supervisor.readProcessStdoutLog";
constexpr const char* tail_stdout = "supervisor.tailProcessStdoutLog";
constexpr LogStream out = LogStream::standard_output;

/// A supervisord 4 with one log, read as supervisord reads it.
struct LogWorld : tests::World {
  std::string log;
  std::size_t reads = 0;
  std::size_t longest = 0;
  /// What the way to us does to a text.
  std::function<std::string(std::string)> mangle = [](std::string text) { return text; };

  LogWorld() {
    caller->answer(read_stdout, [this](const xmlrpc::Call& call) { return read(call); });
    caller->answer(tail_stdout, [this](const xmlrpc::Call&) {
      return value(xmlrpc::Array{"", static_cast<std::int64_t>(log.size()), true});
    });
  }

  tests::StubCaller::Reply read(const xmlrpc::Call& call) {
    const std::int64_t offset = *call.parameters.at(1).as_integer();
    const std::int64_t length = *call.parameters.at(2).as_integer();
    const auto size = static_cast<std::int64_t>(log.size());
    ++reads;
    const std::int64_t begin = offset < 0 ? std::max<std::int64_t>(0, size + offset) : offset;
    std::string slice;
    if (begin < size) {
      slice = log.substr(static_cast<std::size_t>(begin), offset < 0 || length == 0
                                                              ? std::string::npos
                                                              : static_cast<std::size_t>(length));
    }
    longest = std::max(longest, slice.size());
    return base::is_utf8(slice) ? value(mangle(slice))
                                : fault(30,
                                        "FAILED: <class 'AttributeError'>:type object 'Faults'"
                                        " has no attribute 'utf-8'");
  }

  std::string tail(std::uint64_t length) {
    const auto text = supervisord.read_log(web, out, {LogRange::From::end, 0, length}, soon());
    REQUIRE(text);
    return *text;
  }
  std::string from(std::uint64_t offset, std::uint64_t length) {
    const auto text =
        supervisord.read_log(web, out, {LogRange::From::start, offset, length}, soon());
    REQUIRE(text);
    return *text;
  }
};

TEST_CASE_METHOD(
    LogWorld,
    "SupervisorSubstrate: the end of a log takes one request, whatever control bytes are in it") {
  log = "first\nsecond\n\x1b[31mred\x1b[0m\0\b\n" + std::string("\0", 1) + "end";
  CHECK(tail(9) == log.substr(log.size() - 9));
  CHECK(caller->methods() == std::vector<std::string>{"system.multicall"});
  CHECK(tail(1000) == log);
}

TEST_CASE_METHOD(
    LogWorld,
    "SupervisorSubstrate: a range is read from its offset, past the end there is nothing") {
  log = "0123456789";
  CHECK(from(3, 4) == "3456");
  CHECK(from(8, 100) == "89");
  CHECK(from(10, 5).empty());
  CHECK(from(std::uint64_t{1} << 63U, 5).empty());
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: nothing is asked for where nothing is wanted: length 0 "
                 "means everything") {
  log = "0123456789";
  CHECK(tail(0).empty());
  CHECK(from(3, 0).empty());
  CHECK(reads == 0);
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: a long log is read in slices of at most 64 KiB") {
  for (int line = 0; log.size() < 300000; ++line) {
    log += "line " + std::to_string(line) + " ä\n";
  }
  CHECK(tail(1000000) == log);
  CHECK(from(0, 1000000) == log);
  CHECK(longest <= 64U * 1024U);
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: a character that the range's edge cuts is left out") {
  log = "日本語";
  CHECK(tail(9) == "日本語");
  CHECK(tail(8) == "本語");
  CHECK(tail(7) == "本語");
  CHECK(tail(6) == "本語");
  CHECK(tail(2).empty());
  CHECK(from(0, 4) == "日");
  CHECK(from(0, 5) == "日");
  CHECK(from(1, 5) == "本");
  log = "\xff日本";
  CHECK(from(0, 4) == "�日");
  CHECK(from(0, 6) == "�日�");
}

TEST_CASE_METHOD(
    LogWorld,
    "SupervisorSubstrate: a byte that is not UTF-8 becomes U+FFFD and all around it survives") {
  log = "gr\xfc\xdf dich, na\xc3\xafve \xe9t\xe9\n";
  CHECK(from(0, 100) == "gr�� dich, naïve �t�\n");
  CHECK(tail(100) == "gr�� dich, naïve �t�\n");
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: text is found between long runs of bytes that are none") {
  log = std::string(500, '\xff') + "needle 日本" + std::string(500, '\x80');
  CHECK((from(0, 2000) == base::to_utf8(log)));
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: nothing of a log is hidden, whatever bytes it has") {
  std::minstd_rand dice(4711);
  const std::string hostile(
      "\v\f \n\0\xff\x80\xc3\xa4\xe6\x97\xa5"
      "ab",
      14);
  for (int i = 0; i < 300; ++i) {
    log.clear();
    for (std::size_t length = dice() % 200; length > 0; --length) {
      log += hostile[dice() % hostile.size()];
    }
    CHECK((from(0, 1000) == base::to_utf8(log)));
    CHECK((from(0, log.size()) == base::to_utf8(log)));
  }
}

TEST_CASE_METHOD(
    LogWorld, "SupervisorSubstrate: a slice that arrives shorter than it is does not end a log") {
  mangle = [](const std::string& text) {
    return text.size() > 1 && text.find_first_not_of('\f') == std::string::npos ? "" : text;
  };
  log = "shown\n\xff" + std::string(200, '\f') + "hidden\n";
  const std::string text = from(0, 1000);
  CHECK(text.starts_with("shown\n\uFFFD"));
  CHECK(text.ends_with("hidden\n"));
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: bytes that are no text at all are bounded in their effort") {
  log.assign(60000, '\xff');
  const std::string text = from(0, 60000);
  CHECK(text.size() > 3000);
  CHECK(text.size() < 60000);
  CHECK(reads < 21000);
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: a log cut short while it is read ends there") {
  log = std::string(100000, 'x');
  caller->answer(read_stdout, [this](const xmlrpc::Call& call) {
    auto reply = read(call);
    log.clear();
    return reply;
  });
  CHECK(from(0, 100000).size() == 64U * 1024U);
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: a missing log, an unknown name and a refusal without words "
                 "are told apart") {
  caller->answer(read_stdout,
                 {fault(20, "NO_FILE"), fault(10, "BAD_NAME: web"), fault(30, "FAILED")});
  for (const ErrorKind kind : {ErrorKind::no_file, ErrorKind::not_found, ErrorKind::fault}) {
    const auto text = supervisord.read_log(web, out, {LogRange::From::end, 0, 10}, soon());
    REQUIRE_FALSE(text);
    CHECK(text.error().kind == kind);
  }
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: an answer that is no text is malformed") {
  caller->answer(read_stdout, {value(7)});
  CHECK(supervisord.read_log(web, out, {LogRange::From::end, 0, 10}, soon()).error().kind ==
        ErrorKind::malformed);
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: the error stream is read and sized by its own methods") {
  const LogStream err = LogStream::standard_error;
  caller->answer("supervisor.readProcessStderrLog", {value("oops\n")});
  caller->answer("supervisor.tailProcessStderrLog", {value(xmlrpc::Array{"", 5, true})});
  CHECK(supervisord.read_log(web, err, {LogRange::From::end, 0, 10}, soon()) == "oops\n");
  CHECK(supervisord.log_size(web, err, soon()) == std::uint64_t{5});
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: a log's size is asked for without its text") {
  log = "0123456789";
  CHECK(supervisord.log_size(web, out, soon()) == std::uint64_t{10});
  CHECK(caller->calls() == std::vector<xmlrpc::Call>{{tail_stdout, {"web", 0, 0}}});
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: the Go reimplementation's size comes in three parameters") {
  caller->answer_fixture(tail_stdout, "go-tail-three-params.xml");
  CHECK(supervisord.log_size(web, out, soon()) == std::uint64_t{4});
}

TEST_CASE_METHOD(
    LogWorld,
    "SupervisorSubstrate: a size that supervisord cannot say, beyond 2 GiB, is found by reading") {
  caller->answer(tail_stdout, {tests::error(ErrorKind::fault)});
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3221225470},
                                   std::uint64_t{3221225472}, std::uint64_t{1} << 40U}) {
    caller->answer(read_stdout, [size](const xmlrpc::Call& call) {
      const std::int64_t offset = *call.parameters.at(1).as_integer();
      return value(static_cast<std::uint64_t>(offset) < size ? "x" : "");
    });
    CHECK(supervisord.log_size(web, out, soon()) == size);
  }
  CHECK(caller->calls().size() < 100);
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: an answer to the size that is none is malformed") {
  caller->answer(tail_stdout,
                 {value(xmlrpc::Array{"", -1, true}), value(xmlrpc::Array{}), value("text")});
  for (int i = 0; i < 3; ++i) {
    CHECK(supervisord.log_size(web, out, soon()).error().kind == ErrorKind::malformed);
  }
}

TEST_CASE_METHOD(LogWorld,
                 "SupervisorSubstrate: following opens the log under its name, percent-encoded") {
  caller->stream_chunks({"one", "two", "three"});
  std::string seen;
  const auto followed = supervisord.follow_log(
      {"naïve", "a&b/%"}, LogStream::standard_error,
      [&](std::string_view bytes) {
        seen += bytes;
        return seen.size() < 6;
      },
      soon());
  CHECK(followed);
  CHECK(seen == "onetwo");
  CHECK(caller->streamed_path() == "/logtail/na%C3%AFve%3Aa%26b%2F%2525/stderr");
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: a following that supervisord ends is no success") {
  caller->stream_chunks({"one"});
  const auto followed = supervisord.follow_log(
      web, out, [](std::string_view) { return true; }, soon());
  REQUIRE_FALSE(followed);
  CHECK(followed.error().kind == ErrorKind::unreachable);
}

TEST_CASE_METHOD(
    LogWorld, "SupervisorSubstrate: each cause of a log that is not there to be followed is told") {
  const auto why = [&] {
    auto followed = supervisord.follow_log(
        web, out, [](std::string_view) { return true; }, soon());
    REQUIRE_FALSE(followed);
    return std::move(followed.error());
  };
  caller->refuse_stream(ErrorKind::not_found);
  caller->answer(read_stdout, {fault(10, "BAD_NAME: web")});
  CHECK(why().kind == ErrorKind::not_found);
  auto members = *tests::info(substrate::InstanceState::running)->value()->as_struct();
  caller->answer("supervisor.getProcessInfo", {value(members)});
  caller->answer(read_stdout, {fault(20, "NO_FILE")});
  const base::Error unconfigured = why();
  CHECK(unconfigured.kind == ErrorKind::no_file);
  CHECK(unconfigured.message == "web has no such log: none is configured");
  std::find_if(members.begin(), members.end(), [](const auto& each) {
    return each.first == "stdout_logfile";
  })->second = "/var/log/web.log";
  caller->answer("supervisor.getProcessInfo", {value(members)});
  const base::Error missing = why();
  CHECK(missing.kind == ErrorKind::no_file);
  CHECK(missing.message.find("/var/log/web.log does not exist") != std::string::npos);
  caller->answer(read_stdout, {value("x")});
  const base::Error proxied = why();
  CHECK(proxied.kind == ErrorKind::not_implemented);
  CHECK(proxied.message.find("a proxy in front of supervisord") != std::string::npos);
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: both logs are cleared in one call") {
  caller->answer("supervisor.clearProcessLogs", {value(true), fault(10, "BAD_NAME: web")});
  CHECK(supervisord.clear_logs(web, soon()));
  CHECK(supervisord.clear_logs(web, soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(LogWorld, "SupervisorSubstrate: supervisord's own log is read like any other") {
  caller->answer_fixture("supervisor.readLog", "readLog-tail.xml");
  const auto text = supervisord.read_manager_log({LogRange::From::end, 0, 300}, soon());
  REQUIRE(text);
  CHECK(text->size() == 300);
}

}  // namespace
}  // namespace reeve::supervisor
