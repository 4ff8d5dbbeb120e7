#include "supervisor/supervisord_rpc.h"

#include "reeve/base/clock.h"
#include "supervisor/stub_caller.h"
#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using substrate::InstanceName;
using substrate::InstanceState;
using tests::StubCaller;
using tests::World;

TEST_CASE(
    "SupervisordRpc: a name is written as supervisord addresses it: alone where group and name "
    "agree") {
  CHECK(namespec({"web", "web"}) == "web");
  CHECK(namespec({"worker", "worker_00"}) == "worker:worker_00");
  CHECK(namespec({"*", "*"}) == "*");
}

TEST_CASE("SupervisordRpc: a name that supervisord would take for a whole group is never sent") {
  for (const InstanceName& name : {InstanceName{"web", "*"}, InstanceName{"g:*", "g:*"},
                                   InstanceName{"", "web"}, InstanceName{"web", ""}}) {
    CAPTURE(name.full());
    const auto address = namespec(name);
    REQUIRE_FALSE(address);
    CHECK(address.error().kind == ErrorKind::not_found);
  }
}

TEST_CASE_METHOD(World,
                 "SupervisordRpc: a multicall's faults are told from its results by their keys") {
  caller->answer_fixture("system.multicall", "multicall-mixed.xml");
  const auto results =
      SupervisordRpc(caller).multicall(std::vector<xmlrpc::Call>(8), "asking much", soon());
  REQUIRE(results);
  REQUIRE(results->size() == 8);
  CHECK(results->at(0));
  CHECK(results->at(1).error().kind == ErrorKind::not_found);
  CHECK(results->at(2).error().kind == ErrorKind::not_implemented);
  CHECK(results->at(3)->as_integer() != nullptr);
  CHECK(results->at(4)->member("pid") != nullptr);
  CHECK(results->at(5)->as_array() != nullptr);
  CHECK(results->at(6).error().kind == ErrorKind::fault);
}

TEST_CASE_METHOD(World, "SupervisordRpc: a multicall with fewer results than calls is malformed") {
  caller->answer_fixture("system.multicall", "multicall-empty.xml");
  CHECK(SupervisordRpc(caller)
            .multicall({{"supervisor.getPID", {}}}, "asking", soon())
            .error()
            .kind == ErrorKind::malformed);
}

TEST_CASE_METHOD(
    World,
    "SupervisordRpc: a method that is missing is told from a broken path, whatever the "
    "HTTP status that says so") {
  const ErrorKind status = GENERATE(ErrorKind::not_found, ErrorKind::fault);  // 400, 404; 500
  caller->answer("supervisor.getAllConfigInfo", {tests::error(status)});
  caller->answer("system.multicall", {tests::error(status)});
  SECTION("calls are answered there") {
    caller->answer("supervisor.getPID", {tests::value(7)});
    CHECK(supervisord.programs(soon()).error().kind == ErrorKind::not_implemented);
    const SupervisordRpc rpc(caller);
    CHECK(rpc.multicall({{"supervisor.getPID", {}}}, "asking", soon())->at(0)->as_integer());
    CHECK_FALSE(rpc.has_multicall());
  }
  SECTION("no call is") {
    caller->answer("supervisor.getPID", {tests::error(ErrorKind::not_found)});
    CHECK(supervisord.programs(soon()).error().kind == status);
  }
}

TEST_CASE_METHOD(World,
                 "SupervisordRpc: an exception inside a multicall is not taken for a lack of it") {
  caller->answer("supervisor.getPID", {tests::value(7)});
  caller->answer("system.multicall", [this](const xmlrpc::Call& call) {
    return call.parameters.at(0).as_array()->size() > 1 ? tests::error(ErrorKind::fault)
                                                        : caller->multicall(call);
  });
  const SupervisordRpc rpc(caller);
  const std::vector<xmlrpc::Call> calls(2, xmlrpc::Call{"supervisor.getPID", {}});
  CHECK(rpc.multicall(calls, "asking", soon()).error().kind == ErrorKind::fault);
  CHECK(rpc.has_multicall());
}

struct Places {
  std::shared_ptr<StubCaller> port = std::make_shared<StubCaller>();
  std::shared_ptr<StubCaller> socket = std::make_shared<StubCaller>();
  FallbackCaller caller{{port, socket}};
  base::SystemClock clock;

  [[nodiscard]] auto ask() {
    return caller.call({"getPID", {}}, base::Deadline::after(clock, std::chrono::hours(1)));
  }
};

TEST_CASE("FallbackCaller: the first server that answers, even a later one, is used from then on") {
  Places places;
  places.port->answer("getPID", {tests::error(ErrorKind::unreachable)});
  places.socket->answer("getPID", {tests::error(ErrorKind::socket_missing), tests::value(7),
                                   tests::error(ErrorKind::unreachable)});
  CHECK(places.ask().error().kind == ErrorKind::unreachable);
  CHECK(places.ask());
  CHECK(places.ask().error().kind == ErrorKind::unreachable);
  CHECK(places.port->calls().size() == 2);
  CHECK(places.socket->calls().size() == 3);
}

TEST_CASE("FallbackCaller: a server that refuses a call is not passed over for another") {
  Places places;
  places.port->answer("getPID", {tests::error(ErrorKind::denied)});
  places.socket->answer("getPID", {tests::value(7)});
  CHECK(places.ask().error().kind == ErrorKind::denied);
  CHECK(places.socket->calls().empty());
}

}  // namespace
}  // namespace reeve::supervisor
