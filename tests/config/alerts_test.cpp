#include "config/config.h"
#include "config/errors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::config {
namespace {

using alerts::Mode;
using guards::Action;
using substrate::InstanceState;
using namespace std::chrono_literals;
using tests::TemporaryFolder;

/// A configuration whose alerts section, on line 4, is this.
std::string with_control(const TemporaryFolder& folder, const std::string& alerts) {
  return "control:\n  enabled: true\n  tokens: [{name: alertmanager, scopes: [alerts], file: " +
         folder.write("token", "0123456789abcdef0123456789abcdef\n") + "}]\n" + alerts;
}

std::string rule(const std::string& more) {
  return "alerts: {rules: [{name: hung, match: {alertname: Hung}, target: \"{{group}}:{{name}}\","
         " allow: [\"web:*\"], action: restart" +
         more + "}]}\n";
}

alerts::Rule first_rule(const std::string& more) {
  const TemporaryFolder folder;
  const auto config = parse(with_control(folder, rule(more)), "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  return config->alerts.rules.at(0);
}

TEST_CASE("alerts: only_if names a Prometheus, a query and a login") {
  const auto only_if = [](const std::string& more) {
    return first_rule(", only_if: {prometheus: \"" + more + "}").only_if;
  };
  CHECK_FALSE(first_rule("").only_if);
  const auto plain = only_if("http://prometheus:9090/a\", query: \"up > 7\"");
  REQUIRE(plain);
  CHECK(plain->server.url() == "http://prometheus:9090/a");
  CHECK(plain->text == "up > 7");
  CHECK(plain->timeout == 2s);
  const TemporaryFolder folder;
  const auto login =
      only_if("https://prometheus\", query: up, timeout: 500ms, username: reeve, password_file: " +
              folder.write("password", "secret\n"));
  REQUIRE(login);
  CHECK(login->timeout == 500ms);
  CHECK(login->password.reveal() == "secret");
}

/// The errors of the alerts section without their places.
std::string complaints(const std::string& alerts) {
  const TemporaryFolder folder;
  const auto config = parse(with_control(folder, alerts), "reeve.yaml");
  return config ? ""
                : base::join(config.error(), "\n", [](const ConfigError& e) { return e.message; });
}

TEST_CASE("alerts: a rule has the documented defaults; the default mode is dry_run") {
  const TemporaryFolder folder;
  const auto config = parse(with_control(folder, rule("")), "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  CHECK(config->warnings.empty());
  CHECK(config->alerts.mode == Mode::dry_run);
  CHECK(config->alerts.episode_ttl == 6h);
  CHECK(config->guards == guards::GuardOptions{});
  const alerts::Rule& rule = config->alerts.rules.at(0);
  CHECK(rule.name == "hung");
  CHECK(rule.match == alerts::Match{{"alertname", "Hung"}});
  CHECK(rule.target == "{{group}}:{{name}}");
  CHECK(rule.allow.at(0).text() == "web:*");
  CHECK(rule.action == Action::restart);
  CHECK_FALSE(rule.mode);
  CHECK(rule.max_attempts == 1);
  CHECK(rule.limits == guards::Limits{});
  CHECK(rule.limits.cooldown.initial == 5min);
}

TEST_CASE("alerts: every value of the section is read") {
  const TemporaryFolder folder;
  const auto config = parse(with_control(folder, R"(
alerts:
  mode: enforce
  identity: {instance: "host7:19001"}
  episode_ttl: 12h
  budget: {total: 20/2h}
  breaker: {targets: 50%, min_targets: 5, within: 10m, hold: 30m}
  rules:
    - name: start-fatal
      match: {alertname: Fatal, severity: "critical|page"}
      target: "{{group}}:{{name}}"
      allow: [job, "web:*"]
      action: start
      mode: dry_run
      only_if_state: [FATAL]
      respect_stopped: false
      min_uptime: 30s
      settle: 5m
      max_attempts: 3
      pending_for: 0s
      cooldown: {initial: 10m, factor: 1.5, max: 2h, jitter: 20%, reset_after: 12h}
      budget: {per_target: 5/6h}
)"),
                            "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  CHECK(config->warnings.empty());
  CHECK(config->alerts.identity.at("instance") == "host7:19001");
  CHECK(config->alerts.episode_ttl == 12h);
  CHECK(config->guards.total == guards::Budget{20, 2h});
  CHECK(config->guards.breaker == guards::BreakerOptions{0.5, 5, 10min, 30min});
  const alerts::Rule& rule = config->alerts.rules.at(0);
  CHECK(rule.mode == Mode::dry_run);
  CHECK(rule.action == Action::start);
  CHECK(rule.pending_for == 0s);
  CHECK(rule.max_attempts == 3);
  const guards::Limits& limits = rule.limits;
  CHECK(limits.only_if_state == std::vector{InstanceState::fatal});
  CHECK_FALSE(limits.respect_stopped);
  CHECK(limits.min_uptime == 30s);
  CHECK(limits.settle == 5min);
  CHECK(limits.cooldown == guards::Cooldown{10min, 1.5, 2h, 0.2, 12h});
  CHECK(limits.per_target == guards::Budget{5, 6h});
}

TEST_CASE("alerts: each action has its default states") {
  CHECK(first_rule("").limits.only_if_state == std::vector{InstanceState::running});
  CHECK(first_rule(", only_if_state: [RUNNING, FATAL]").limits.only_if_state ==
        std::vector{InstanceState::running, InstanceState::fatal});
  CHECK(complaints(rule(", only_if_state: [STARTING]")) ==
        "alerts.rules[0].only_if_state: 'STARTING' is no state for a restart: expected some of"
        " RUNNING, FATAL, EXITED, STOPPED");
  CHECK(complaints(rule(", only_if_state: []")) ==
        "alerts.rules[0].only_if_state: expected some of RUNNING, FATAL, EXITED, STOPPED");
}

TEST_CASE("alerts: a rule without name, match, target, allow or action has all these errors") {
  CHECK(complaints("alerts: {rules: [{}]}\n") ==
        "alerts.rules[0].name: a rule has a name of at most 64 letters, digits, '-', '_' and '.'\n"
        "alerts.rules[0].match: a rule without a label to match would apply to every alert\n"
        "alerts.rules[0].target: expected the process to act on, like \"{{group}}:{{name}}\"\n"
        "alerts.rules[0].allow: a rule acts only on the processes listed here\n"
        "alerts.rules[0].action: expected restart, start or stop");
}

TEST_CASE("alerts: errors have their positions") {
  const TemporaryFolder folder;
  CHECK(errors_of(parse(with_control(folder, "alerts:\n  mode: always\n  rules:\n    - {nam: x}\n"),
                        "reeve.yaml"))
            .starts_with("reeve.yaml:5:9: alerts.mode: expected off, dry_run or enforce, found"
                         " 'always'\nreeve.yaml:7:7: alerts.rules[0].name: "));
}

TEST_CASE("alerts: invalid expressions, targets and names are errors") {
  const std::string head = "alerts: {rules: [{name: a, allow: [web], action: stop, ";
  CHECK(complaints(head + "match: {alertname: \"(\"}, target: web}]}\n")
            .starts_with("alerts.rules[0].match.alertname: not a regular expression: "));
  CHECK(complaints(head + "match: {a b: x}, target: web}]}\n") ==
        "alerts.rules[0].match.a b: not a valid label name");
  CHECK(complaints(head + "match: {a: x}, target: \"{{a b}}\"}]}\n") ==
        "alerts.rules[0].target: expected a label's name alone between {{ and }},"
        " as in {{group}}:{{name}}");
  const std::string rest = ", match: {a: x}, target: web, allow: [web], action: stop}";
  CHECK(complaints("alerts: {rules: [{name: a" + rest + ", {name: a" + rest + ", {name: none" +
                   rest + "]}\n") ==
        "alerts.rules[1].name: another rule has the name 'a'\n"
        "alerts.rules[2].name: 'none' stands for alerts without a rule");
}

TEST_CASE("alerts: numbers have formats and ranges") {
  const std::string budget = "expected a number up to 1000 and a span up to 168h, like 3/1h";
  for (const char* wrong : {"3", "0/1h", "3/", "/1h", "1001/1h", "3/169h", "-1/1h", "3/1"}) {
    INFO(wrong);
    CHECK(complaints(rule(", budget: {per_target: \"" + std::string(wrong) + "\"}")) ==
          "alerts.rules[0].budget.per_target: " + budget);
    CHECK(complaints("alerts: {budget: {total: \"" + std::string(wrong) + "\"}}\n") ==
          "alerts.budget.total: " + budget);
  }
  CHECK(complaints(rule(", cooldown: {jitter: 51%}")) ==
        "alerts.rules[0].cooldown.jitter: expected a share like 50%, at least 0%");
  CHECK(complaints(rule(", cooldown: {jitter: 10}")) ==
        "alerts.rules[0].cooldown.jitter: expected a share like 50%, at least 0%");
  CHECK(complaints(rule(", cooldown: {factor: 0.5}")) ==
        "alerts.rules[0].cooldown.factor: expected a number from 1 to 100");
  CHECK(complaints(rule(", cooldown: {factor: nan}")) ==
        "alerts.rules[0].cooldown.factor: expected a number from 1 to 100");
  CHECK(complaints(rule(", cooldown: {initial: 10m, max: 5m}")) ==
        "alerts.rules[0].cooldown.max: expected 10m to 168h, found '5m'");
  CHECK(complaints(rule(", max_attempts: 0")) ==
        "alerts.rules[0].max_attempts: expected a number from 1 to 20");
  CHECK(complaints("alerts: {breaker: {targets: 0%}}\n") ==
        "alerts.breaker.targets: expected a share like 100%, at least 1%");
  CHECK(complaints("alerts: {breaker: {min_targets: 0}}\n") ==
        "alerts.breaker.min_targets: expected a number from 1 to 100000");
}

TEST_CASE("alerts: an initial cooldown above the default maximum raises the maximum") {
  CHECK(first_rule(", cooldown: {initial: 2h}").limits.cooldown.max == 2h);
}

TEST_CASE("alerts: enforce needs an identity, or any") {
  const std::string expected =
      "alerts.identity: to enforce rules, name the labels that alerts of this agent carry, like"
      " {instance: \"host7:19001\"}, or `any` for every alert that is posted";
  CHECK(complaints(rule(", mode: enforce")) == expected);
  std::string all = rule("");
  all.insert(9, "mode: enforce, ");
  CHECK(complaints(all) == expected);
  all.insert(9, "identity: any, ");
  CHECK(complaints(all) == "");
  CHECK(complaints("alerts: {mode: enforce}\n") == "");
  CHECK(complaints("alerts: {identity: {service.name: x, größe: y}}\n") == "");
  CHECK(complaints("alerts: {identity: {a b: x}}\n") ==
        "alerts.identity.a b: not a valid label name");
  std::string off = rule(", mode: enforce");
  off.insert(9, "mode: off, ");
  CHECK(complaints(off) == "");
}

TEST_CASE("alerts: rules without the control listener are an error") {
  CHECK(errors_of(rule("")) ==
        "reeve.yaml:1:17: alerts.rules: alerts come in through the control listener: set"
        " control.enabled");
}

TEST_CASE("alerts: with several supervisords a target names one") {
  const TemporaryFolder folder;
  const std::string two =
      "supervisors: [{name: one, url: \"http://a\"}, {name: two, url: \"http://b\"}]\n";
  CHECK(errors_of(parse(two + with_control(folder, rule("")), "reeve.yaml"))
            .ends_with("alerts.rules[0].target: several supervisords are configured: name one,"
                       " like \"{{supervisor}}/{{group}}:{{name}}\""));
}

TEST_CASE("alerts: a cooldown below the default group_interval is a warning") {
  const TemporaryFolder folder;
  const auto config = parse(with_control(folder, rule(", cooldown: {initial: 1m}")), "reeve.yaml");
  REQUIRE(config);
  REQUIRE(config->warnings.size() == 1);
  const std::string warning = to_string(config->warnings[0]);
  INFO(warning);
  CHECK(warning.starts_with(
      "reeve.yaml:4:122: alerts.rules[0].cooldown.initial: 1m is shorter than"));
}

TEST_CASE("alerts: an episode_ttl below the default repeat_interval is a warning") {
  const TemporaryFolder folder;
  std::string text = rule("");
  text.insert(9, "episode_ttl: 4h, ");
  const auto config = parse(with_control(folder, text), "reeve.yaml");
  REQUIRE(config);
  REQUIRE(config->warnings.size() == 1);
  CHECK(to_string(config->warnings[0])
            .starts_with("reeve.yaml:4:10: alerts.episode_ttl: 4h does not exceed"));
}

TEST_CASE("alerts: rules without a token or client that may post are a warning") {
  const TemporaryFolder folder;
  std::string text = with_control(folder, rule(""));
  text.replace(text.find("[alerts]"), 8, "[read]");
  const auto config = parse(text, "reeve.yaml");
  REQUIRE(config);
  REQUIRE(config->warnings.size() == 1);
  CHECK(config->warnings[0].message ==
        "alerts.rules: no token and no client has the scope alerts, which posting an"
        " alert needs");
}

}  // namespace
}  // namespace reeve::config
