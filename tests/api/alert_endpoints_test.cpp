#include <fstream>
#include <utility>

#include "alerts/alert_world.h"
#include "api/api_fixture.h"
#include "base/text.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::tests {
namespace {

const std::string alerts_token = "alerts-token-of-at-least-32-random-bytes";

/// The control listener's handler with a responder.
struct AlertApiFixture {
  AlertApiFixture() = default;
  explicit AlertApiFixture(alerts::Options alert_options) : world(std::move(alert_options)) {}

  [[nodiscard]] static api::ControlOptions options() {
    api::ControlOptions options = three_tokens();
    options.tokens.push_back({"alertmanager", api::digest_of(alerts_token), {api::Scope::alerts}});
    return options;
  }
  [[nodiscard]] api::ControlApiDeps deps() {
    api::ControlApiDeps made;
    made.snapshot = [this] { return world.snapshot; };
    made.controller = &world.agent->controller;
    made.observe = [](auto...) {};
    made.responder = &world.agent->responder;
    made.guards = &world.agent->guards;
    made.audit = world.agent->audit.get();
    return made;
  }
  [[nodiscard]] http::Response post(const std::string& body,
                                    const std::string& token = alerts_token) {
    return api.handle(tests::post("/api/v1/alerts", body, token));
  }

  AlertWorld world;
  api::ControlApi api{deps(), options(), world.clock, base::Log()};
};

/// One alert on web:front.
std::string hung(const std::string& more = "") {
  return R"({"version":"4","status":"firing","alerts":[{"status":"firing","labels":{)"
         R"("alertname":"Hung","group":"web","name":"front"},)"
         R"("startsAt":"2023-11-14T22:12:00Z","fingerprint":"c0ffee"}])" +
         more + "}";
}

TEST_CASE("POST alerts: the response holds a decision for each alert") {
  AlertApiFixture fixture;
  const http::Response response = fixture.post(hung());
  CHECK(response.status == 200);
  CHECK(header_of(response, "Content-Type") == "application/json");
  const auto decisions = json_of(response)["decisions"];
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0]["decision"] == "accepted");
  CHECK(decisions[0]["rule"] == "hung");
  CHECK(decisions[0]["target"] == "web:front");
  CHECK(decisions[0]["fingerprint"] == "c0ffee");
  const auto listed = fixture.world.agent->controller.list();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].id == decisions[0]["operation"].get<std::string>());
  CHECK(listed[0].command.actor == "alertmanager");
}

TEST_CASE("POST alerts: recorded posts of Alertmanager and Grafana are accepted") {
  AlertApiFixture fixture;
  for (const char* file : {"alerts/alertmanager-0.25-group.json", "alerts/grafana.json"}) {
    const http::Response response = fixture.post(tests::fixture(file));
    CHECK(response.status == 200);
    CHECK(json_of(response)["decisions"][0]["decision"] == "no_rule");
  }
}

TEST_CASE("POST alerts: an alert that cannot be used keeps no other from being decided") {
  AlertApiFixture fixture;
  const std::string good = hung();
  const std::size_t begin = good.find("{\"status\":\"firing\",\"labels\"");
  const std::string longer = R"({"status":"firing","labels":{"alertname":"Hung","a":")" +
                             std::string(5000, 'x') +
                             R"("},"startsAt":"2023-11-14T22:12:00Z","fingerprint":"odd"},)";
  const std::string ancient = R"({"status":"firing","labels":{"alertname":"Hung"},)"
                              R"("startsAt":"0001-01-01T00:00:00Z","fingerprint":"old"},)";
  const http::Response response =
      fixture.post(good.substr(0, begin) + longer + ancient + good.substr(begin));
  CHECK(response.status == 200);
  const auto decisions = json_of(response)["decisions"];
  REQUIRE(decisions.size() == 3);
  CHECK(decisions[0]["decision"] == "malformed");
  CHECK(decisions[0]["fingerprint"] == "odd");
  CHECK(decisions[0]["reason"] == "a label is longer than 4096 bytes");
  CHECK(decisions[1]["decision"] == "malformed");
  CHECK(decisions[1]["rule"].is_null());
  CHECK(decisions[2]["decision"] == "accepted");
  const auto counts = fixture.world.agent->responder.stats().decisions.at(alerts::no_rule_label);
  CHECK(counts[static_cast<std::size_t>(guards::Reason::malformed)] == 2);
}

TEST_CASE("POST alerts: a malformed payload is a 400 that says where") {
  AlertApiFixture fixture;
  const http::Response response = fixture.post("{\"version\":\"4\",\"alerts\":[7]}");
  CHECK(response.status == 400);
  CHECK(json_of(response)["detail"] == "alerts[0] is no object");
  CHECK(fixture.post("").status == 400);
}

TEST_CASE("POST alerts: only a token with the scope alerts may post, and it may do nothing else") {
  AlertApiFixture fixture;
  CHECK(fixture.post(hung(), ops_token).status == 403);
  CHECK(fixture.post(hung(), "unknown").status == 401);
  CHECK(fixture.api.handle(get("/api/v1/processes", alerts_token)).status == 403);
  CHECK(fixture.api.handle(post("/api/v1/processes/web:front/stop", "", alerts_token)).status ==
        403);
  CHECK(fixture.api.handle(get("/api/v1/alerts", alerts_token)).status == 405);
  CHECK(fixture.world.agent->controller.list().empty());
}

TEST_CASE("POST alerts: unreadable episodes are reset together with all guards") {
  AlertApiFixture fixture;
  std::ofstream(fixture.world.episodes_file()) << "{";
  fixture.world.restart();
  api::ControlApi api(fixture.deps(), AlertApiFixture::options(), fixture.world.clock, base::Log());
  const auto posted = [&] { return api.handle(post("/api/v1/alerts", hung(), alerts_token)); };
  CHECK(json_of(posted())["decisions"][0]["decision"] == "state_unreadable");
  CHECK(api.handle(post("/api/v1/guards/*/reset")).status == 200);
  CHECK(json_of(posted())["decisions"][0]["decision"] == "accepted");
}

TEST_CASE("GET guards: an open breaker has its end, and hides neither cooldowns nor budgets") {
  alerts::Options options = hung_rule();
  options.rules.front().limits.cooldown.initial = std::chrono::hours(2);
  AlertApiFixture fixture(std::move(options));
  const auto guards = [&] { return json_of(fixture.api.handle(get("/api/v1/guards"))); };
  auto before = guards();
  REQUIRE(before.size() == 2);
  CHECK(before[0]["breaker_until"].is_null());
  fixture.world.agent->guards.report_firing(
      {{"", {"web", "front"}}, {"", {"web", "back"}}, {"", {"job", "job"}}}, 3);
  const auto open = guards();
  REQUIRE(open.size() == 3);
  CHECK(open[0]["name"] == "job");
  CHECK(open[0]["budget_limit"] == 0);
  for (const std::size_t at : {0U, 1U}) {
    before[at]["breaker_open"] = true;
    before[at]["breaker_until"] =
        base::to_rfc3339(fixture.world.clock.system_now() + std::chrono::minutes(15));
    CHECK(open[at + 1] == before[at]);
    CHECK_FALSE(open[at + 1]["cooldown_until"].is_null());
    CHECK(open[at + 1]["budget_limit"] == 3);
  }
}

TEST_CASE("POST alerts: a post that is wanted again gets a 503 with Retry-After") {
  AlertApiFixture fixture;
  fixture.world.agent->controller.stop(base::Deadline::after(fixture.world.clock, {}));
  const http::Response response = fixture.post(hung());
  CHECK(response.status == 503);
  CHECK(header_of(response, "Retry-After") == "5");
  CHECK(json_of(response)["detail"] == "the agent is shutting down");
}

}  // namespace
}  // namespace reeve::tests
