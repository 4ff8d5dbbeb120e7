#include "supervisor/peer.h"

#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using substrate::InstanceName;
using substrate::InstanceState;
using tests::World;

TEST_CASE("a name is written as supervisord addresses it: alone where group and name agree") {
  CHECK(namespec({"web", "web"}) == "web");
  CHECK(namespec({"worker", "worker_00"}) == "worker:worker_00");
  CHECK(namespec({"*", "*"}) == "*");
}

TEST_CASE("a name that supervisord would take for a whole group is never sent") {
  for (const InstanceName& name : {InstanceName{"web", "*"}, InstanceName{"g:*", "g:*"},
                                   InstanceName{"", "web"}, InstanceName{"web", ""}}) {
    CAPTURE(name.full());
    const auto address = namespec(name);
    REQUIRE_FALSE(address);
    CHECK(address.error().kind == ErrorKind::not_found);
  }
}

TEST_CASE_METHOD(World, "no operation sends the name of a whole group") {
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
  CHECK(peer->calls().empty());
  CHECK(peer->streamed_path().empty());
}

TEST_CASE_METHOD(World, "connecting reads supervisord's pid") {
  peer->answer_fixture("supervisor.getPID", "getPID.xml");
  CHECK(supervisord.connect(soon()) == substrate::Pid{27880});
}

TEST_CASE_METHOD(World, "a pid that is none is a malformed answer") {
  peer->answer("supervisor.getPID", {tests::value("27880"), tests::value(0)});
  CHECK(supervisord.connect(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.connect(soon()).error().kind == ErrorKind::malformed);
}

TEST_CASE_METHOD(World, "a listing holds every process, sorted by group and name") {
  peer->answer_fixture("supervisor.getAllProcessInfo", "getAllProcessInfo-all-states.xml");
  const auto listing = supervisord.list_instances(soon());
  REQUIRE(listing);
  CHECK(listing->rejected == 0);
  CHECK(listing->instances.size() == 32);
  CHECK(std::is_sorted(listing->instances.begin(), listing->instances.end(),
                       [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_CASE_METHOD(World, "every version's listing is read whole, the Go reimplementation's too") {
  for (const char* file :
       {"versions/3.0-getAllProcessInfo.http", "versions/3.4.0-getAllProcessInfo.http",
        "versions/4.1.0-getAllProcessInfo.http", "versions/4.3.0-getAllProcessInfo.http",
        "versions/main-getAllProcessInfo.http", "go-getAllProcessInfo.xml"}) {
    CAPTURE(file);
    peer->answer_fixture("supervisor.getAllProcessInfo", file);
    const auto listing = supervisord.list_instances(soon());
    REQUIRE(listing);
    CHECK(listing->rejected == 0);
    CHECK_FALSE(listing->instances.empty());
  }
}

TEST_CASE_METHOD(World, "a record that is not whole is left out of the listing and counted") {
  peer->answer("supervisor.getAllProcessInfo",
               {tests::value(xmlrpc::Array{*tests::info(InstanceState::running)->value(),
                                           xmlrpc::Struct{{"name", "half"}}, "no struct"})});
  const auto listing = supervisord.list_instances(soon());
  REQUIRE(listing);
  CHECK(listing->rejected == 2);
  CHECK(listing->instances.size() == 1);
}

TEST_CASE_METHOD(World, "a listing that is no array is malformed, a fault and an error stay so") {
  peer->answer(
      "supervisor.getAllProcessInfo",
      {tests::value(true), tests::fault(6, "SHUTDOWN_STATE"), tests::error(ErrorKind::timeout)});
  CHECK(supervisord.list_instances(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.list_instances(soon()).error().kind == ErrorKind::shutting_down);
  CHECK(supervisord.list_instances(soon()).error().kind == ErrorKind::timeout);
}

TEST_CASE_METHOD(World,
                 "where every refusal looks alike, an unknown name is found out by listing") {
  peer->answer("supervisor.getProcessInfo", {tests::vague_fault("fail to find process")});
  peer->answer_fixture("supervisor.getAllProcessInfo", "go-getAllProcessInfo.xml");
  CHECK(supervisord.get_instance({"nope", "nope"}, soon()).error().kind == ErrorKind::not_found);
  CHECK(supervisord.get_instance(web, soon()).error().kind == ErrorKind::fault);
}

TEST_CASE_METHOD(World, "a multicall's faults are told from its results by their keys") {
  peer->answer_fixture("system.multicall", "multicall-mixed.xml");
  const auto results = Peer(peer).multicall(std::vector<xmlrpc::Call>(8), "asking much", soon());
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

TEST_CASE_METHOD(World, "a multicall with fewer results than calls is malformed") {
  peer->answer_fixture("system.multicall", "multicall-empty.xml");
  CHECK(Peer(peer).multicall({{"supervisor.getPID", {}}}, "asking", soon()).error().kind ==
        ErrorKind::malformed);
}

TEST_CASE_METHOD(World, "what supervisord cannot do is refused with what to do instead") {
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

}  // namespace
}  // namespace reeve::supervisor
