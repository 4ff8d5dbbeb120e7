#include "supervisor/world.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using tests::fault;
using tests::vague_fault;
using tests::value;
using tests::World;

TEST_CASE_METHOD(World, "supervisord describes itself in one request") {
  peer->answer_fixture("supervisor.getSupervisorVersion", "getSupervisorVersion.xml");
  peer->answer("supervisor.getAPIVersion", {value("3.0")});
  peer->answer_fixture("supervisor.getIdentification", "getIdentification.xml");
  CHECK(supervisord.describe(soon()) == substrate::ManagerDescription{"4.2.5", "3.0", "lab-é"});
  CHECK(peer->calls().size() == 1);
}

TEST_CASE_METHOD(World, "where there is no multicall, a description takes one request each") {
  peer->answer("system.multicall", {vague_fault("can't find method system.multicall")});
  peer->answer("supervisor.getSupervisorVersion", {value("3.0")});
  peer->answer("supervisor.getAPIVersion", {value("3.0")});
  peer->answer("supervisor.getIdentification", {value("supervisor")});
  CHECK(supervisord.describe(soon()) == substrate::ManagerDescription{"3.0", "3.0", "supervisor"});
}

TEST_CASE_METHOD(World, "all programs are told, those of old versions with what those know") {
  for (const char* file :
       {"getAllConfigInfo.xml", "versions/3.0-getAllConfigInfo.http",
        "versions/3.4.0-getAllConfigInfo.http", "versions/4.1.0-getAllConfigInfo.http",
        "versions/4.3.0-getAllConfigInfo.http"}) {
    CAPTURE(file);
    peer->answer_fixture("supervisor.getAllConfigInfo", file);
    const auto programs = supervisord.programs(soon());
    REQUIRE(programs);
    CHECK_FALSE(programs->empty());
  }
}

TEST_CASE_METHOD(World, "a supervisord that cannot tell its programs says so") {
  // An HTTP 500 (supervisord's main branch) is a fault of the transport, without a code.
  peer->answer("supervisor.getAllConfigInfo",
               {tests::error(ErrorKind::fault), fault(1, "UNKNOWN_METHOD"),
                vague_fault("can't find method")});
  for (int i = 0; i < 3; ++i) {
    CHECK(supervisord.programs(soon()).error().kind == ErrorKind::not_implemented);
  }
}

TEST_CASE_METHOD(World, "a program's record that is not whole makes the answer malformed") {
  peer->answer("supervisor.getAllConfigInfo",
               {value(xmlrpc::Array{xmlrpc::Struct{{"name", "web"}}}), value("text"),
                fault(6, "SHUTDOWN_STATE")});
  CHECK(supervisord.programs(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.programs(soon()).error().kind == ErrorKind::malformed);
  CHECK(supervisord.programs(soon()).error().kind == ErrorKind::shutting_down);
}

TEST_CASE_METHOD(World, "a signal goes to one process by name and number as given") {
  peer->answer("supervisor.signalProcess", {value(true)});
  CHECK(supervisord.signal(web, "HUP", soon()));
  CHECK(peer->calls().front() == xmlrpc::Call{"supervisor.signalProcess", {"web", "HUP"}});
}

TEST_CASE_METHOD(World, "a signal's refusals are told apart, too old a supervisord among them") {
  peer->answer("supervisor.signalProcess",
               {fault(11, "BAD_SIGNAL: FOO"), fault(70, "NOT_RUNNING: web"),
                fault(10, "BAD_NAME: web"), fault(1, "UNKNOWN_METHOD")});
  for (const ErrorKind kind : {ErrorKind::invalid_argument, ErrorKind::conflict,
                               ErrorKind::not_found, ErrorKind::not_implemented}) {
    CHECK(supervisord.signal(web, "FOO", soon()).error().kind == kind);
  }
  CHECK(supervisord.signal(web, "HUP", soon()).error().message.find("3.2") != std::string::npos);
}

TEST_CASE_METHOD(World, "a reread says what was added, changed and removed") {
  peer->answer("supervisor.getSupervisorVersion", {value("4.2.5")});
  peer->answer_fixture("supervisor.reloadConfig", "reloadConfig-added-changed-removed.xml");
  CHECK(supervisord.reread(soon()) == substrate::ConfigChanges{{"fresh"}, {"change"}, {"gone"}});
  peer->answer_fixture("supervisor.reloadConfig", "reloadConfig-nothing.xml");
  CHECK(supervisord.reread(soon()) == substrate::ConfigChanges{});
}

TEST_CASE_METHOD(World, "a reread of a broken configuration says that the old one stays") {
  peer->answer("supervisor.getSupervisorVersion", {value("4.2.5")});
  peer->answer_fixture("supervisor.reloadConfig", "fault-CANT_REREAD.xml");
  const auto changes = supervisord.reread(soon());
  REQUIRE_FALSE(changes);
  CHECK(changes.error().kind == ErrorKind::invalid_argument);
  CHECK(changes.error().message.find("the old one stays") != std::string::npos);
}

TEST_CASE_METHOD(World, "a reread is not sent where it would apply the changes at once") {
  peer->answer("supervisor.getSupervisorVersion",
               {tests::StubCaller::Reply(xmlrpc::Answer{xmlrpc::Value("3.0"), false, {}})});
  CHECK(supervisord.reread(soon()).error().kind == ErrorKind::not_implemented);
  CHECK(peer->calls().size() == 1);
}

TEST_CASE_METHOD(World, "a reread's answer of another form is malformed") {
  peer->answer("supervisor.getSupervisorVersion", {value("4.2.5")});
  for (const xmlrpc::Value& form :
       {xmlrpc::Value(true), xmlrpc::Value(xmlrpc::Array{}),
        xmlrpc::Value(xmlrpc::Array{xmlrpc::Array{xmlrpc::Array{}, xmlrpc::Array{}}}),
        xmlrpc::Value(xmlrpc::Array{xmlrpc::Array{xmlrpc::Array{}, xmlrpc::Array{1}, "text"}})}) {
    peer->answer("supervisor.reloadConfig", {value(form)});
    CHECK(supervisord.reread(soon()).error().kind == ErrorKind::malformed);
  }
}

TEST_CASE_METHOD(World, "adding a group that is active already is done, an unknown one not found") {
  peer->answer("supervisor.addProcessGroup",
               {value(true), fault(90, "ALREADY_ADDED: g"), fault(10, "BAD_NAME: g")});
  CHECK(supervisord.add_group("g", soon()));
  CHECK(supervisord.add_group("g", soon()));
  CHECK(supervisord.add_group("g", soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(World, "removing a group that still runs is a conflict") {
  peer->answer("supervisor.removeProcessGroup",
               {value(true), fault(91, "STILL_RUNNING: g"), fault(10, "BAD_NAME: g")});
  CHECK(supervisord.remove_group("g", soon()));
  CHECK(supervisord.remove_group("g", soon()).error().kind == ErrorKind::conflict);
  CHECK(supervisord.remove_group("g", soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(World, "a supervisord that answers false to a change of groups has done nothing") {
  peer->answer("supervisor.addProcessGroup", {value(false), value("yes")});
  CHECK(supervisord.add_group("g", soon()).error().kind == ErrorKind::not_implemented);
  CHECK(supervisord.add_group("g", soon()).error().kind == ErrorKind::malformed);
}

struct SurveyedWorld : World {
  const substrate::LogRange tail{substrate::LogRange::From::end, 0, 100};

  SurveyedWorld() {
    peer->answer("supervisor.sendRemoteCommEvent", {value(true)});
    peer->answer_fixture("supervisor.getAllProcessInfo", "getAllProcessInfo-all-states.xml");
    peer->answer("supervisor.readLog", {value("text\n")});
  }
  [[nodiscard]] std::vector<xmlrpc::Value> sent() const {
    return *peer->calls().back().parameters.at(0).as_array();
  }
};

TEST_CASE_METHOD(SurveyedWorld, "a survey is one request: the mark, the listing, the log") {
  const auto survey = poll_source.survey({"m1", tail}, soon());
  REQUIRE(survey);
  CHECK(survey->listing.instances == supervisord.list_instances(soon())->instances);
  CHECK(survey->log == "text\n");
  REQUIRE(peer->methods().front() == "system.multicall");
  const auto call = [](const char* method, xmlrpc::Array parameters) {
    return xmlrpc::Value(xmlrpc::Struct{{"methodName", method}, {"params", parameters}});
  };
  CHECK(*peer->calls().front().parameters.at(0).as_array() ==
        xmlrpc::Array{call("supervisor.sendRemoteCommEvent", {"reeve", "m1"}),
                      call("supervisor.getAllProcessInfo", {}),
                      call("supervisor.readLog", {-100, 0})});
}

TEST_CASE_METHOD(SurveyedWorld, "a survey asks for no more than 64 KiB of the log, and never all") {
  using From = substrate::LogRange::From;
  CHECK(poll_source.survey({"m", substrate::LogRange{From::start, 7, 1U << 30U}}, soon()));
  CHECK(*sent().at(2).member("params") == xmlrpc::Value(xmlrpc::Array{7, 65536}));
  CHECK(poll_source.survey({"m", substrate::LogRange{From::end, 0, 0}}, soon())->log == "");
  CHECK(sent().size() == 2);
}

TEST_CASE_METHOD(SurveyedWorld, "a log that cannot be read takes nothing else from a survey") {
  peer->answer("supervisor.readLog", {fault(30, "FAILED: <class 'AttributeError'>: utf-8"),
                                      fault(20, "NO_FILE"), value(7)});
  for (int i = 0; i < 3; ++i) {
    const auto survey = poll_source.survey({"m", tail}, soon());
    REQUIRE(survey);
    CHECK_FALSE(survey->log);
    CHECK_FALSE(survey->listing.instances.empty());
  }
}

TEST_CASE_METHOD(SurveyedWorld, "without a multicall there is no survey, and nothing is sent") {
  peer->answer("system.multicall",
               {vague_fault("can't find method system.multicall"), fault(1, "UNKNOWN_METHOD")});
  for (int i = 0; i < 2; ++i) {
    CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::not_implemented);
  }
  CHECK(peer->calls().size() == 2);
}

TEST_CASE_METHOD(SurveyedWorld, "a survey fails with the reason of the listing or the mark") {
  peer->answer("supervisor.getAllProcessInfo",
               {fault(6, "SHUTDOWN_STATE"), value("text"), value(xmlrpc::Array{})});
  CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::shutting_down);
  CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::malformed);
  peer->answer("supervisor.sendRemoteCommEvent", {fault(1, "UNKNOWN_METHOD")});
  CHECK(poll_source.survey({"m", tail}, soon()).error().kind == ErrorKind::not_implemented);
}

}  // namespace
}  // namespace reeve::supervisor
