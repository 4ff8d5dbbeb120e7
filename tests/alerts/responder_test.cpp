#include "alerts/responder.h"

#include <filesystem>
#include <fstream>

#include "alerts/alert_world.h"
#include "support/catch.h"

namespace reeve::alerts {
namespace {

using guards::Reason;
using namespace std::chrono_literals;
using tests::AlertWorld;
using tests::hung_rule;

std::uint64_t counted(const AlertWorld& world, const std::string& rule, Reason verdict) {
  return world.agent->responder.stats().decisions.at(rule).at(static_cast<std::size_t>(verdict));
}

Options with(const std::function<void(Options&, Rule&)>& change) {
  Options options = hung_rule();
  change(options, options.rules.front());
  return options;
}

TEST_CASE("Responder: an alert restarts its process once, however often it is sent") {
  AlertWorld world;
  const WebhookResult answer = world.post({world.alert()});
  REQUIRE(answer.decisions.size() == 1);
  const AlertDecision& decision = answer.decisions.front();
  CHECK(answer.retry == "");
  CHECK(decision.decision.reason == Reason::accepted);
  CHECK(decision.rule == "hung");
  CHECK(decision.target == guards::Target{"", {"web", "front"}});
  CHECK(decision.alertname == "Hung");
  CHECK_FALSE(decision.operation.empty());

  CHECK(world.decide(world.alert()) == "duplicate");
  world.work();
  CHECK(world.restarts() == 1);
  CHECK(world.decide(world.alert()) == "duplicate");
  world.pass(2h);
  CHECK(world.decide(world.alert()) == "attempts_exhausted");
  world.work();
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: the operation carries the sender, the reason and the rule's limits") {
  AlertWorld world;
  const std::string id = world.post({world.alert()}).decisions.front().operation;
  const auto operation = world.agent->controller.find(id);
  REQUIRE(operation);
  const guards::Command& command = operation->command;
  CHECK(command.action == guards::Action::restart);
  CHECK(command.source == guards::Source::alert);
  CHECK(command.actor == "alertmanager");
  CHECK(command.reason == "the alert Hung");
  REQUIRE(command.trigger);
  CHECK(command.trigger->rule == "hung");
  CHECK(command.trigger->fingerprint == "of-front");
  CHECK(command.trigger->began == world.alert().began);
  CHECK_FALSE(command.trigger->later_attempt);
}

TEST_CASE("Responder: a request with the same alert twice acts once") {
  AlertWorld world;
  const WebhookResult answer = world.post({world.alert(), world.alert(), world.alert("web:back")});
  REQUIRE(answer.decisions.size() == 3);
  CHECK(answer.decisions[0].decision.reason == Reason::accepted);
  CHECK(answer.decisions[1].decision.reason == Reason::duplicate);
  CHECK(answer.decisions[2].decision.reason == Reason::accepted);
}

TEST_CASE("Responder: two alerts on one process make one operation") {
  AlertWorld world;
  Alert other = world.alert();
  other.fingerprint = "another";
  const WebhookResult answer = world.post({world.alert(), other});
  CHECK(answer.decisions[0].decision.reason == Reason::accepted);
  CHECK(answer.decisions[1].decision.reason == Reason::in_flight);
  world.work();
  world.pass(3min);
  CHECK(world.decide(other) == "restarted_since");
  other.began = world.alert().began;
  CHECK(world.decide(other) == "cooldown");
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: decisions are made in the documented order") {
  AlertWorld world(with([](Options& options, Rule& rule) {
    options.identity = {{"instance", "host7"}};
    Rule off = rule;
    off.name = "off";
    off.match = {{"alertname", "Off"}};
    off.mode = Mode::off;
    options.rules.push_back(off);
  }));
  Alert alert = world.alert("job");
  alert.labels["alertname"] = "Unheard";
  alert.status = AlertStatus::resolved;
  alert.ended = alert.began - 1s;  // the one before
  CHECK(world.decide(alert) == "not_here");
  alert.labels["instance"] = "host8";
  CHECK(world.decide(alert) == "not_here");
  alert.labels["instance"] = "host7";
  CHECK(world.decide(alert) == "no_rule");
  alert.labels["alertname"] = "Off";
  CHECK(world.decide(alert) == "off");
  alert.labels["alertname"] = "Hung";
  CHECK(world.decide(alert) == "resolved");
  alert.status = AlertStatus::firing;
  alert.labels.erase("name");
  CHECK(world.decide(alert) == "no_target");
  alert.labels["name"] = "nobody";
  CHECK(world.decide(alert) == "no_target");
  alert.labels["name"] = "*";
  CHECK(world.decide(alert) == "no_target");
  alert.labels["name"] = "job";
  CHECK(world.decide(alert) == "not_allowed");
  alert.labels["group"] = "web";
  alert.labels["name"] = "front";
  CHECK(world.decide(alert) == "accepted");
  // All at one time: first what has an effect, then the others, at last the repeats.
  CHECK(world.audited() ==
        std::vector<std::string>{"of-job accepted hung", "of-job not_here ", "of-job no_rule ",
                                 "of-job off off", "of-job resolved hung", "of-job no_target hung",
                                 "of-job no_target hung", "of-job no_target hung",
                                 "of-job not_allowed hung", "of-job not_here "});
}

TEST_CASE("Responder: the sender's token and control limit what alerts may act on") {
  AlertWorld world;
  world.sender.allow = {*substrate::Selector::parse("web:back")};
  CHECK(world.decide(world.alert()) == "not_allowed");
  CHECK(world.decide(world.alert("web:back")) == "accepted");
  world.sender.allow = {*substrate::Selector::parse("*")};
  guards::Options control;
  control.deny = {*substrate::Selector::parse("web")};
  world.agent->controller.configure(control);
  CHECK(world.decide(world.alert()) == "not_allowed");
}

TEST_CASE("Responder: Reeve itself is never acted on") {
  AlertWorld world;
  world.own_programs = {{"web", "front"}};
  world.restart();
  CHECK(world.decide(world.alert()) == "self");
}

TEST_CASE(
    "Responder: while supervisord does not answer nothing starts, and the next request tries "
    "again") {
  AlertWorld world;
  world.supervisord->fail({.operation = tests::Operation::list});
  world.publish();
  auto down = std::make_shared<monitor::Snapshot>(*world.snapshot);
  world.supervisord->recover();
  world.publish();
  auto processes = world.snapshot->supervisors[0].processes;
  CHECK(world.decide(world.alert()) == "accepted");
  world.snapshot = down;
  CHECK(world.decide(world.alert("web:back")) == "unreachable");
  down->supervisors[0].processes = processes;
  CHECK(world.decide(world.alert("web:back")) == "unreachable");
  CHECK(world.decide(world.alert()) == "duplicate");
  world.publish();
  CHECK(world.decide(world.alert("web:back")) == "accepted");
}

TEST_CASE("Responder: a resolved alert ends its episode, and a new one acts after the cooldown") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  CHECK(world.decide(world.resolved()) == "resolved");
  world.pass(61s);
  CHECK(world.decide(world.alert()) == "too_young");
  world.pass(2min);
  CHECK(world.decide(world.alert()) == "cooldown");
  world.pass(1h);
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  CHECK(world.restarts() == 2);
}

TEST_CASE("Responder: a resolved alert names its process, where there is one") {
  AlertWorld world;
  CHECK(world.post({world.resolved()}).decisions.front().target ==
        guards::Target{"", {"web", "front"}});
  CHECK_FALSE(world.post({world.resolved("web:nobody")}).decisions.front().target);
}

TEST_CASE("Responder: processes of a rule without a history are in its initial cooldown") {
  AlertWorld world(with([](Options&, Rule& rule) {
    rule.limits.cooldown.initial = 2h;
    rule.limits.per_target.actions = 5;
  }));
  const auto cooling = world.agent->responder.initial_cooldowns();
  REQUIRE(cooling.size() == 2);  // job is no process of the rule
  CHECK(cooling[0].target == guards::Target{"", {"web", "back"}});
  CHECK(cooling[0].cooldown_until.has_value());
  CHECK(cooling[0].budget_limit == 5);
  world.pass(1h);
  CHECK(world.agent->responder.initial_cooldowns().empty());
}

TEST_CASE("Responder: an alert that was resolved in the future may fire again now") {
  AlertWorld world;
  alerts::Alert over = world.resolved();
  over.ended = world.clock.system_now() + std::chrono::hours(24 * 365 * 100);
  CHECK(world.decide(over) == "resolved");
  world.pass(std::chrono::minutes(10));
  alerts::Alert again = world.alert();
  again.began = world.clock.system_now();
  CHECK(world.decide(again) == "accepted");
}

TEST_CASE("Responder: a notification older than the resolved one does nothing") {
  AlertWorld world;
  const Alert stale = world.alert();
  CHECK(world.decide(stale) == "accepted");
  world.work();
  CHECK(world.decide(world.resolved()) == "resolved");
  CHECK(world.decide(stale) == "duplicate");
  world.pass(2h);
  CHECK(world.decide(stale) == "duplicate");
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE(
    "Responder: a notification older than the resolved one does nothing after a restart, too") {
  AlertWorld world;
  const Alert late = world.alert();
  CHECK(world.decide(world.resolved()) == "resolved");
  world.restart();
  CHECK(world.decide(late) == "duplicate");
  world.work();
  CHECK(world.restarts() == 0);
}

TEST_CASE("Responder: who may not act on a process does not end its episode") {
  AlertWorld world;
  const alerts::Sender alertmanager = world.sender;
  const alerts::Sender stranger{"stranger", {*substrate::Selector::parse("job")}};
  world.options.senders.push_back(stranger);
  world.agent->responder.configure(world.options);
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  world.sender = stranger;
  CHECK(world.decide(world.resolved()) == "resolved");
  world.sender = alertmanager;
  world.pass(2h);
  CHECK(world.decide(world.alert()) == "attempts_exhausted");
  CHECK(world.decide(world.resolved()) == "resolved");
  world.pass(2min);
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE("Responder: resolved alerts that cannot be read refuse everything until a reset") {
  AlertWorld world;
  CHECK(world.decide(world.resolved()) == "resolved");
  std::ofstream(world.folder.path() + "/state/resolved.json") << "{";
  world.restart();
  CHECK(world.agent->responder.unreadable());
  CHECK(world.decide(world.alert("web:back")) == "state_unreadable");
  CHECK(world.agent->responder.forget_unreadable());
  CHECK(world.decide(world.alert("web:back")) == "accepted");
}

TEST_CASE("Responder: what is queued is not done once it is wanted no more") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  std::string why;
  SECTION("the token is removed") {
    world.options.senders.clear();
    world.agent->responder.configure(world.options);
    why = "'alertmanager' may not post alerts any more";
  }
  SECTION("the token may not act on the process any more") {
    world.options.senders[0].allow = {*substrate::Selector::parse("web:back")};
    world.agent->responder.configure(world.options);
    why = "may not be acted on: it is not in the allow list of 'alertmanager'";
  }
  SECTION("the rule is removed") {
    world.options.rules.clear();
    world.agent->responder.configure(world.options);
    why = "the rule 'hung' does not do this any more";
  }
  SECTION("the rule is a dry run by now") {
    world.options.mode = Mode::dry_run;
    world.agent->responder.configure(world.options);
    why = "the rule 'hung' does not do this any more";
  }
  SECTION("the rule allows it no more") {
    world.options.rules[0].allow = {*substrate::Selector::parse("web:back")};
    world.agent->responder.configure(world.options);
    why = "the rule 'hung' does not do this any more";
  }
  SECTION("the alert is resolved") {
    CHECK(world.decide(world.resolved()) == "resolved");
    why = "the alert was resolved meanwhile";
  }
  world.work();
  CHECK(world.restarts() == 0);
  const auto operations = world.agent->controller.list();
  REQUIRE(operations.size() == 1);
  CHECK(operations[0].result == control::OperationResult::refused);
  CHECK(operations[0].error->message.find(why) != std::string::npos);
  // It used up nothing.
  CHECK(world.agent->guards.list().empty());
}

TEST_CASE("Responder: what is queued is done if rules change that do not concern it") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  Rule other = world.options.rules[0];
  other.name = "other";
  world.options.rules.insert(world.options.rules.begin(), other);
  world.agent->responder.configure(world.options);
  world.work();
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: an episode ends by itself when its alert is not received any more") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  world.pass(5h);
  CHECK(world.decide(world.alert()) == "attempts_exhausted");
  world.pass(6h + 1s);
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE("Responder: a rule may allow a later attempt, which waits for the cooldown") {
  AlertWorld world(with([](Options&, Rule& rule) { rule.max_attempts = 2; }));
  const Alert alert = world.alert();
  CHECK(world.decide(alert) == "accepted");
  world.work();
  world.pass(4min);
  CHECK(world.decide(alert) == "duplicate");
  world.pass(2min);
  const std::string second = world.post({alert}).decisions.front().operation;
  REQUIRE_FALSE(second.empty());
  CHECK(world.agent->controller.find(second)->command.trigger->later_attempt);
  world.work();
  world.pass(2h);
  CHECK(world.decide(alert) == "attempts_exhausted");
  CHECK(world.restarts() == 2);
}

TEST_CASE("Responder: an operation that was refused just before acting was no attempt") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  CHECK(world.agent->maintenance.set("web:front", 1h, "at work", "ops"));
  world.work();
  CHECK(world.restarts() == 0);
  CHECK(world.decide(world.alert()) == "maintenance");
  CHECK(world.agent->maintenance.clear("web:front"));
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  CHECK(world.restarts() == 1);
}

TEST_CASE(
    "Responder: too many processes with alerts in one request open the breaker before any action") {
  AlertWorld world(
      with([](Options&, Rule& rule) { rule.allow = {*substrate::Selector::parse("*")}; }));
  const WebhookResult answer =
      world.post({world.alert(), world.alert("web:back"), world.alert("job")});
  for (const AlertDecision& decision : answer.decisions) {
    CHECK(decision.decision.reason == Reason::breaker_open);
  }
}

TEST_CASE(
    "Responder: a dry run decides as if it acted, does nothing, and has episodes of its own") {
  AlertWorld world(with([](Options& options, Rule&) { options.mode = Mode::dry_run; }));
  const WebhookResult answer = world.post({world.alert()});
  CHECK(answer.decisions.front().decision.reason == Reason::would_act);
  CHECK(answer.decisions.front().operation == "");
  CHECK(world.decide(world.alert()) == "duplicate");
  world.work();
  CHECK(world.restarts() == 0);
  CHECK(world.agent->controller.list().empty());
  CHECK_FALSE(std::filesystem::exists(world.episodes_file()));

  world.agent->responder.configure(hung_rule());
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE("Responder: a reload of the rules keeps the episodes") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.agent->responder.configure(with([](Options& options, Rule& rule) {
    rule.limits.min_uptime = 1min;
    options.rules.push_back(rule);
    options.rules.back().name = "more";
  }));
  CHECK(world.decide(world.alert()) == "duplicate");
  CHECK(counted(world, "hung", Reason::accepted) == 1);
  CHECK(counted(world, "more", Reason::accepted) == 0);
}

TEST_CASE("Responder: episodes survive a restart of the agent") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  world.restart();
  world.pass(2h);
  CHECK(world.decide(world.alert()) == "attempts_exhausted");
  CHECK(world.decide(world.resolved()) == "resolved");
  world.restart();
  world.pass(2min);
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE("Responder: without the episodes' file the attempts come from the journal") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  std::filesystem::remove(world.episodes_file());
  world.restart();
  world.pass(2h);
  CHECK(world.decide(world.alert()) == "attempts_exhausted");
}

TEST_CASE("Responder: an operation that ended with the agent before it acted was no attempt") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.restart();
  world.work();
  CHECK(world.restarts() == 0);
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE("Responder: episodes that cannot be read refuse everything until a person resets them") {
  AlertWorld world;
  CHECK(world.decide(world.alert()) == "accepted");
  world.work();
  std::ofstream(world.episodes_file()) << "{\"version\":";
  world.restart();
  world.pass(2h);
  CHECK(world.agent->responder.unreadable());
  CHECK(world.decide(world.alert()) == "state_unreadable");
  CHECK(world.decide(world.alert("web:back")) == "state_unreadable");
  world.restart();
  CHECK(world.decide(world.alert()) == "state_unreadable");
  CHECK(world.agent->responder.forget_unreadable());
  CHECK_FALSE(world.agent->responder.unreadable());
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE(
    "before everything was read once, and after the end began, the same post is wanted again") {
  AlertWorld world;
  auto first = std::make_shared<monitor::Snapshot>(*world.snapshot);
  first->complete = false;
  world.snapshot = first;
  CHECK(world.decide(world.alert()) == "retry: the supervisords have not been read yet");
  world.publish();
  world.agent->controller.stop(base::Deadline::after(world.clock, 0s));
  CHECK(world.decide(world.alert()) == "retry: the agent is shutting down");
  CHECK(world.audited().empty());
  world.restart();
  CHECK(world.decide(world.alert()) == "accepted");
}

TEST_CASE(
    "Responder: when too many operations wait the rest of the request has to be repeated, and none "
    "is lost") {
  AlertWorld world(
      with([](Options&, Rule& rule) { rule.allow = {*substrate::Selector::parse("many:*")}; }));
  std::vector<Alert> alerts;
  for (int i = 0; i < 300; ++i) {
    tests::FakeProgram program;
    program.name = {"many", "p" + std::to_string(i)};
    world.supervisord->add(program);
    alerts.push_back(world.alert(program.name.full()));
  }
  guards::GuardOptions guards;
  guards.breaker.min_targets = 1000;
  guards.total = {1000, 1h};
  world.agent->guards.configure(guards);
  world.pass(1h);
  const WebhookResult answer = world.post(alerts);
  CHECK(answer.retry == "too many operations are waiting already");
  CHECK(answer.decisions.size() == 256);
  world.work();
  const WebhookResult again = world.post(alerts);
  CHECK(again.retry == "");
  CHECK(again.decisions.size() == 300);
  CHECK(counted(world, "hung", Reason::accepted) == 300);
  CHECK(counted(world, "hung", Reason::duplicate) == 256);
}

TEST_CASE(
    "Responder: refused alerts take no room in the queue: however many, all are decided at once") {
  AlertWorld world(
      with([](Options&, Rule& rule) { rule.allow = {*substrate::Selector::parse("many:*")}; }));
  std::vector<Alert> alerts;
  for (int i = 0; i < 600; ++i) {
    tests::FakeProgram program;
    program.name = {"many", "p" + std::to_string(i)};
    world.supervisord->add(program);
    alerts.push_back(world.alert(program.name.full()));
  }
  world.pass(1h);
  CHECK(world.agent->maintenance.set("*", 1h, "at work", "ops"));
  const WebhookResult answer = world.post(alerts);
  CHECK(answer.retry == "");
  CHECK(answer.decisions.size() == 600);
  CHECK(counted(world, "hung", Reason::maintenance) == 600);
}

TEST_CASE("Responder: ten thousand alerts in one request each get their decision") {
  AlertWorld world;
  std::vector<Alert> alerts(9'999, world.alert("job"));
  alerts.push_back(world.alert());
  const WebhookResult answer = world.post(alerts);
  REQUIRE(answer.decisions.size() == 10'000);
  CHECK(counted(world, "hung", Reason::not_allowed) == 9'999);
  CHECK(answer.decisions.back().decision.reason == Reason::accepted);
}

TEST_CASE("Responder: every rule is counted from the beginning, and so are alerts without one") {
  AlertWorld world;
  CHECK(world.agent->responder.stats().decisions.size() == 2);
  CHECK(counted(world, "hung", Reason::accepted) == 0);
  Alert alert = world.alert();
  alert.labels["alertname"] = "Unheard";
  CHECK(world.decide(alert) == "no_rule");
  CHECK(counted(world, "none", Reason::no_rule) == 1);
}

}  // namespace
}  // namespace reeve::alerts
