#include "supervisor/poll_source.h"

#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using tests::fault;
using tests::vague_fault;
using tests::value;
using tests::World;

struct SurveyedWorld : World {
  const substrate::LogRange tail{substrate::LogRange::From::end, 0, 100};

  SurveyedWorld() {
    caller->answer("supervisor.sendRemoteCommEvent", {value(true)});
    caller->answer_fixture("supervisor.getAllProcessInfo", "getAllProcessInfo-all-states.xml");
    caller->answer("supervisor.readLog", {value("text\n")});
  }
  [[nodiscard]] std::vector<xmlrpc::Value> sent() const {
    return *caller->calls().back().parameters.at(0).as_array();
  }
};

TEST_CASE_METHOD(SurveyedWorld,
                 "SupervisorPollSource: a survey is one request: the mark, the listing, the log") {
  const auto survey = poll_source.survey({"m1", tail}, soon());
  REQUIRE(survey);
  CHECK(survey->listing.instances == supervisord.list_instances(soon())->instances);
  CHECK(survey->log == "text\n");
  REQUIRE(caller->methods().front() == "system.multicall");
  const auto call = [](const char* method, xmlrpc::Array parameters) {
    return xmlrpc::Value(xmlrpc::Struct{{"methodName", method}, {"params", parameters}});
  };
  CHECK(*caller->calls().front().parameters.at(0).as_array() ==
        xmlrpc::Array{call("supervisor.sendRemoteCommEvent", {"reeve", "m1"}),
                      call("supervisor.getAllProcessInfo", {}),
                      call("supervisor.readLog", {-100, 0})});
}

TEST_CASE_METHOD(
    SurveyedWorld,
    "SupervisorPollSource: a survey asks for no more than 64 KiB of the log, and never all") {
  using From = substrate::LogRange::From;
  CHECK(poll_source.survey({"m", substrate::LogRange{From::start, 7, 1U << 30U}}, soon()));
  CHECK(*sent().at(2).member("params") == xmlrpc::Value(xmlrpc::Array{7, 65536}));
  CHECK(poll_source.survey({"m", substrate::LogRange{From::end, 0, 0}}, soon())->log == "");
  CHECK(sent().size() == 2);
}

TEST_CASE_METHOD(
    SurveyedWorld,
    "SupervisorPollSource: a log that cannot be read takes nothing else from a survey") {
  caller->answer("supervisor.readLog", {fault(30, "FAILED: <class 'AttributeError'>: utf-8"),
                                        fault(20, "NO_FILE"), value(7)});
  for (int i = 0; i < 3; ++i) {
    const auto survey = poll_source.survey({"m", tail}, soon());
    REQUIRE(survey);
    CHECK_FALSE(survey->log);
    CHECK_FALSE(survey->listing.instances.empty());
  }
}

TEST_CASE_METHOD(
    SurveyedWorld,
    "SupervisorPollSource: without a multicall there is no survey, and nothing is sent") {
  caller->answer("system.multicall",
                 {vague_fault("can't find method system.multicall"), fault(1, "UNKNOWN_METHOD")});
  for (int i = 0; i < 2; ++i) {
    CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::not_implemented);
  }
  CHECK(caller->calls().size() == 2);
}

TEST_CASE_METHOD(
    SurveyedWorld,
    "SupervisorPollSource: a survey fails with the reason of the listing or the mark") {
  caller->answer("supervisor.getAllProcessInfo",
                 {fault(6, "SHUTDOWN_STATE"), value("text"), value(xmlrpc::Array{})});
  CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::shutting_down);
  CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::malformed);
  caller->answer("supervisor.sendRemoteCommEvent", {fault(1, "UNKNOWN_METHOD")});
  CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::not_implemented);
}

xmlrpc::Value call_struct(const char* method, xmlrpc::Array parameters) {
  return xmlrpc::Struct{{"methodName", method}, {"params", std::move(parameters)}};
}

struct PolledWorld : SurveyedWorld {
  PolledWorld() {
    caller->answer("supervisor.getPID", {value(4711)});
    caller->answer_fixture("supervisor.getState", "getState.xml");
  }
};

TEST_CASE_METHOD(PolledWorld, "SupervisorPollSource: a poll is one request for everything") {
  const auto answer = poll_source.poll({.mark = std::nullopt, .log = tail}, soon());
  REQUIRE(answer);
  CHECK(answer->pid == substrate::Pid{4711});
  CHECK(answer->state == substrate::ManagerState{1, "RUNNING"});
  CHECK(answer->listing.instances.size() == 32);
  CHECK(answer->log == "text\n");
  CHECK(answer->of_one_moment);
  CHECK(caller->methods() == std::vector<std::string>{"system.multicall"});
  CHECK(sent() == xmlrpc::Array{call_struct("supervisor.getPID", {}),
                                call_struct("supervisor.getState", {}),
                                call_struct("supervisor.getAllProcessInfo", {}),
                                call_struct("supervisor.readLog", {-100, 0})});
}

TEST_CASE_METHOD(PolledWorld, "SupervisorPollSource: a poll's mark is sent with it") {
  REQUIRE(poll_source.poll({.mark = "m1", .log = std::nullopt}, soon()));
  CHECK(sent() == xmlrpc::Array{call_struct("supervisor.getPID", {}),
                                call_struct("supervisor.getState", {}),
                                call_struct("supervisor.sendRemoteCommEvent", {"reeve", "m1"}),
                                call_struct("supervisor.getAllProcessInfo", {})});
}

TEST_CASE_METHOD(PolledWorld,
                 "SupervisorPollSource: without multicall a poll is one request a call") {
  caller->answer("system.multicall", {vague_fault("can't find method system.multicall")});
  const auto answer = poll_source.poll({.mark = std::nullopt, .log = tail}, soon());
  REQUIRE(answer);
  CHECK(answer->pid == substrate::Pid{4711});
  CHECK(answer->log == "text\n");
  CHECK(answer->listing.instances.size() == 32);
  CHECK_FALSE(answer->of_one_moment);
  CHECK(caller->calls().size() == 5);
  CHECK(poll_source.poll({.mark = "m", .log = tail}, soon()).error().kind ==
        ErrorKind::not_implemented);
}

TEST_CASE_METHOD(PolledWorld, "SupervisorPollSource: a log that cannot be read fails alone") {
  caller->answer("supervisor.readLog", {fault(20, "NO_FILE"), value(7)});
  for (const ErrorKind kind : {ErrorKind::no_file, ErrorKind::malformed}) {
    const auto answer = poll_source.poll({.mark = std::nullopt, .log = tail}, soon());
    REQUIRE(answer);
    CHECK(answer->log.error().kind == kind);
    CHECK_FALSE(answer->listing.instances.empty());
  }
  CHECK(poll_source.poll({}, soon())->log == "");
}

TEST_CASE_METHOD(PolledWorld,
                 "SupervisorPollSource: a poll fails with the first thing that failed") {
  caller->answer("supervisor.getState", {fault(6, "SHUTDOWN_STATE"), value("text")});
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::shutting_down);
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::malformed);
  caller->answer_fixture("supervisor.getState", "getState.xml");
  caller->answer("supervisor.getPID", {value(0)});
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::malformed);
  caller->answer("system.multicall", {tests::error(ErrorKind::unreachable)});
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::unreachable);
}

}  // namespace
}  // namespace reeve::supervisor
