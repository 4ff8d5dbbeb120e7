#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using substrate::InstanceState;
using substrate::Outcome;
using substrate::StopMode;
using tests::fault;
using tests::info;
using tests::vague_fault;
using tests::value;
using tests::World;

constexpr const char* start_process = "supervisor.startProcess";
constexpr const char* stop_process = "supervisor.stopProcess";
constexpr const char* get_info = "supervisor.getProcessInfo";

TEST_CASE_METHOD(World, "a start lets supervisord wait until the process runs") {
  peer->answer(start_process, {value(true)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::changed);
  CHECK(peer->calls() == std::vector<xmlrpc::Call>{{start_process, {"web", true}}});
}

TEST_CASE_METHOD(World, "starting what runs changes nothing") {
  peer->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  peer->answer(get_info, {info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(World, "what runs counts as started even if its command has vanished since") {
  peer->answer(start_process, {fault(20, "NO_FILE: can't find command '/gone'")});
  peer->answer(get_info, {info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(World, "a start that is under way is waited for") {
  peer->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  peer->answer(get_info, {info(InstanceState::starting), info(InstanceState::backoff, "quick"),
                          info(InstanceState::starting), info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(World, "a start under way that is given up is a failed spawn with its reason") {
  peer->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  peer->answer(get_info, {info(InstanceState::backoff, "Exited too quickly"),
                          info(InstanceState::fatal, "Exited too quickly")});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::spawn_failed);
  CHECK(started.error().message == "starting web: Exited too quickly");
}

TEST_CASE_METHOD(World, "a start under way is not waited for past the deadline") {
  peer->answer(start_process, {fault(60, "ALREADY_STARTED: web")});
  peer->answer(get_info, {info(InstanceState::starting)});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::timeout);
  CHECK(started.error().message == "web is still STARTING; supervisord goes on with it");
}

TEST_CASE_METHOD(World, "a spawn error is reported with the reason that supervisord keeps") {
  peer->answer(start_process, {fault(50, "SPAWN_ERROR: web")});
  peer->answer(get_info,
               {info(InstanceState::backoff, "Exited too quickly (process log may have details)")});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::spawn_failed);
  CHECK(started.error().message ==
        "starting web: Exited too quickly (process log may have details)");
  CHECK(started.error().fault == base::PeerFault{50, "SPAWN_ERROR: web"});
}

TEST_CASE_METHOD(World, "a spawn error whose reason the next try has wiped out is still one") {
  peer->answer(start_process, {fault(50, "SPAWN_ERROR: web")});
  peer->answer(get_info, {info(InstanceState::starting)});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::spawn_failed);
}

TEST_CASE_METHOD(World, "what is being stopped cannot be started yet") {
  peer->answer(start_process, {fault(40, "ABNORMAL_TERMINATION: web")});
  peer->answer(get_info, {info(InstanceState::stopping)});
  const auto started = supervisord.start_instance(web, soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == ErrorKind::conflict);
  CHECK(started.error().message.find("being stopped") != std::string::npos);
}

TEST_CASE_METHOD(World, "a start that somebody stops in the middle has failed") {
  peer->answer(start_process, {fault(40, "ABNORMAL_TERMINATION: web")});
  peer->answer(get_info, {info(InstanceState::stopped)});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::spawn_failed);
}

TEST_CASE_METHOD(World,
                 "a missing or unusable command, an unknown name and a shutdown are told apart") {
  peer->answer(get_info, {info(InstanceState::stopped)});
  peer->answer(start_process,
               {fault(20, "NO_FILE"), fault(21, "NOT_EXECUTABLE"), fault(10, "BAD_NAME: web"),
                fault(6, "SHUTDOWN_STATE"), tests::error(ErrorKind::timeout)});
  for (const ErrorKind kind : {ErrorKind::no_file, ErrorKind::no_file, ErrorKind::not_found,
                               ErrorKind::shutting_down, ErrorKind::timeout}) {
    CHECK(supervisord.start_instance(web, soon()).error().kind == kind);
  }
}

TEST_CASE_METHOD(World, "the Go reimplementation's refused start is judged by looking") {
  peer->answer(start_process, {vague_fault("fail to start process web")});
  peer->answer(get_info, {info(InstanceState::running)});
  CHECK(supervisord.start_instance(web, soon()) == Outcome::unchanged);
  peer->answer(get_info, {info(InstanceState::fatal)});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::spawn_failed);
  peer->answer(get_info, {vague_fault("fail to find process")});
  peer->answer("supervisor.getAllProcessInfo", {value(xmlrpc::Array{})});
  CHECK(supervisord.start_instance(web, soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(World, "a stop never asks supervisord to wait: it is looked at until it is done") {
  peer->answer(stop_process, {value(true)});
  peer->answer(get_info, {info(InstanceState::stopping), info(InstanceState::stopping),
                          info(InstanceState::stopped)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
  CHECK(peer->calls().front() == xmlrpc::Call{stop_process, {"web", false}});
  CHECK(peer->calls().size() == 4);
}

TEST_CASE_METHOD(World, "a forced stop returns once it is asked for") {
  peer->answer(stop_process, {value(true)});
  CHECK(supervisord.stop_instance(web, StopMode::force, soon()) == Outcome::changed);
  CHECK(peer->calls() == std::vector<xmlrpc::Call>{{stop_process, {"web", false}}});
}

TEST_CASE_METHOD(World, "stopping what has ended, was stopped or never ran changes nothing") {
  peer->answer(stop_process, {fault(70, "NOT_RUNNING: web")});
  for (const InstanceState state :
       {InstanceState::stopped, InstanceState::exited, InstanceState::fatal}) {
    peer->answer(get_info, {info(state)});
    CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::unchanged);
  }
}

TEST_CASE_METHOD(World, "a stop under way is joined") {
  peer->answer(stop_process, {fault(70, "NOT_RUNNING: web")});
  peer->answer(get_info, {info(InstanceState::stopping), info(InstanceState::stopping),
                          info(InstanceState::stopped)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
  peer->answer(get_info, {info(InstanceState::stopping)});
  CHECK(supervisord.stop_instance(web, StopMode::force, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(World, "a program that was just between two crashes is stopped all the same") {
  peer->answer(stop_process, {fault(70, "NOT_RUNNING: web"), value(true)});
  peer->answer(get_info, {info(InstanceState::starting), info(InstanceState::stopped)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
}

TEST_CASE_METHOD(World, "a stop that takes too long times out with the state it is in") {
  peer->answer(stop_process, {value(true)});
  peer->answer(get_info, {info(InstanceState::stopping)});
  const auto stopped = supervisord.stop_instance(web, StopMode::graceful, soon());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().kind == ErrorKind::timeout);
  CHECK(stopped.error().message == "web is still STOPPING; supervisord goes on with it");
  CHECK(peer->calls().size() < 100);
}

TEST_CASE_METHOD(World, "a stop ends at once when the agent shuts down") {
  std::stop_source shutdown;
  peer->answer(stop_process, {value(true)});
  peer->answer(get_info, [&](const xmlrpc::Call&) {
    shutdown.request_stop();
    return info(InstanceState::stopping);
  });
  const auto deadline = base::Deadline::after(clock, std::chrono::hours(1), shutdown.get_token());
  CHECK(supervisord.stop_instance(web, StopMode::graceful, deadline).error().kind ==
        ErrorKind::cancelled);
}

TEST_CASE_METHOD(World, "a process whose group is removed while it stops has stopped") {
  peer->answer(stop_process, {value(true)});
  peer->answer(get_info, {info(InstanceState::stopping), fault(10, "BAD_NAME: web")});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
}

TEST_CASE_METHOD(World, "a process that supervisord lost hold of cannot be stopped by it") {
  peer->answer(get_info, {info(InstanceState::unknown)});
  peer->answer(stop_process, {fault(70, "NOT_RUNNING: web"), value(true)});
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()).error().kind ==
        ErrorKind::conflict);
  CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()).error().kind ==
        ErrorKind::conflict);
}

TEST_CASE_METHOD(World, "an unknown name, a refused kill and a shutdown are told apart in a stop") {
  peer->answer(stop_process, {fault(10, "BAD_NAME: web"), fault(30, "FAILED: unknown problem"),
                              fault(6, "SHUTDOWN_STATE")});
  for (const ErrorKind kind : {ErrorKind::not_found, ErrorKind::fault, ErrorKind::shutting_down}) {
    CHECK(supervisord.stop_instance(web, StopMode::graceful, soon()).error().kind == kind);
  }
}

TEST_CASE_METHOD(World, "a restart is a stop, seen done, and a start") {
  peer->answer(stop_process, {value(true)});
  peer->answer(start_process, {value(true)});
  peer->answer(get_info, {info(InstanceState::stopped)});
  CHECK(supervisord.restart_instance(web, soon()) == Outcome::changed);
  CHECK(peer->methods() == std::vector<std::string>{stop_process, get_info, start_process});
}

}  // namespace
}  // namespace reeve::supervisor
