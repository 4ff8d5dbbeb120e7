#include "alerts/rules.h"

#include "support/catch.h"

namespace reeve::alerts {
namespace {

Rule rule(const std::string& name, Match match) {
  Rule rule;
  rule.name = name;
  rule.match = std::move(match);
  rule.target = "{{group}}:{{name}}";
  return rule;
}

Alert alert(Labels labels) {
  Alert alert;
  alert.labels = std::move(labels);
  return alert;
}

/// The name of the rule for an alert with these labels; "" if there is none.
std::string chosen(const Rules& rules, Labels labels) {
  const CompiledRule* const found = rules.find(alert(std::move(labels)));
  return found == nullptr ? "" : found->rule.name;
}

std::string filled(const std::string& target, const Labels& labels) {
  const auto parsed = TargetTemplate::parse(target);
  REQUIRE(parsed);
  const auto found = parsed->fill(labels);
  return found ? found->text() : found.error().message;
}

TEST_CASE("Rules: a rule matches an alert whose labels all match its expressions as a whole") {
  const Rules rules(
      {.rules = {rule("hung", {{"alertname", "Web.*"}, {"severity", "critical|page"}}),
                 rule("plain", {{"alertname", "Exact"}})}});
  CHECK(chosen(rules, {{"alertname", "WebHangs"}, {"severity", "page"}}) == "hung");
  CHECK(chosen(rules, {{"alertname", "WebHangs"}, {"severity", "pages"}}) == "");
  CHECK(chosen(rules, {{"alertname", "MyWebHangs"}, {"severity", "page"}}) == "");
  CHECK(chosen(rules, {{"alertname", "WebHangs"}}) == "");
  CHECK(chosen(rules, {{"alertname", "Exact"}, {"more", "x"}}) == "plain");
  CHECK(chosen(rules, {{"alertname", "Exactly"}}) == "");
}

TEST_CASE("Rules: the first rule that matches is the alert's, and a missing label is empty") {
  const Rules rules({.rules = {rule("never", {{"name", "db.*"}}), rule("teamless", {{"team", ""}}),
                               rule("any", {{"alertname", ".*"}})}});
  CHECK(chosen(rules, {{"alertname", "X"}, {"name", "db1"}}) == "never");
  CHECK(chosen(rules, {{"alertname", "X"}, {"name", "web"}}) == "teamless");
  CHECK(chosen(rules, {{"alertname", "X"}, {"team", "blue"}}) == "any");
}

TEST_CASE("Rules: a label of more than 1024 bytes matches nothing") {
  const Rules rules({.rules = {rule("any", {{"alertname", ".*"}})}});
  CHECK(chosen(rules, {{"alertname", std::string(1024, 'x')}}) == "any");
  CHECK(chosen(rules, {{"alertname", std::string(1025, 'x')}}) == "");
}

TEST_CASE("Rules: a label cannot make an expression backtrack") {
  const Rules rules({.rules = {rule("nested", {{"instance", "([a-z0-9]+[.-]?)+:19001"}})}});
  CHECK(chosen(rules, {{"instance", "web-1.example:19001"}}) == "nested");
  CHECK(chosen(rules, {{"instance", std::string(1000, 'a')}}) == "");
  CHECK_FALSE(check_expression("(a+)\\1"));
}

TEST_CASE("Rules: an alert is for this agent if it carries all of its identity") {
  const Rules ours({.identity = {{"instance", "host7:19001"}, {"job", "reeve"}}});
  CHECK(ours.is_for_this_agent(alert({{"instance", "host7:19001"}, {"job", "reeve"}, {"x", "y"}})));
  CHECK_FALSE(ours.is_for_this_agent(alert({{"instance", "host7:19001"}})));
  CHECK_FALSE(ours.is_for_this_agent(alert({{"instance", "host8:19001"}, {"job", "reeve"}})));
  CHECK(Rules({}).is_for_this_agent(alert({})));
}

TEST_CASE("mode_of: the rule's own mode, else the options'; off wins") {
  Rule own = rule("own", {{"a", "b"}});
  own.mode = Mode::enforce;
  CHECK(mode_of(own, {}) == Mode::enforce);
  CHECK(mode_of(rule("other", {}), {}) == Mode::dry_run);
  CHECK(mode_of(own, {.mode = Mode::off}) == Mode::off);
}

TEST_CASE("TargetTemplate: label values are inserted as they are, never interpreted") {
  CHECK(filled("{{group}}:{{name}}", {{"group", "web"}, {"name", "front"}}) == "web:front");
  CHECK(filled("{{ name }}", {{"name", "job"}}) == "job:job");
  CHECK(filled("{{supervisor}}/{{group}}:{{name}}",
               {{"supervisor", "one"}, {"group", "web"}, {"name", "front"}}) == "one/web:front");
  CHECK(filled("{{process}}", {{"process", "web:front"}}) == "web:front");
  CHECK(filled("web:front", {}) == "web:front");
  CHECK(filled("{{group}}:{{name}}", {{"group", "web"}, {"name", "*"}}) == "web:*");
}

TEST_CASE("TargetTemplate: a missing label or a result that is no name is an error") {
  CHECK(filled("{{group}}:{{name}}", {{"group", "web"}}) == "the alert has no label 'name'");
  CHECK(filled("{{group}}:{{name}}", {{"group", ""}, {"name", "x"}}) ==
        "the alert has no label 'group'");
  CHECK(filled("{{group}}:{{name}}", {{"group", "a:b"}, {"name", "c"}}) ==
        "'a:b:c' is no process's name");
  CHECK(filled("{{name}}", {{"name", "/web"}}) == "'/web' is no process's name");
  CHECK(filled("{{name}}", {{"name", std::string(2000, 'x')}}) ==
        "'" + std::string(1024, 'x') + "' is no process's name");
}

TEST_CASE("check_target: a target that could never name a process is refused") {
  CHECK(check_target("{{group}}:{{name}}"));
  for (const char* target : {"", "{{", "{{}}", "{{a b}}", "{{.Labels.a}}", "{{$labels.a}}",
                             "{{a}}:{{b}}:{{c}}", ":{{a}}", "{{name", "/{{a}}"}) {
    INFO(target);
    CHECK_FALSE(check_target(target));
  }
}

TEST_CASE("TargetTemplate: a label may have any name") {
  CHECK(filled("{{service.name}}:{{größe}}", {{"service.name", "web"}, {"größe", "2"}}) == "web:2");
}

TEST_CASE("check_expression: an expression that does not compile, or is too long, is refused") {
  CHECK(check_expression("web-[0-9]+"));
  CHECK(check_expression("(").error().message == "not a regular expression: missing ): (");
  CHECK(check_expression(std::string(1001, 'a')).error().message ==
        "not a regular expression: longer than 1000 characters");
}

TEST_CASE("default_states: each action has its own") {
  using guards::Action;
  using substrate::InstanceState;
  CHECK(default_states(Action::restart) == std::vector{InstanceState::running});
  CHECK(default_states(Action::start) == std::vector{InstanceState::fatal, InstanceState::exited});
  CHECK(default_states(Action::stop) == std::vector{InstanceState::running});
  CHECK(default_states(Action::signal).empty());
}

}  // namespace
}  // namespace reeve::alerts
