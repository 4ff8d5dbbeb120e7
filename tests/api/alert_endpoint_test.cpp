#include <fstream>

#include "alerts/alert_world.h"
#include "api/desk.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::tests {
namespace {

const std::string alerts_token = "alerts-token-of-at-least-32-random-bytes";

/// The control listener's handler over a responder.
struct AlertDesk {
  [[nodiscard]] static api::ControlOptions options() {
    api::ControlOptions options = three_tokens();
    options.tokens.push_back({"alertmanager", base::Secret(alerts_token), {api::Scope::alerts}});
    return options;
  }
  [[nodiscard]] api::ControlSurroundings surroundings() {
    api::ControlSurroundings around;
    around.snapshot = [this] { return world.snapshot; };
    around.controller = &world.agent->controller;
    around.observe = [](auto...) {};
    around.responder = &world.agent->responder;
    around.guards = &world.agent->guards;
    around.audit = world.agent->audit.get();
    return around;
  }
  [[nodiscard]] http::Response post(const std::string& body,
                                    const std::string& token = alerts_token) {
    return api.handle(tests::post("/api/v1/alerts", body, token));
  }

  AlertWorld world;
  api::ControlApi api{surroundings(), options(), world.clock, base::Log()};
};

/// One alert on web:front.
std::string hung(const std::string& more = "") {
  return R"({"version":"4","status":"firing","alerts":[{"status":"firing","labels":{)"
         R"("alertname":"Hung","group":"web","name":"front"},)"
         R"("startsAt":"2023-11-14T22:12:00Z","fingerprint":"c0ffee"}])" +
         more + "}";
}

TEST_CASE("a webhook is answered with a decision for each alert") {
  AlertDesk desk;
  const http::Response response = desk.post(hung());
  CHECK(response.status == 200);
  CHECK(header_of(response, "Content-Type") == "application/json");
  const auto decisions = json_of(response)["decisions"];
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0]["decision"] == "accepted");
  CHECK(decisions[0]["rule"] == "hung");
  CHECK(decisions[0]["target"] == "web:front");
  CHECK(decisions[0]["fingerprint"] == "c0ffee");
  const auto listed = desk.world.agent->controller.list();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].id == decisions[0]["operation"]);
  CHECK(listed[0].command.actor == "alertmanager");
}

TEST_CASE("posts of Alertmanager and Grafana as they are get their answer") {
  AlertDesk desk;
  for (const char* file : {"alerts/alertmanager-0.25-group.json", "alerts/grafana.json"}) {
    const http::Response response = desk.post(fixture(file));
    CHECK(response.status == 200);
    CHECK(json_of(response)["decisions"][0]["decision"] == "no_rule");
  }
}

TEST_CASE("what is no webhook is a malformed request, and says where") {
  AlertDesk desk;
  const http::Response response = desk.post("{\"version\":\"4\",\"alerts\":[7]}");
  CHECK(response.status == 400);
  CHECK(json_of(response)["detail"] == "alerts[0] is no object");
  CHECK(desk.post("").status == 400);
}

TEST_CASE("only a token with the scope alerts may post alerts, and it may do nothing else") {
  AlertDesk desk;
  CHECK(desk.post(hung(), ops_token).status == 403);
  CHECK(desk.post(hung(), "unknown").status == 401);
  CHECK(desk.api.handle(get("/api/v1/processes", alerts_token)).status == 403);
  CHECK(desk.api.handle(post("/api/v1/processes/web:front/stop", "", alerts_token)).status == 403);
  CHECK(desk.api.handle(get("/api/v1/alerts", alerts_token)).status == 405);
  CHECK(desk.world.agent->controller.list().empty());
}

TEST_CASE("episodes that cannot be read are reset with all the guards") {
  AlertDesk desk;
  std::ofstream(desk.world.episodes_file()) << "{";
  desk.world.restart();
  api::ControlApi api(desk.surroundings(), AlertDesk::options(), desk.world.clock, base::Log());
  const auto posted = [&] { return api.handle(post("/api/v1/alerts", hung(), alerts_token)); };
  CHECK(json_of(posted())["decisions"][0]["decision"] == "state_unreadable");
  CHECK(api.handle(post("/api/v1/guards/*/reset")).status == 200);
  CHECK(json_of(posted())["decisions"][0]["decision"] == "accepted");
}

TEST_CASE("what is to be posted again is answered so that Alertmanager does") {
  AlertDesk desk;
  desk.world.agent->controller.stop(base::Deadline::after(desk.world.clock, {}));
  const http::Response response = desk.post(hung());
  CHECK(response.status == 503);
  CHECK(header_of(response, "Retry-After") == "5");
  CHECK(json_of(response)["detail"] == "the agent is shutting down");
}

}  // namespace
}  // namespace reeve::tests
