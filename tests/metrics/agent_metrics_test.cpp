#include "metrics/agent_metrics.h"

#include <algorithm>

#include "support/catch.h"

namespace reeve::metrics {
namespace {

using Catch::Contains;
using namespace std::chrono_literals;

TEST_CASE("AgentMetrics: build_info says what the agent was built from") {
  const AgentMetrics metrics({"0.1.0", "abc123", "g++ 12.2"});
  CHECK_THAT(
      metrics.render(),
      Contains(
          "reeve_build_info{compiler=\"g++ 12.2\",revision=\"abc123\",version=\"0.1.0\"} 1\n"));
}

TEST_CASE("AgentMetrics: requests are counted by handler and code, and timed by handler") {
  AgentMetrics metrics({});
  metrics.observe_request("/metrics", 200, 300us);
  metrics.observe_request("/metrics", 200, 2s);
  metrics.observe_request("/metrics", 503, 300us);
  const std::string text = metrics.render();
  CHECK_THAT(text, Contains("reeve_http_requests_total{code=\"200\",handler=\"/metrics\"} 2\n"));
  CHECK_THAT(text, Contains("reeve_http_requests_total{code=\"503\",handler=\"/metrics\"} 1\n"));
  CHECK_THAT(
      text,
      Contains(
          "reeve_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"0.0005\"} 2\n"));
  CHECK_THAT(
      text,
      Contains("reeve_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"+Inf\"} 3\n"));
  CHECK_THAT(text, Contains("reeve_http_request_duration_seconds_count{handler=\"/metrics\"} 3\n"));
}

TEST_CASE("AgentMetrics: a failed reload is shown, and the time of the last good one stays") {
  AgentMetrics metrics({});
  const std::chrono::system_clock::time_point start{1'700'000'000s};
  metrics.observe_reload(true, start);
  CHECK_THAT(metrics.render(), Contains("\nreeve_config_last_reload_successful 1\n"));
  metrics.observe_reload(false, start + 60s);
  const std::string text = metrics.render();
  CHECK_THAT(text, Contains("\nreeve_config_last_reload_successful 0\n"));
  CHECK_THAT(text, Contains("\nreeve_config_last_reload_success_timestamp_seconds 1700000000\n"));
}

TEST_CASE(
    "AgentMetrics: a listener's refused and closed connections are read when the page is rendered, "
    "by cause") {
  AgentMetrics metrics({});
  http::Stats stats{.listener = "metrics", .accepted_connections = 10};
  metrics.add_listener([&] { return stats; });
  metrics.add_listener([] { return http::Stats{.listener = "control"}; });
  stats.rejected = {0, 7};
  stats.evicted = {1, 2, 3, 4};
  const std::string text = metrics.render();
  const std::string rejected = "reeve_http_rejected_connections_total{listener=";
  CHECK_THAT(text, Contains(rejected + "\"metrics\",cause=\"connections\"} 0\n" + rejected +
                            "\"metrics\",cause=\"address\"} 7\n" + rejected +
                            "\"control\",cause=\"connections\"} 0\n" + rejected +
                            "\"control\",cause=\"address\"} 0\n"));
  const std::string evicted = "reeve_http_evicted_connections_total{listener=\"metrics\",cause=";
  CHECK_THAT(text, Contains(evicted + "\"no_request\"} 1\n" + evicted + "\"not_read\"} 2\n" +
                            evicted + "\"idle\"} 3\n" + evicted + "\"waiting\"} 4\n"));
}

TEST_CASE(
    "AgentMetrics: without a controller there are no action families, with it all are there at 0") {
  AgentMetrics metrics({});
  CHECK_THAT(metrics.render(), !Contains("reeve_action"));
  metrics.set_controller([] { return control::Stats{}; });
  const std::string text = metrics.render();
  CHECK_THAT(text, Contains("reeve_actions_total{action=\"restart\",source=\"api\"} 0\n"));
  CHECK_THAT(
      text,
      Contains(
          "reeve_action_failures_total{action=\"stop\",source=\"api\",reason=\"timeout\"} 0\n"));
  CHECK_THAT(text, Contains("reeve_actions_refused_total{action=\"signal\",source=\"api\",reason="
                            "\"not_allowed\"} 0\n"));
  CHECK_THAT(text, Contains("reeve_action_duration_seconds_count{action=\"start\"} 0\n"));
  CHECK_THAT(text, !Contains("reeve_last_action_timestamp_seconds"));
}

TEST_CASE("AgentMetrics: action families have the controller's counts") {
  AgentMetrics metrics({});
  control::Stats stats;
  auto& restarts = stats.actions[static_cast<std::size_t>(guards::Action::restart)][0];
  restarts.finished = 3;
  restarts.failures[static_cast<std::size_t>(control::FailureReason::flapped)] = 1;
  restarts.refused[static_cast<std::size_t>(guards::Reason::in_flight)] = 2;
  auto& durations = stats.durations[static_cast<std::size_t>(guards::Action::restart)];
  durations.counts[5] = 2;
  durations.sum_seconds = 1.5;
  const base::SystemTime at(1'700'000'000s);
  stats.last_actions[{{"", {"web", "web"}}, guards::Action::restart}] = {
      at, guards::Source::alert, control::FailureReason::flapped};
  stats.last_actions[{{"db", {"pg", "pg"}}, guards::Action::stop}] = {at, guards::Source::api,
                                                                      std::nullopt};
  metrics.set_controller([&] { return stats; });
  const std::string text = metrics.render();
  CHECK_THAT(text, Contains("reeve_actions_total{action=\"restart\",source=\"api\"} 3\n"));
  CHECK_THAT(
      text,
      Contains(
          "reeve_action_failures_total{action=\"restart\",source=\"api\",reason=\"flapped\"} 1\n"));
  CHECK_THAT(text, Contains("reeve_actions_refused_total{action=\"restart\",source=\"api\",reason="
                            "\"in_flight\"} 2\n"));
  CHECK_THAT(text,
             Contains("reeve_action_duration_seconds_bucket{action=\"restart\",le=\"0.5\"} 0\n"));
  CHECK_THAT(text,
             Contains("reeve_action_duration_seconds_bucket{action=\"restart\",le=\"1\"} 2\n"));
  CHECK_THAT(text, Contains("reeve_action_duration_seconds_sum{action=\"restart\"} 1.5\n"));
  CHECK_THAT(text,
             Contains("reeve_last_action_failed{group=\"web\",name=\"web\",action=\"restart\","
                      "source=\"alert\",reason=\"flapped\"} 1\n"));
  CHECK_THAT(text, Contains("reeve_last_action_failed{supervisor=\"db\",group=\"pg\",name=\"pg\","
                            "action=\"stop\",source=\"api\",reason=\"\"} 0\n"));
  CHECK_THAT(text, Contains("reeve_last_action_timestamp_seconds{group=\"web\",name=\"web\",action="
                            "\"restart\"} 1700000000\n"));
  CHECK_THAT(text, Contains("reeve_last_action_timestamp_seconds{supervisor=\"db\",group=\"pg\","
                            "name=\"pg\",action=\"stop\"} 1700000000\n"));
}

TEST_CASE("AgentMetrics: decisions on alerts are counted by rule, and each is there at 0") {
  AgentMetrics metrics({});
  CHECK_THAT(metrics.render(), !Contains("reeve_alert_decisions_total"));
  alerts::Stats stats;
  stats.decisions["none"] = {};
  stats.pending[{"hung", guards::Reason::too_young}] = 3;
  stats.decisions["hung"][static_cast<std::size_t>(guards::Reason::accepted)] = 2;
  metrics.set_responder([&] { return stats; });
  const std::string text = metrics.render();
  CHECK_THAT(text,
             Contains("reeve_alert_decisions_total{rule=\"hung\",decision=\"accepted\"} 2\n"));
  CHECK_THAT(text,
             Contains("reeve_alert_decisions_total{rule=\"hung\",decision=\"cooldown\"} 0\n"));
  CHECK_THAT(text, Contains("reeve_alert_decisions_total{rule=\"none\",decision=\"no_rule\"} 0\n"));
  CHECK_THAT(text, Contains("reeve_alerts_pending{rule=\"hung\",reason=\"too_young\"} 3\n"));
}

TEST_CASE("AgentMetrics: latches, the breaker and maintenance windows have samples") {
  AgentMetrics metrics({});
  CHECK_THAT(metrics.render(), !Contains("reeve_guard"));
  guards::GuardStats stats;
  metrics.set_guards([&] { return stats; });
  CHECK_THAT(metrics.render(), Contains("reeve_guard_breaker_open 0\n"));
  CHECK_THAT(metrics.render(), !Contains("reeve_maintenance"));
  stats.breaker_open = true;
  stats.guards.emplace_back().target = {"", {"web", "front"}};
  stats.guards.emplace_back().target = {"db", {"pg", "pg"}};
  stats.guards.back().gave_up = true;
  stats.maintenance = {{"web:*", {}, "new disks", "ops"}};
  const std::string text = metrics.render();
  CHECK_THAT(text, Contains("reeve_guard_gave_up{group=\"web\",name=\"front\"} 0\n"));
  CHECK_THAT(text, Contains("reeve_guard_gave_up{supervisor=\"db\",group=\"pg\",name=\"pg\"} 1\n"));
  CHECK_THAT(text, Contains("reeve_guard_breaker_open 1\n"));
  CHECK_THAT(text, Contains("reeve_maintenance{scope=\"web:*\"} 1\n"));
}

TEST_CASE("AgentMetrics: limits, claims and waits have samples, and so has the loss of etcd") {
  AgentMetrics metrics({});
  CHECK_THAT(metrics.render(), !Contains("reeve_coordination"));
  coordination::Stats stats;
  metrics.set_coordinator([&] { return stats; });
  CHECK_THAT(metrics.render(), Contains("reeve_coordination_up 0\n"));
  CHECK_THAT(metrics.render(), !Contains("\nreeve_coordination_last_contact_timestamp_seconds "));
  stats.up = true;
  stats.last_contact = base::SystemTime(1'700'000'000s);
  stats.requests[{"range", "timeout"}] = 3;
  stats.members_alive = 4;
  stats.members_not_alive = 1;
  coordination::LimitState web{
      .name = "web", .limit = {.at_once = 3, .budget = coordination::Budget{5, 1h}}, .held = {}};
  web.held.resize(2);
  web.budget_used = 6;  // the budget was larger before
  stats.limits = {{"web", web}, {"db", {.name = "db", .limit = {}, .held = {}}}};
  stats.claims[{"web", coordination::ClaimOutcome::no_free_slot}] = 7;
  stats.waits["web"].counts[1] = 2;
  stats.waits["web"].sum_seconds = 1.5;
  const std::string text = metrics.render();
  CHECK_THAT(text, Contains("reeve_coordination_up 1\n"));
  CHECK_THAT(text, Contains("reeve_coordination_last_contact_timestamp_seconds 1700000000\n"));
  CHECK_THAT(text,
             Contains("reeve_coordination_requests_total{call=\"range\",result=\"timeout\"} 3\n"));
  CHECK_THAT(text, Contains("reeve_coordination_members{alive=\"true\"} 4\n"));
  CHECK_THAT(text, Contains("reeve_coordination_members{alive=\"false\"} 1\n"));
  CHECK_THAT(text, Contains("reeve_limit_slots{limit=\"web\"} 3\n"));
  CHECK_THAT(text, Contains("reeve_limit_slots_held{limit=\"web\"} 2\n"));
  CHECK_THAT(text, Contains("reeve_limit_budget_left{limit=\"web\"} 0\n"));
  CHECK_THAT(text, !Contains("reeve_limit_budget_left{limit=\"db\"}"));
  CHECK_THAT(text, Contains("reeve_limit_claims_total{limit=\"web\",result=\"no_free_slot\"} 7\n"));
  CHECK_THAT(text, Contains("reeve_limit_wait_seconds_bucket{limit=\"web\",le=\"1\"} 2\n"));
  CHECK_THAT(text, Contains("reeve_limit_wait_seconds_sum{limit=\"web\"} 1.5\n"));
}

TEST_CASE("AgentMetrics: the order of families and samples does not change") {
  const auto page_of = [](std::vector<const char*> handlers) {
    AgentMetrics metrics({});
    for (const char* handler : handlers) {
      metrics.observe_request(handler, 200, 1ms);
    }
    const std::string text = metrics.render();
    return text.substr(0, text.find("# HELP process_"));
  };
  CHECK(page_of({"a", "b", "c", "d", "e"}) == page_of({"e", "c", "a", "d", "b"}));
}

TEST_CASE("own process: CPU, memory and start time come from /proc") {
  const auto stat = parse_own_stat(
      "4711 (a ) b) S 1 1 1 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 1000 8192000 250 "
      "18446744073709551615 1 1");
  REQUIRE(stat);
  CHECK(stat->cpu_seconds == Approx(2.0));
  CHECK(stat->virtual_bytes == 8'192'000);
  CHECK(stat->resident_bytes == 250 * 4096);
  CHECK(stat->started_after_boot_seconds == Approx(10.0));
  CHECK_FALSE(parse_own_stat(""));
  CHECK_FALSE(parse_own_stat("4711 (x) S 1 2"));
  const std::string text = AgentMetrics({}).render();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
                           "process_start_time_seconds"}) {
    CHECK_THAT(text, Contains("\n" + std::string(name) + " "));
  }
}

}  // namespace
}  // namespace reeve::metrics
