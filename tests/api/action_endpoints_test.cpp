#include "api/desk.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using base::ErrorKind;
using substrate::InstanceState;
using tests::awaited;
using tests::Desk;
using tests::get;
using tests::header_of;
using tests::json_of;
using tests::post;

/// Posts with ?wait=, carries out, and gives the answer that the client would get.
http::Response done(Desk& desk, const std::string& path, const std::string& body = "") {
  const http::Response response = desk.api.handle(post(path + "?wait=30s", body));
  while (desk.world.controller.run_next()) {
  }
  return awaited(response);
}

std::string type_of(const http::Response& response) {
  return json_of(response)["type"];
}

TEST_CASE("an action is accepted with the place of its operation") {
  Desk desk;
  const auto response =
      desk.api.handle(post("/api/v1/processes/web:front/restart", R"({"reason": "deploy 7"})"));
  CHECK(response.status == 202);
  const auto operation = json_of(response);
  CHECK(operation["state"] == "queued");
  CHECK(operation["action"] == "restart");
  CHECK(operation["actor"] == "ops");
  CHECK(operation["reason"] == "deploy 7");
  const std::string location = header_of(response, "Location");
  CHECK(location == "/api/v1/operations/" + operation["id"].get<std::string>());

  CHECK(desk.world.controller.run_next());
  const auto shown = json_of(desk.api.handle(get(location)));
  CHECK(shown["state"] == "done");
  CHECK(shown["result"] == "succeeded");
  CHECK(json_of(desk.api.handle(get("/api/v1/operations")))[0] == shown);
}

TEST_CASE("each verb does what it says") {
  Desk desk;
  const auto state = [&] { return desk.world.look("job").state; };
  CHECK(done(desk, "/api/v1/processes/job/stop").status == 200);
  CHECK(state() == InstanceState::stopped);
  CHECK(done(desk, "/api/v1/processes/job/start").status == 200);
  CHECK(state() == InstanceState::running);
  CHECK(done(desk, "/api/v1/processes/job/restart").status == 200);
  CHECK(state() == InstanceState::running);
  CHECK(done(desk, "/api/v1/processes/job/signal", R"({"signal": "HUP"})").status == 200);
  CHECK(desk.world.supervisord->count(tests::Operation::signal) == 1);
}

TEST_CASE("who waits gets the finished operation, and whether anything was changed") {
  Desk desk;
  const auto first = done(desk, "/api/v1/processes/job/stop");
  CHECK(first.status == 200);
  CHECK(json_of(first)["changed"] == true);
  CHECK(json_of(done(desk, "/api/v1/processes/job/stop"))["changed"] == false);
  CHECK(desk.observed == std::vector<tests::Observed>{{"stop", 200}, {"stop", 200}});
}

TEST_CASE("who has waited long enough gets what is known so far") {
  Desk desk;
  const auto response = awaited(desk.api.handle(post("/api/v1/processes/job/stop?wait=1s")));
  CHECK(response.status == 202);
  CHECK(json_of(response)["state"] == "queued");
  CHECK_FALSE(header_of(response, "Location").empty());
  CHECK(desk.world.controller.run_next());
  CHECK(desk.observed == std::vector<tests::Observed>{{"stop", 202}});
}

TEST_CASE("a wait is bounded, and must be a duration") {
  Desk desk;
  const auto response = desk.api.handle(post("/api/v1/processes/job/stop?wait=24h"));
  REQUIRE(tests::is_deferred(response));
  CHECK(std::get<http::DeferredResponse>(response.body).timeout() == std::chrono::minutes(5));
  CHECK(desk.api.handle(post("/api/v1/processes/web:front/stop?wait=soon")).status == 400);
  CHECK(desk.world.controller.list().size() == 1);
}

TEST_CASE("a stop that need not be waited for is done once it is asked for") {
  Desk desk;
  desk.world.supervisord->change(
      {"job", "job"}, [](auto& program) { program.stops_after = std::chrono::seconds(5); });
  CHECK(done(desk, "/api/v1/processes/job/stop", R"({"wait": false})").status == 200);
  CHECK(desk.world.look("job").state == InstanceState::stopping);
}

TEST_CASE("a dry run answers at once and leaves no operation behind") {
  Desk desk;
  const auto response =
      desk.api.handle(post("/api/v1/processes/job/start", R"({"dry_run": true})"));
  CHECK(response.status == 200);
  CHECK(json_of(response)["changed"] == false);
  CHECK(json_of(response)["id"].is_null());
  CHECK(header_of(response, "Location").empty());
  CHECK(desk.world.controller.list().empty());
}

TEST_CASE("a dry run that would be refused is refused") {
  Desk desk;
  CHECK(desk.api
            .handle(post("/api/v1/processes/job/restart", R"({"dry_run": true})", tests::web_token))
            .status == 403);
}

TEST_CASE("a token acts on its own processes alone") {
  Desk desk;
  CHECK(desk.api.handle(post("/api/v1/processes/web:front/stop", "", tests::web_token)).status ==
        202);
  const auto response = desk.api.handle(post("/api/v1/processes/job/stop", "", tests::web_token));
  CHECK(response.status == 403);
  CHECK(type_of(response) == "urn:reeve:problem:not_allowed");
  CHECK(json_of(response)["process"] == "job:job");
}

TEST_CASE("a signal that is not configured is forbidden") {
  Desk desk;
  const auto response =
      desk.api.handle(post("/api/v1/processes/job/signal", R"({"signal": "KILL"})"));
  CHECK(response.status == 403);
  CHECK(type_of(response) == "urn:reeve:problem:signal_not_allowed");
}

TEST_CASE("no name addresses a group") {
  Desk desk;
  for (const char* name : {"web:*", "web:%2a", "*", "%2A", "*:*", "web%3A*"}) {
    CAPTURE(name);
    const auto response = desk.api.handle(post("/api/v1/processes/" + std::string(name) + "/stop"));
    CHECK(response.status == 422);
    CHECK(type_of(response) == "urn:reeve:problem:invalid");
  }
  CHECK(desk.world.controller.list().empty());
}

TEST_CASE("an unknown process is not found") {
  Desk desk;
  const auto response = desk.api.handle(post("/api/v1/processes/nobody/start"));
  CHECK(response.status == 404);
  CHECK(json_of(response)["instance"] == "/api/v1/processes/nobody/start");
  CHECK(json_of(response)["title"] == "Not Found");
  CHECK(json_of(response)["status"] == 404);
}

TEST_CASE("a second action on a process is a conflict that names the first") {
  Desk desk;
  const auto first = json_of(desk.api.handle(post("/api/v1/processes/job/restart")));
  const auto second = desk.api.handle(post("/api/v1/processes/job/restart"));
  CHECK(second.status == 409);
  CHECK(json_of(second)["operation"] == first["id"]);
}

TEST_CASE("an action in the wrong state is a conflict") {
  Desk desk;
  (void)done(desk, "/api/v1/processes/job/stop");
  const auto response = done(desk, "/api/v1/processes/job/signal", R"({"signal": "HUP"})");
  CHECK(response.status == 409);
  CHECK(type_of(response) == "urn:reeve:problem:conflict");
  CHECK_FALSE(json_of(response)["operation"].get<std::string>().empty());
}

TEST_CASE("an action on another run than the current one fails its precondition") {
  Desk desk;
  CHECK(desk.api.handle(post("/api/v1/processes/job/stop", R"({"if_incarnation": "1:1000"})"))
            .status == 412);
  const auto current = desk.world.look("job").incarnation()->text();
  const auto response =
      done(desk, "/api/v1/processes/job/stop", R"({"if_incarnation": ")" + current + R"("})");
  CHECK(response.status == 200);
  const auto later =
      done(desk, "/api/v1/processes/job/start", R"({"if_incarnation": ")" + current + R"("})");
  CHECK(later.status == 412);
}

TEST_CASE("supervisord's fault is handed on with its code") {
  Desk desk;
  desk.world.supervisord->fail(
      {.operation = tests::Operation::stop,
       .error = {ErrorKind::fault, "supervisord: FAILED", base::PeerFault{30, "FAILED: job"}}});
  const auto response = done(desk, "/api/v1/processes/job/stop");
  CHECK(response.status == 502);
  CHECK(json_of(response)["fault_code"] == 30);
  CHECK(json_of(response)["fault_string"] == "FAILED: job");
}

TEST_CASE("the agent's own wrong password for supervisord is not the client's fault") {
  Desk desk;
  desk.world.supervisord->fail({.operation = tests::Operation::stop,
                                .error = {ErrorKind::denied, "supervisord wants a password"}});
  CHECK(done(desk, "/api/v1/processes/job/stop").status == 502);
}

TEST_CASE("supervisord out of reach is unavailable at once") {
  Desk desk;
  desk.world.supervisord->fail({});
  desk.world.publish();
  const auto response = desk.api.handle(post("/api/v1/processes/job/restart"));
  CHECK(response.status == 503);
  CHECK(type_of(response) == "urn:reeve:problem:unreachable");
}

TEST_CASE("an outcome that stayed unknown is a timeout") {
  Desk desk;
  desk.world.supervisord->fail({.operation = tests::Operation::stop});
  CHECK(done(desk, "/api/v1/processes/job/stop").status == 504);
}

TEST_CASE("what the manager cannot do at all is not implemented") {
  Desk desk;
  desk.world.supervisord->fail(
      {.operation = tests::Operation::signal,
       .error = {ErrorKind::not_implemented, "supervisord 3.1 cannot send signals"}});
  CHECK(done(desk, "/api/v1/processes/job/signal", R"({"signal": "HUP"})").status == 501);
}

TEST_CASE("while the agent shuts down nothing is accepted") {
  Desk desk;
  desk.world.controller.stop(base::Deadline::after(desk.world.clock, std::chrono::seconds(1)));
  const auto response = desk.api.handle(post("/api/v1/processes/job/restart"));
  CHECK(response.status == 503);
  CHECK(type_of(response) == "urn:reeve:problem:shutting_down");
}

TEST_CASE("who waits while the agent shuts down is told so") {
  Desk desk;
  const auto response = desk.api.handle(post("/api/v1/processes/job/restart?wait=30s"));
  desk.world.controller.stop(base::Deadline::after(desk.world.clock, std::chrono::seconds(1)));
  CHECK(awaited(response).status == 503);
}

TEST_CASE("a repeated key gives the same operation, queued or done") {
  Desk desk;
  http::Request request = post("/api/v1/processes/job/restart");
  request.headers.push_back({"Idempotency-Key", "deploy-7"});
  const auto first = json_of(desk.api.handle(request));
  CHECK(json_of(desk.api.handle(request))["id"] == first["id"]);
  CHECK(desk.world.controller.run_next());
  const auto again = desk.api.handle(request);
  CHECK(again.status == 200);
  CHECK(json_of(again)["id"] == first["id"]);
  request.path = "/api/v1/processes/web:front/restart";
  CHECK(desk.api.handle(request).status == 422);
  request.headers.back().value = std::string(300, 'k');
  CHECK(desk.api.handle(request).status == 400);
}

TEST_CASE("an unknown operation is not found") {
  Desk desk;
  CHECK(desk.api.handle(get("/api/v1/operations/17-4")).status == 404);
}

TEST_CASE("a reload says what it did, and a bad file is reported and changes nothing") {
  Desk desk;
  desk.reload_result = std::string("metrics.listen");
  const auto good = desk.api.handle(post("/-/reload"));
  CHECK(good.status == 200);
  CHECK(json_of(good)["needs_restart"] == "metrics.listen");
  desk.reload_result = base::failure(ErrorKind::invalid_argument, "config.yaml:3:1: unknown key");
  const auto bad = desk.api.handle(post("/-/reload"));
  CHECK(bad.status == 422);
  CHECK(json_of(bad)["detail"] == "config.yaml:3:1: unknown key");
}

TEST_CASE("names that are not UTF-8 come back readable") {
  Desk desk;
  const auto response = desk.api.handle(post("/api/v1/processes/caf%E9/start"));
  CHECK(response.status == 404);
  CHECK(json_of(response)["process"] == "caf\uFFFD:caf\uFFFD");
}

TEST_CASE("a group is acted on as a whole") {
  Desk desk;
  const auto response = done(desk, "/api/v1/groups/web/restart", R"({"rolling": false})");
  CHECK(response.status == 200);
  const auto operation = json_of(response);
  CHECK(operation["group"] == "web");
  CHECK(operation["name"].is_null());
  CHECK(operation["result"] == "succeeded");
  CHECK(desk.api.handle(post("/api/v1/groups/nothing/stop")).status == 404);
  CHECK(desk.api.handle(post("/api/v1/groups/web:front/stop")).status == 400);
  CHECK(desk.api.handle(post("/api/v1/groups/web/stop", R"({"wait": false})")).status == 422);
  CHECK(desk.api.handle(post("/api/v1/processes/job/stop", R"({"rolling": true})")).status == 422);
  const auto refused = desk.api.handle(post("/api/v1/groups/job/stop", "", tests::web_token));
  CHECK(refused.status == 403);
  CHECK(json_of(refused)["process"] == "job:*");
}

}  // namespace
}  // namespace reeve::api
