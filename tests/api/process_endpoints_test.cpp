#include "api/api_fixture.h"
#include "api/fair_share.h"
#include "api/snapshot_waiters.h"
#include "json/json.h"
#include "support/catch.h"
#include "support/gunzip.h"

namespace reeve::api {
namespace {

using base::ErrorKind;
using substrate::InstanceState;
using tests::ApiFixture;
using tests::awaited;
using tests::get;
using tests::header_of;
using tests::is_deferred;
using tests::json_of;
using tests::post;

std::vector<std::string> names_of(const http::Response& response) {
  std::vector<std::string> names;
  for (const auto& process : json_of(response)) {
    names.push_back(process["group"].get<std::string>() + ":" + process["name"].get<std::string>());
  }
  return names;
}

TEST_CASE("GET supervisors: each with what is known of it") {
  ApiFixture fixture;
  const auto list = json_of(fixture.api.handle(get("/api/v1/supervisors")));
  REQUIRE(list.size() == 1);
  CHECK(list[0]["name"].is_null());
  CHECK(list[0]["url"] == "http://localhost:9001/RPC2");
  CHECK(list[0]["up"] == true);
}

TEST_CASE("GET processes: in order, all or by group, state and supervisord") {
  ApiFixture fixture;
  using Names = std::vector<std::string>;
  CHECK(names_of(fixture.api.handle(get("/api/v1/processes"))) ==
        Names{"job:job", "web:back", "web:front"});
  CHECK(names_of(fixture.api.handle(get("/api/v1/processes?group=web"))) ==
        Names{"web:back", "web:front"});
  CHECK(names_of(fixture.api.handle(get("/api/v1/processes?state=RUNNING&group=job"))) ==
        Names{"job:job"});
  CHECK(names_of(fixture.api.handle(get("/api/v1/processes?state=FATAL"))).empty());
  CHECK(names_of(fixture.api.handle(get("/api/v1/processes?supervisor="))).size() == 3);
}

std::string etag_of(const http::Response& response) {
  return header_of(response, "ETag");
}

http::Request list_request(const std::string& query, const std::string& known,
                           const std::string& token = tests::ops_token) {
  http::Request request = get("/api/v1/processes" + query, token);
  request.headers.push_back({"If-None-Match", known});
  return request;
}

TEST_CASE("GET processes: the list of a snapshot is made once, and is 304 for who has it") {
  ApiFixture fixture;
  const auto first = fixture.api.handle(get("/api/v1/processes"));
  const auto again = fixture.api.handle(get("/api/v1/processes"));
  using Shared = std::vector<http::SharedBytes>;
  CHECK(std::get<Shared>(first.body) == std::get<Shared>(again.body));
  CHECK(etag_of(first).starts_with("W/\""));
  for (const std::string& known :
       {etag_of(first), "\"x\", " + etag_of(first), std::string("*"), etag_of(first).substr(2)}) {
    CAPTURE(known);
    const auto unchanged = fixture.api.handle(list_request("", known));
    CHECK(unchanged.status == 304);
    CHECK(etag_of(unchanged) == etag_of(first));
    CHECK(std::get<std::string>(unchanged.body).empty());
  }
  CHECK(fixture.api.handle(list_request("", "\"x\"")).status == 200);
  CHECK(fixture.api.handle(list_request("?group=web", etag_of(first))).status == 200);
  CHECK(fixture.api.handle(list_request("", etag_of(first), tests::web_token)).status == 200);
  auto next = std::make_shared<monitor::Snapshot>(*fixture.world.snapshot);
  ++next->generation;
  fixture.world.snapshot = next;
  CHECK(fixture.api.handle(list_request("", etag_of(first))).status == 200);
}

TEST_CASE("GET processes: the gzipped list is the same") {
  ApiFixture fixture;
  const auto plain = fixture.api.handle(get("/api/v1/processes"));
  auto request = get("/api/v1/processes");
  request.headers.push_back({"Accept-Encoding", "gzip"});
  const auto gzipped = fixture.api.handle(request);
  CHECK(header_of(gzipped, "Content-Encoding") == "gzip");
  CHECK(etag_of(gzipped) == etag_of(plain));
  CHECK(tests::gunzip(tests::body_of(gzipped)) == tests::body_of(plain));
  request.query = "group=web";
  CHECK(header_of(fixture.api.handle(request), "Content-Encoding").empty());
}

TEST_CASE("GET processes: the text is that of the JSON objects") {
  ApiFixture fixture;
  auto expected = nlohmann::ordered_json::array();
  const auto& supervisor = fixture.world.snapshot->supervisors[0];
  for (const auto& process : supervisor.processes) {
    expected.push_back(json::to_json(supervisor, process));
  }
  CHECK(tests::body_of(fixture.api.handle(get("/api/v1/processes"))) == json::to_text(expected));
}

TEST_CASE("Reading: a token's allow list bounds what it reads of, unless read_all is set") {
  ApiFixture fixture;
  const auto read = [&](const std::string& path) {
    return fixture.api.handle(get(path, tests::web_token));
  };
  CHECK(names_of(read("/api/v1/processes")) == std::vector<std::string>{"web:back", "web:front"});
  CHECK(names_of(read("/api/v1/processes?group=job")).empty());
  CHECK(read("/api/v1/processes/web:front").status == 200);
  for (const char* path :
       {"/api/v1/processes/job", "/api/v1/processes/job/logs/stdout",
        "/api/v1/processes/job/logs/stderr?follow=true", "/api/v1/processes/none"}) {
    CAPTURE(path);
    const auto refused = read(path);
    CHECK(refused.status == 403);
    CHECK(json_of(refused)["type"] == "urn:reeve:problem:not_allowed");
  }
  const auto operation = json_of(fixture.api.handle(post("/api/v1/processes/job/restart")));
  const std::string one = "/api/v1/operations/" + operation["id"].get<std::string>();
  (void)fixture.api.handle(post("/api/v1/groups/web/restart", "", tests::web_token));
  CHECK(json_of(read("/api/v1/operations")).size() == 1);
  CHECK(read(one).status == 404);
  CHECK(json_of(read(one))["detail"] == json_of(read("/api/v1/operations/none"))["detail"]);

  ControlOptions options = tests::three_tokens();
  options.tokens[2].read_all = true;
  fixture.api.configure(options);
  CHECK(names_of(read("/api/v1/processes")).size() == 3);
  CHECK(read("/api/v1/processes/job").status == 200);
  CHECK(read(one).status == 200);
  CHECK(fixture.api.handle(post("/api/v1/processes/job/stop", "", tests::web_token)).status == 403);
}

TEST_CASE("GET processes: a filter that cannot match is an error, not an empty list") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(get("/api/v1/processes?state=running")).status == 400);
  CHECK(fixture.api.handle(get("/api/v1/processes?supervisor=nobody")).status == 404);
  CHECK(fixture.api.handle(get("/api/v1/processes?group=%zz")).status == 400);
}

TEST_CASE("GET permission: whether an action would be refused, and why; nothing is recorded") {
  ApiFixture fixture;
  const std::string path = "/api/v1/processes/web:front/permission";
  const auto allowed = json_of(fixture.api.handle(get(path)));
  CHECK(allowed == nlohmann::json({{"allowed", true}, {"reason", nullptr}, {"detail", nullptr}}));
  CHECK(json_of(fixture.api.handle(get(path, tests::web_token)))["allowed"] == true);
  const auto other =
      json_of(fixture.api.handle(get("/api/v1/processes/job/permission", tests::web_token)));
  CHECK(other["allowed"] == false);
  CHECK(other["reason"] == "not_allowed");
  CHECK(other["detail"] == json_of(fixture.api.handle(post("/api/v1/processes/job/restart", "",
                                                           tests::web_token)))["detail"]);
  CHECK(json_of(fixture.api.handle(get("/api/v1/processes/nobody/permission")))["reason"] ==
        "not_found");
  const auto reader = json_of(fixture.api.handle(get(path, tests::reader_token)));
  CHECK(reader["allowed"] == false);
  CHECK(reader["reason"] == "missing_scope");
  CHECK(fixture.world.controller.list().empty());
}

TEST_CASE("GET process: by group:name, or by the bare name where both are equal") {
  ApiFixture fixture;
  for (const char* path : {"/api/v1/processes/job", "/api/v1/processes/job:job",
                           "/api/v1/processes/job%3ajob", "/api/v1/processes/%6Aob"}) {
    const auto response = fixture.api.handle(get(path));
    CHECK(response.status == 200);
    CHECK(json_of(response)["name"] == "job");
  }
  CHECK(json_of(fixture.api.handle(get("/api/v1/processes/web:front")))["state"] == "RUNNING");
}

TEST_CASE("GET process: paths and patterns are no names") {
  ApiFixture fixture;
  for (const char* name :
       {"front", "web", "nobody", "%2e%2e", "..", "web:*", "*", "job%00", "%00", "job%2f", "JOB",
        "web:front%20", "%2e%2e%2fsupervisors", "job?", "j%6fb%0a"}) {
    CAPTURE(name);
    CHECK(fixture.api.handle(get("/api/v1/processes/" + std::string(name))).status ==
          (std::string(name) == "job?" ? 200 : 404));
  }
  for (const char* name : {"a:b:c", ":", "web:", ":front", "%", "%4", "%gg"}) {
    CAPTURE(name);
    CHECK(fixture.api.handle(get("/api/v1/processes/" + std::string(name))).status == 400);
  }
  CHECK(fixture.api.handle(get("/api/v1/processes/" + std::string(5'000, 'x'))).status == 400);
  for (const char* path : {"/api/v1/processes/", "/api/v1/processes//", "/api/v1//processes",
                           "//api/v1/processes", "/api/v1/processes/../supervisors",
                           "/api/v1/processes/job/", "/api/v1/processes/job/restart/x", ""}) {
    CAPTURE(path);
    CHECK(fixture.api.handle(get(path)).status == 404);
  }
}

TEST_CASE("GET process: where several supervisords are configured one must be named") {
  ApiFixture fixture;
  fixture.add_second_supervisor();
  const auto response = fixture.api.handle(get("/api/v1/processes/job"));
  CHECK(response.status == 400);
  CHECK(json_of(response)["detail"] ==
        "several supervisords are configured: add ?supervisor= and one of one, two");
  CHECK(fixture.api.handle(get("/api/v1/processes/job?supervisor=one")).status == 200);
  CHECK(fixture.api.handle(get("/api/v1/processes/job?supervisor=three")).status == 404);
}

TEST_CASE("GET process: while supervisord is unreachable the present state is null") {
  ApiFixture fixture;
  fixture.add_second_supervisor();
  const auto away = json_of(fixture.api.handle(get("/api/v1/processes/job?supervisor=two")));
  for (const char* member :
       {"state", "state_code", "pid", "description", "now", "uptime_seconds"}) {
    CHECK(away[member].is_null());
  }
  CHECK_FALSE(away["start_time"].is_null());
  CHECK(names_of(fixture.api.handle(get("/api/v1/processes?supervisor=two"))).size() == 3);
  CHECK(
      names_of(fixture.api.handle(get("/api/v1/processes?supervisor=two&state=RUNNING"))).empty());
}

TEST_CASE("GET process: an unknown process of an unreachable supervisord is a 503, not a 404") {
  ApiFixture fixture;
  fixture.add_second_supervisor();
  const auto response = fixture.api.handle(get("/api/v1/processes/new?supervisor=two"));
  CHECK(response.status == 503);
  CHECK(json_of(response)["detail"] ==
        "supervisord at http://localhost:9001/RPC2 cannot be read: connection refused");
}

TEST_CASE("GET: reading makes no calls and no operations") {
  ApiFixture fixture;
  const auto before = fixture.world.supervisord->calls().size();
  for (const char* path : {"/api/v1/supervisors", "/api/v1/processes", "/api/v1/processes/job",
                           "/api/v1/operations", "/api/v1/operations/1", "/-/healthy"}) {
    (void)fixture.api.handle(get(path));
  }
  CHECK(fixture.world.supervisord->calls().size() == before);
  CHECK(fixture.world.controller.list().empty());
}

/// Posts with ?wait=, carries out, and gives the answer that the client would get.
http::Response done(ApiFixture& fixture, const std::string& path, const std::string& body = "") {
  const http::Response response = fixture.api.handle(post(path + "?wait=30s", body));
  while (fixture.world.controller.run_next()) {
  }
  return awaited(response);
}

std::string type_of(const http::Response& response) {
  return json_of(response)["type"];
}

TEST_CASE("Actions: an accepted action returns its operation's Location") {
  ApiFixture fixture;
  const auto response =
      fixture.api.handle(post("/api/v1/processes/web:front/restart", R"({"reason": "deploy 7"})"));
  CHECK(response.status == 202);
  const auto operation = json_of(response);
  CHECK(operation["state"] == "queued");
  CHECK(operation["action"] == "restart");
  CHECK(operation["actor"] == "ops");
  CHECK(operation["reason"] == "deploy 7");
  const std::string location = header_of(response, "Location");
  CHECK(location == "/api/v1/operations/" + operation["id"].get<std::string>());

  CHECK(fixture.world.controller.run_next());
  const auto shown = json_of(fixture.api.handle(get(location)));
  CHECK(shown["state"] == "done");
  CHECK(shown["result"] == "succeeded");
  CHECK(json_of(fixture.api.handle(get("/api/v1/operations")))[0] == shown);
}

TEST_CASE("Actions: start, stop, restart and signal") {
  ApiFixture fixture;
  const auto state = [&] { return fixture.world.look("job").state; };
  CHECK(done(fixture, "/api/v1/processes/job/stop").status == 200);
  CHECK(state() == InstanceState::stopped);
  CHECK(done(fixture, "/api/v1/processes/job/start").status == 200);
  CHECK(state() == InstanceState::running);
  CHECK(done(fixture, "/api/v1/processes/job/restart").status == 200);
  CHECK(state() == InstanceState::running);
  CHECK(done(fixture, "/api/v1/processes/job/signal", R"({"signal": "HUP"})").status == 200);
  CHECK(fixture.world.supervisord->count(tests::Operation::signal) == 1);
}

TEST_CASE("Actions: with wait the response is the finished operation") {
  ApiFixture fixture;
  const auto first = done(fixture, "/api/v1/processes/job/stop");
  CHECK(first.status == 200);
  CHECK(json_of(first)["changed"] == true);
  CHECK(json_of(done(fixture, "/api/v1/processes/job/stop"))["changed"] == false);
  CHECK(fixture.observed == std::vector<tests::Observed>{{"stop", 200}, {"stop", 200}});
}

TEST_CASE("Actions: with wait the response comes when the snapshot shows what was done") {
  ApiFixture fixture;
  const auto response = fixture.api.handle(post("/api/v1/processes/job/stop?wait=30s"));
  while (fixture.world.controller.run_next()) {
  }
  const auto first = std::get<http::DeferredResponse>(response.body);
  REQUIRE(first.ready());
  const auto shown = std::get<http::DeferredResponse>(first.take().body);
  CHECK(shown.timeout() == std::chrono::seconds(1));
  fixture.api.publish(*fixture.world.snapshot);
  CHECK_FALSE(shown.ready());
  fixture.world.publish();
  fixture.api.publish(*fixture.world.snapshot);
  REQUIRE(shown.ready());
  CHECK(shown.take().status == 200);
  CHECK(json_of(fixture.api.handle(get("/api/v1/processes/job")))["state"] == "STOPPED");
}

TEST_CASE("SnapshotWaiters: what shows that an operation is done") {
  ApiFixture fixture;
  const auto before = fixture.world.snapshot;
  const auto carry_out = [&](guards::Action action) {
    return fixture.world.carry_out(tests::World::command(action, "job"));
  };
  const auto restart = carry_out(guards::Action::restart);
  CHECK_FALSE(shows(*before, restart));
  fixture.world.publish();
  CHECK(shows(*fixture.world.snapshot, restart));
  const auto later = carry_out(guards::Action::restart);
  CHECK_FALSE(shows(*fixture.world.snapshot, later));
  fixture.world.publish();
  CHECK(shows(*fixture.world.snapshot, restart));  // a later run
  CHECK(shows(*fixture.world.snapshot, later));
  const auto stop = carry_out(guards::Action::stop);
  CHECK_FALSE(shows(*fixture.world.snapshot, stop));
  fixture.world.publish();
  CHECK(shows(*fixture.world.snapshot, stop));
  CHECK(shows(*before, carry_out(guards::Action::stop)));  // it changed nothing
  auto away = std::make_shared<monitor::Snapshot>(*before);
  away->supervisors[0].up = false;
  CHECK(shows(*away, stop));
}

TEST_CASE("Actions: after the wait the response is the operation's state so far") {
  ApiFixture fixture;
  const auto response = awaited(fixture.api.handle(post("/api/v1/processes/job/stop?wait=1s")));
  CHECK(response.status == 202);
  CHECK(json_of(response)["state"] == "queued");
  CHECK_FALSE(header_of(response, "Location").empty());
  CHECK(fixture.world.controller.run_next());
  CHECK(fixture.observed == std::vector<tests::Observed>{{"stop", 202}});
}

TEST_CASE(
    "Actions: of the responses that wait a token has a share, beyond it is answered at once") {
  ApiFixture fixture;
  const auto ask = [&](const std::string& process) {
    auto request = post("/api/v1/processes/" + process + "/stop?wait=5m");
    request.headers.push_back({"Idempotency-Key", process});
    return fixture.api.handle(request);
  };
  std::vector<http::Response> waiting;
  for (std::size_t i = 0; i < WaitPlaces::max_waiting / 2; ++i) {
    waiting.push_back(ask(i % 2 == 0 ? "web:front" : "web:back"));
    CHECK(is_deferred(waiting.back()));
  }
  const auto beyond = ask("job");
  CHECK(beyond.status == 202);
  CHECK_FALSE(is_deferred(beyond));
  CHECK(awaited(waiting.front()).status == 202);  // its wait is over
  CHECK(is_deferred(ask("job")));
}

TEST_CASE("WaitPlaces: a principal has half, the last quarter is for those without one") {
  WaitPlaces places;
  std::vector<std::shared_ptr<const WaitPlaces::Place>> taken;
  const auto take = [&](const std::string& principal) {
    taken.push_back(places.take(principal));
    return taken.back() != nullptr;
  };
  for (std::size_t i = 0; i < WaitPlaces::max_waiting / 2; ++i) {
    CHECK(take("a"));
  }
  CHECK_FALSE(take("a"));
  for (std::size_t i = 0; i < WaitPlaces::max_waiting / 4; ++i) {
    CHECK(take("b"));
  }
  CHECK_FALSE(take("b"));
  CHECK(take("c"));
  CHECK_FALSE(take("c"));
  taken.clear();
  CHECK(take("a"));
}

TEST_CASE("Actions: a wait is bounded, and must be a duration") {
  ApiFixture fixture;
  const auto response = fixture.api.handle(post("/api/v1/processes/job/stop?wait=24h"));
  REQUIRE(tests::is_deferred(response));
  CHECK(std::get<http::DeferredResponse>(response.body).timeout() == std::chrono::minutes(5));
  CHECK(fixture.api.handle(post("/api/v1/processes/web:front/stop?wait=soon")).status == 400);
  CHECK(fixture.world.controller.list().size() == 1);
}

TEST_CASE("Actions: a stop with wait false is done once it is requested") {
  ApiFixture fixture;
  fixture.world.supervisord->change(
      {"job", "job"}, [](auto& program) { program.stops_after = std::chrono::seconds(5); });
  CHECK(done(fixture, "/api/v1/processes/job/stop", R"({"wait": false})").status == 200);
  CHECK(fixture.world.look("job").state == InstanceState::stopping);
}

TEST_CASE("Actions: a dry run is answered at once and leaves no operation behind") {
  ApiFixture fixture;
  const auto response =
      fixture.api.handle(post("/api/v1/processes/job/start", R"({"dry_run": true})"));
  CHECK(response.status == 200);
  CHECK(json_of(response)["changed"] == false);
  CHECK(json_of(response)["id"].is_null());
  CHECK(header_of(response, "Location").empty());
  CHECK(fixture.world.controller.list().empty());
}

TEST_CASE("Actions: a dry run that would be refused is refused") {
  ApiFixture fixture;
  CHECK(fixture.api
            .handle(post("/api/v1/processes/job/restart", R"({"dry_run": true})", tests::web_token))
            .status == 403);
}

TEST_CASE("Actions: a token acts on the processes of its allow list alone") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(post("/api/v1/processes/web:front/stop", "", tests::web_token)).status ==
        202);
  const auto response =
      fixture.api.handle(post("/api/v1/processes/job/stop", "", tests::web_token));
  CHECK(response.status == 403);
  CHECK(type_of(response) == "urn:reeve:problem:not_allowed");
  CHECK(json_of(response)["process"] == "job:job");
}

TEST_CASE("Actions: a token does not learn which processes there are beyond its allow list") {
  ApiFixture fixture;
  const auto acted = [&](const std::string& name, const std::string& path) {
    auto response = json_of(fixture.api.handle(post(path, "", tests::web_token)));
    response.erase("instance");
    std::string text = response.dump();
    for (std::size_t at = 0; (at = text.find(name)) != std::string::npos;) {
      text.replace(at, name.size(), "NAME");
    }
    return text;
  };
  for (const char* action : {"start", "stop", "restart", "signal"}) {
    CAPTURE(action);
    const std::string rest = "/" + std::string(action);
    CHECK(acted("job", "/api/v1/processes/job" + rest) ==
          acted("none", "/api/v1/processes/none" + rest));
  }
  CHECK(acted("job", "/api/v1/groups/job/stop") == acted("none", "/api/v1/groups/none/stop"));
  CHECK(acted("job", "/api/v1/guards/job/reset") == acted("none", "/api/v1/guards/none/reset"));
  CHECK(fixture.api.handle(post("/api/v1/processes/none/stop", "", tests::web_token)).status ==
        403);
  CHECK(fixture.api.handle(post("/api/v1/processes/none/stop")).status == 404);
}

TEST_CASE("Actions: a signal that is not configured is forbidden") {
  ApiFixture fixture;
  const auto response =
      fixture.api.handle(post("/api/v1/processes/job/signal", R"({"signal": "KILL"})"));
  CHECK(response.status == 403);
  CHECK(type_of(response) == "urn:reeve:problem:signal_not_allowed");
}

TEST_CASE("Actions: no process name addresses a group") {
  ApiFixture fixture;
  for (const char* name : {"web:*", "web:%2a", "*", "%2A", "*:*", "web%3A*"}) {
    CAPTURE(name);
    const auto response =
        fixture.api.handle(post("/api/v1/processes/" + std::string(name) + "/stop"));
    CHECK(response.status == 422);
    CHECK(type_of(response) == "urn:reeve:problem:invalid");
  }
  CHECK(fixture.world.controller.list().empty());
}

TEST_CASE("Actions: an unknown process is not found") {
  ApiFixture fixture;
  const auto response = fixture.api.handle(post("/api/v1/processes/nobody/start"));
  CHECK(response.status == 404);
  CHECK(json_of(response)["instance"] == "/api/v1/processes/nobody/start");
  CHECK(json_of(response)["title"] == "Not Found");
  CHECK(json_of(response)["status"] == 404);
}

TEST_CASE("Actions: a second action on a process is a conflict that names the first") {
  ApiFixture fixture;
  const auto first = json_of(fixture.api.handle(post("/api/v1/processes/job/restart")));
  const auto second = fixture.api.handle(post("/api/v1/processes/job/restart"));
  CHECK(second.status == 409);
  CHECK(json_of(second)["operation"] == first["id"]);
}

TEST_CASE("Actions: an action in the wrong state is a conflict") {
  ApiFixture fixture;
  (void)done(fixture, "/api/v1/processes/job/stop");
  const auto response = done(fixture, "/api/v1/processes/job/signal", R"({"signal": "HUP"})");
  CHECK(response.status == 409);
  CHECK(type_of(response) == "urn:reeve:problem:conflict");
  CHECK_FALSE(json_of(response)["operation"].get<std::string>().empty());
}

TEST_CASE("Actions: if_incarnation fails for another run than the current one") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(post("/api/v1/processes/job/stop", R"({"if_incarnation": "1:1000"})"))
            .status == 412);
  const auto current = fixture.world.look("job").incarnation()->text();
  const auto response =
      done(fixture, "/api/v1/processes/job/stop", R"({"if_incarnation": ")" + current + R"("})");
  CHECK(response.status == 200);
  const auto again =
      done(fixture, "/api/v1/processes/job/start", R"({"if_incarnation": ")" + current + R"("})");
  CHECK(again.status == 412);
}

TEST_CASE("Actions: supervisord's fault is reported with its code") {
  ApiFixture fixture;
  fixture.world.supervisord->fail(
      {.operation = tests::Operation::stop,
       .error = {ErrorKind::fault, "supervisord: FAILED", base::PeerFault{30, "FAILED: job"}}});
  const auto response = done(fixture, "/api/v1/processes/job/stop");
  CHECK(response.status == 502);
  CHECK(json_of(response)["fault_code"] == 30);
  CHECK(json_of(response)["fault_string"] == "FAILED: job");
}

TEST_CASE("Actions: a wrong password for supervisord is a 502") {
  ApiFixture fixture;
  fixture.world.supervisord->fail({.operation = tests::Operation::stop,
                                   .error = {ErrorKind::denied, "supervisord wants a password"}});
  CHECK(done(fixture, "/api/v1/processes/job/stop").status == 502);
}

TEST_CASE("Actions: an unreachable supervisord is a 503 at once") {
  ApiFixture fixture;
  fixture.world.supervisord->fail({});
  fixture.world.publish();
  const auto response = fixture.api.handle(post("/api/v1/processes/job/restart"));
  CHECK(response.status == 503);
  CHECK(type_of(response) == "urn:reeve:problem:unreachable");
}

TEST_CASE("Actions: an unknown outcome is a 504") {
  ApiFixture fixture;
  fixture.world.supervisord->fail({.operation = tests::Operation::stop});
  CHECK(done(fixture, "/api/v1/processes/job/stop").status == 504);
}

TEST_CASE("Actions: what supervisord cannot do is a 501") {
  ApiFixture fixture;
  fixture.world.supervisord->fail(
      {.operation = tests::Operation::signal,
       .error = {ErrorKind::not_implemented, "supervisord 3.1 cannot send signals"}});
  CHECK(done(fixture, "/api/v1/processes/job/signal", R"({"signal": "HUP"})").status == 501);
}

TEST_CASE("Actions: while the agent shuts down nothing is accepted") {
  ApiFixture fixture;
  fixture.world.controller.stop(
      base::Deadline::after(fixture.world.clock, std::chrono::seconds(1)));
  const auto response = fixture.api.handle(post("/api/v1/processes/job/restart"));
  CHECK(response.status == 503);
  CHECK(type_of(response) == "urn:reeve:problem:shutting_down");
}

TEST_CASE("Actions: a wait during shutdown ends with a 503") {
  ApiFixture fixture;
  const auto response = fixture.api.handle(post("/api/v1/processes/job/restart?wait=30s"));
  fixture.world.controller.stop(
      base::Deadline::after(fixture.world.clock, std::chrono::seconds(1)));
  CHECK(awaited(response).status == 503);
}

TEST_CASE("Actions: a repeated idempotency key gives the same operation, queued or done") {
  ApiFixture fixture;
  http::Request request = post("/api/v1/processes/job/restart");
  request.headers.push_back({"Idempotency-Key", "deploy-7"});
  const auto first = json_of(fixture.api.handle(request));
  CHECK(json_of(fixture.api.handle(request))["id"] == first["id"]);
  CHECK(fixture.world.controller.run_next());
  const auto again = fixture.api.handle(request);
  CHECK(again.status == 200);
  CHECK(json_of(again)["id"] == first["id"]);
  request.path = "/api/v1/processes/web:front/restart";
  CHECK(fixture.api.handle(request).status == 422);
  request.headers.back().value = std::string(300, 'k');
  CHECK(fixture.api.handle(request).status == 400);
}

TEST_CASE("GET operation: an unknown operation is not found") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(get("/api/v1/operations/17-4")).status == 404);
}

TEST_CASE("POST reload: changes that need a restart are named, a bad file is reported") {
  ApiFixture fixture;
  fixture.reload_result = std::string("metrics.listen");
  const auto good = fixture.api.handle(post("/-/reload"));
  CHECK(good.status == 200);
  CHECK(json_of(good)["needs_restart"] == "metrics.listen");
  fixture.reload_result =
      base::failure(ErrorKind::invalid_argument, "config.yaml:3:1: unknown key");
  const auto bad = fixture.api.handle(post("/-/reload"));
  CHECK(bad.status == 422);
  CHECK(json_of(bad)["detail"] == "config.yaml:3:1: unknown key");
}

TEST_CASE("Actions: a name that is not UTF-8 is reported readably") {
  ApiFixture fixture;
  const auto response = fixture.api.handle(post("/api/v1/processes/caf%E9/start"));
  CHECK(response.status == 404);
  CHECK(json_of(response)["process"] == "caf\uFFFD:caf\uFFFD");
}

TEST_CASE("Actions: a group is acted on as a whole") {
  ApiFixture fixture;
  const auto response = done(fixture, "/api/v1/groups/web/restart", R"({"rolling": false})");
  CHECK(response.status == 200);
  const auto operation = json_of(response);
  CHECK(operation["group"] == "web");
  CHECK(operation["name"].is_null());
  CHECK(operation["result"] == "succeeded");
  CHECK(fixture.api.handle(post("/api/v1/groups/nothing/stop")).status == 404);
  CHECK(fixture.api.handle(post("/api/v1/groups/web:front/stop")).status == 400);
  CHECK(fixture.api.handle(post("/api/v1/groups/web/stop", R"({"wait": false})")).status == 422);
  CHECK(fixture.api.handle(post("/api/v1/processes/job/stop", R"({"rolling": true})")).status ==
        422);
  const auto refused = fixture.api.handle(post("/api/v1/groups/job/stop", "", tests::web_token));
  CHECK(refused.status == 403);
  CHECK(json_of(refused)["process"] == "job:*");
}

}  // namespace
}  // namespace reeve::api
