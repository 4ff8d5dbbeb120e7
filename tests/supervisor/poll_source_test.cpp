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

xmlrpc::Value call_struct(const char* method, xmlrpc::Array parameters) {
  return xmlrpc::Struct{{"methodName", method}, {"params", std::move(parameters)}};
}

struct PolledWorld : World {
  const substrate::LogRange tail{substrate::LogRange::From::end, 0, 100};

  PolledWorld() {
    caller->answer("supervisor.getPID", {value(4711)});
    caller->answer("supervisor.sendRemoteCommEvent", {value(true)});
    caller->answer_fixture("supervisor.getAllProcessInfo", "getAllProcessInfo-all-states.xml");
    caller->answer("supervisor.readLog", {value("text\n")});
  }
  [[nodiscard]] std::vector<xmlrpc::Value> sent() const {
    return *caller->calls().back().parameters.at(0).as_array();
  }
};

TEST_CASE_METHOD(PolledWorld, "SupervisorPollSource: a poll is one request for everything") {
  const auto answer = poll_source.poll({.mark = std::nullopt, .log = tail}, soon());
  REQUIRE(answer);
  CHECK(answer->pid == substrate::Pid{4711});
  CHECK(answer->listing.instances.size() == 32);
  CHECK(answer->log == "text\n");
  CHECK(answer->of_one_moment);
  CHECK(caller->methods() == std::vector<std::string>{"system.multicall"});
  CHECK(sent() == xmlrpc::Array{call_struct("supervisor.getPID", {}),
                                call_struct("supervisor.getAllProcessInfo", {}),
                                call_struct("supervisor.readLog", {-100, 0})});
}

TEST_CASE_METHOD(PolledWorld, "SupervisorPollSource: a poll's mark is sent with it") {
  REQUIRE(poll_source.poll({.mark = "m1", .log = std::nullopt}, soon()));
  CHECK(sent() == xmlrpc::Array{call_struct("supervisor.getPID", {}),
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
  CHECK(caller->calls().size() == 4);
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
  caller->answer("supervisor.getPID", {fault(6, "SHUTDOWN_STATE"), value(0)});
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::shutting_down);
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::malformed);
  caller->answer("supervisor.getPID", {value(4711)});
  caller->answer("supervisor.getAllProcessInfo", {fault(6, "SHUTDOWN_STATE"), value("text")});
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::shutting_down);
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::malformed);
  caller->answer("supervisor.getAllProcessInfo", {value(xmlrpc::Array{})});
  caller->answer("supervisor.sendRemoteCommEvent", {fault(1, "UNKNOWN_METHOD")});
  CHECK(poll_source.poll({.mark = "m", .log = {}}, soon()).error().kind ==
        ErrorKind::not_implemented);
  caller->answer("system.multicall", {tests::error(ErrorKind::unreachable)});
  CHECK(poll_source.poll({}, soon()).error().kind == ErrorKind::unreachable);
}

TEST_CASE_METHOD(
    PolledWorld,
    "SupervisorPollSource: a poll asks for no more than 64 KiB of the log, and never all") {
  using From = substrate::LogRange::From;
  CHECK(poll_source.poll({.mark = {}, .log = substrate::LogRange{From::start, 7, 1U << 30U}},
                         soon()));
  CHECK(*sent().at(2).member("params") == xmlrpc::Value(xmlrpc::Array{7, 65536}));
  CHECK(poll_source.poll({.mark = {}, .log = substrate::LogRange{From::end, 0, 0}}, soon())->log ==
        "");
  CHECK(sent().size() == 2);
}

}  // namespace
}  // namespace reeve::supervisor
