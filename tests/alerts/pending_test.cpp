#include "alerts/pending.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "alerts/alert_world.h"
#include "support/catch.h"

namespace reeve::alerts {
namespace {

using guards::Reason;
using namespace std::chrono_literals;
using tests::AlertWorld;
using tests::FakeProgram;

Options waiting_rule(base::Duration pending_for = 15min) {
  Options options = tests::hung_rule();
  options.rules[0].pending_for = pending_for;
  return options;
}

/// web:front was restarted two seconds ago: no alert may act on it for two minutes.
struct WaitingWorld : AlertWorld {
  explicit WaitingWorld(const Options& its_options = waiting_rule()) : AlertWorld(its_options) {
    supervisord->crash({"web", "front"}, 1);
    pass(3s);
    REQUIRE(look().state == substrate::InstanceState::running);
  }
  [[nodiscard]] substrate::InstanceDetail look() { return supervisord->look({"web", "front"}); }
  /// One that began now.
  [[nodiscard]] Alert fresh() const {
    Alert made = alert();
    made.began = clock.system_now();
    return made;
  }
  /// Time passes, and the agent does what it does by itself.
  void live(base::Duration span) {
    for (base::Duration lived{}; lived < span; lived += 5s) {
      pass(5s);
      agent->responder.decide_pending();
      work();
    }
  }
  [[nodiscard]] std::size_t waiting() const { return agent->responder.pending().size(); }
};

TEST_CASE("Responder: an alert that is too early is acted on when its time comes, once") {
  WaitingWorld world;
  const auto answer = world.post({world.fresh()});
  REQUIRE(answer.decisions.size() == 1);
  CHECK(answer.decisions[0].decision.reason == Reason::pending);
  CHECK(answer.decisions[0].decision.detail.starts_with("too_young: "));
  const auto waiting = world.agent->responder.pending();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].obstacle.reason == Reason::too_young);
  CHECK(waiting[0].until - waiting[0].since == 15min);
  CHECK(waiting[0].retry_at - waiting[0].since == 2min - 2s);
  CHECK(world.agent->responder.stats().pending.at({"hung", Reason::too_young}) == 1);
  world.live(1min);
  CHECK(world.restarts() == 0);
  world.live(2min);
  CHECK(world.restarts() == 1);
  CHECK(world.waiting() == 0);
  world.live(20min);
  CHECK(world.restarts() == 1);
  CHECK(world.audited() ==
        std::vector<std::string>{"of-front pending hung", "of-front accepted hung"});
}

TEST_CASE("Responder: a pending alert is decided anew when its obstacle ends, not before") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  const auto decided_at = [&](base::Duration span) {
    world.pass(span);
    world.agent->responder.decide_pending();
    world.work();
    return world.restarts();
  };
  SECTION("too short an uptime") {
    CHECK(decided_at(2min - 3s) == 0);
    CHECK(world.waiting() == 1);
    CHECK(decided_at(1s) == 1);
  }
  SECTION("a breaker, which is looked at only then") {
    world.agent->guards.report_firing(
        {{"", {"web", "front"}}, {"", {"web", "back"}}, {"", {"job", "job"}}}, 3);
    CHECK(decided_at(2min - 2s) == 0);
    const auto waiting = world.agent->responder.pending();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].obstacle.reason == Reason::breaker_open);
    // The breaker is open for longer than the alert may wait.
    CHECK(waiting[0].retry_at == waiting[0].until);
  }
  SECTION("the end of its waiting comes first") {
    CHECK(decided_at(1min) == 0);
    CHECK(world.waiting() == 1);
  }
}

TEST_CASE("Responder: an obstacle that ends before it was expected to lets an alert act at once") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  world.agent->guards.report_firing(
      {{"", {"web", "front"}}, {"", {"web", "back"}}, {"", {"job", "job"}}}, 3);
  world.live(3min);
  REQUIRE(world.waiting() == 1);
  CHECK(world.agent->guards.reset_all());
  world.live(1min);
  CHECK(world.restarts() == 0);
  world.agent->responder.decide_soon([](const EpisodeKey& key) {
    return key.target.name == substrate::InstanceName{"web", "front"};
  });
  world.live(5s);
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: of a pending alert only the labels are kept that rules read") {
  WaitingWorld world;
  Alert alert = world.fresh();
  alert.labels["password"] = "hunter2";
  (void)world.post({alert});
  std::stringstream file;
  file << std::ifstream(world.folder.path() + "/state/pending.json").rdbuf();
  CHECK(file.str().find("front") != std::string::npos);
  CHECK(file.str().find("hunter2") == std::string::npos);
  SECTION("rules that read no other labels decide on it") {
    world.options.rules[0].match = {};
    world.agent->responder.configure(world.options);
    world.live(5min);
    CHECK(world.restarts() == 1);
  }
  SECTION("rules that read others do not") {
    world.options.rules[0].match["severity"] = "|page";
    world.agent->responder.configure(world.options);
    world.live(5min);
    CHECK(world.restarts() == 0);
    CHECK(world.waiting() == 0);
    CHECK(world.audited().back() == "of-front no_rule ");
  }
}

TEST_CASE("Responder: an alert for which there is no place to wait is refused, and says so") {
  WaitingWorld world;
  Alert alert = world.fresh();
  world.options.rules[0].match["long"] = ".*";
  world.agent->responder.configure(world.options);
  alert.labels["long"] = std::string(1000, '\x01');
  std::vector<Alert> many(PendingAlerts::max_alerts, alert);
  for (std::size_t number = 0; number < many.size(); ++number) {
    many[number].fingerprint = std::to_string(number);
  }
  const auto decisions = world.post(many).decisions;
  const auto waiting = static_cast<std::size_t>(std::count_if(
      decisions.begin(), decisions.end(),
      [](const AlertDecision& each) { return each.decision.reason == Reason::pending; }));
  CHECK(decisions.back().decision.reason == Reason::too_young);
  CHECK(waiting * 6000 <= PendingAlerts::max_bytes / 2);
  CHECK(waiting > 300);
  alert.fingerprint = "another";
  const auto answer = world.post({alert});
  CHECK(answer.decisions[0].decision.detail.ends_with("too many alerts do already)"));
}

TEST_CASE("Responder: an alert waits no longer once its sender may not post any more") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  world.options.senders[0].allow = {*substrate::Selector::parse("web:back")};
  SECTION("not about this process") {
    world.agent->responder.configure(world.options);
  }
  SECTION("about none") {
    world.options.senders.clear();
    world.agent->responder.configure(world.options);
  }
  world.live(20min);
  CHECK(world.restarts() == 0);
  CHECK(world.waiting() == 0);
  CHECK(world.audited().back() == "of-front not_allowed hung");
}

TEST_CASE("Responder: a sender who may not act on a process ends no waiting of it") {
  WaitingWorld world;
  const Alert waits = world.fresh();
  (void)world.post({waits});
  world.sender.allow = {*substrate::Selector::parse("web:back")};
  CHECK(world.decide(waits) == "not_allowed");
  CHECK(world.waiting() == 1);
}

TEST_CASE("Responder: a notification older than the resolved one does not wait") {
  WaitingWorld world;
  const Alert late = world.fresh();
  world.pass(1s);
  CHECK(world.decide(world.resolved()) == "resolved");
  CHECK(world.decide(late) == "duplicate");
  CHECK(world.waiting() == 0);
  // One that began anew waits, and a late copy of the former one does not end that.
  world.pass(1s);
  CHECK(world.decide(world.fresh()) == "pending");
  CHECK(world.decide(late) == "duplicate");
  CHECK(world.waiting() == 1);
}

TEST_CASE("Responder: a resolved alert waits no longer") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  CHECK(world.decide(world.resolved()) == "resolved");
  CHECK(world.waiting() == 0);
  world.live(20min);
  CHECK(world.restarts() == 0);
}

TEST_CASE("Responder: an alert that has waited for as long as it may is refused for its obstacle") {
  WaitingWorld world(waiting_rule(1min));
  (void)world.post({world.fresh()});
  world.live(70s);
  CHECK(world.waiting() == 0);
  CHECK(world.audited() ==
        std::vector<std::string>{"of-front pending hung", "of-front too_young hung"});
  world.live(10min);
  CHECK(world.restarts() == 0);
}

TEST_CASE("Responder: an alert waits a little longer for an obstacle that ends just then") {
  WaitingWorld world(waiting_rule(105s));  // it is too young for 118 s
  (void)world.post({world.fresh()});
  world.live(125s);
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: pending alerts outlive the agent") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  world.restart();
  CHECK(world.waiting() == 1);
  world.live(10min);
  CHECK(world.restarts() == 1);
  world.restart();
  CHECK(world.waiting() == 0);
}

TEST_CASE(
    "Responder: an accepted alert is decided anew if the agent ends before it does anything") {
  AlertWorld world(waiting_rule());
  CHECK(world.decide(world.alert()) == "accepted");
  world.restart();  // what was queued is abandoned
  CHECK(world.agent->responder.pending().empty());
  CHECK(world.agent->responder.stats().pending.empty());
  world.agent->responder.decide_pending();
  world.work();
  CHECK(world.restarts() == 1);
  CHECK(world.audited() ==
        std::vector<std::string>{"of-front accepted hung", "of-front accepted hung"});
  world.restart();
  world.pass(10s);
  world.agent->responder.decide_pending();
  world.work();
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: an alert that was accepted and then resolved is not decided anew") {
  AlertWorld world(waiting_rule());
  CHECK(world.decide(world.alert()) == "accepted");
  (void)world.post({world.resolved()});
  world.restart();
  world.agent->responder.decide_pending();
  world.work();
  CHECK(world.restarts() == 0);
}

TEST_CASE("Responder: an obstacle that does not pass by itself ends the waiting") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  CHECK(world.agent->maintenance.set("web:front", 1h, "at work", "ops"));
  world.live(2min);
  CHECK(world.waiting() == 0);
  CHECK(world.audited() ==
        std::vector<std::string>{"of-front pending hung", "of-front maintenance hung"});
}

TEST_CASE("Responder: a newer notification of a pending alert does not make it wait longer") {
  WaitingWorld world(waiting_rule(1min));
  (void)world.post({world.fresh()});
  world.live(30s);
  CHECK(world.decide(world.fresh()) == "pending");
  world.live(40s);
  CHECK(world.waiting() == 0);
}

TEST_CASE("Responder: a dry run waits, too, and ends in what would be done") {
  Options options = waiting_rule();
  options.rules[0].mode = Mode::dry_run;
  WaitingWorld world(options);
  CHECK(world.decide(world.fresh()) == "pending");
  world.live(10min);
  CHECK(world.audited() ==
        std::vector<std::string>{"of-front pending hung", "of-front would_act hung"});
  CHECK(world.restarts() == 0);
}

TEST_CASE("Responder: retries of pending alerts do not hold the breaker open") {
  WaitingWorld world(waiting_rule(1h));
  CHECK(world.agent->guards.breaker_open() == false);
  world.agent->guards.report_firing(
      {{"", {"web", "front"}}, {"", {"web", "back"}}, {"", {"job", "job"}}}, 3);
  REQUIRE(world.agent->guards.breaker_open());
  CHECK(world.decide(world.fresh()) == "pending");
  world.live(30min);
  CHECK_FALSE(world.agent->guards.breaker_open());
  CHECK(world.restarts() == 1);
}

TEST_CASE("Responder: a rule of which alerts do not wait refuses at once") {
  WaitingWorld world(waiting_rule(0s));
  CHECK(world.decide(world.fresh()) == "too_young");
  CHECK(world.waiting() == 0);
}

TEST_CASE("Responder: a damaged list of pending alerts is begun anew, and hinders nothing") {
  WaitingWorld world;
  (void)world.post({world.fresh()});
  world.agent.reset();
  std::ofstream(world.folder.path() + "/state/pending.json") << "{";
  world.restart();
  CHECK(world.waiting() == 0);
  CHECK(world.decide(world.fresh()) == "pending");
  world.restart();
  CHECK(world.waiting() == 1);
}

PendingAlert of_sender(const std::string& sender) {
  PendingAlert pending;
  pending.sender = sender;
  return pending;
}

EpisodeKey numbered(std::size_t number) {
  return {"rule", std::to_string(number), {"", {"web", "front"}}};
}

TEST_CASE("PendingAlerts: no more than a thousand wait, of one sender half of them") {
  PendingAlerts all;
  const std::size_t half = PendingAlerts::max_alerts / 2;
  for (std::size_t number = 0; number < half; ++number) {
    CHECK(all.hold(numbered(number), of_sender("one")));
  }
  CHECK_FALSE(all.hold(numbered(half), of_sender("one")));
  for (std::size_t number = half; number < 2 * half; ++number) {
    CHECK(all.hold(numbered(number), of_sender("other")));
  }
  CHECK_FALSE(all.hold(numbered(1000), of_sender("third")));
  CHECK(all.hold(numbered(5), of_sender("one")));
  CHECK(all.remove(numbered(5)));
  CHECK_FALSE(all.hold(numbered(1000), of_sender("other")));
  CHECK(all.hold(numbered(1000), of_sender("one")));
}

TEST_CASE("PendingAlerts: who sends again what another has sent gets no more than a share") {
  PendingAlerts all;
  const std::size_t half = PendingAlerts::max_alerts / 2;
  for (std::size_t number = 0; number < half; ++number) {
    REQUIRE(all.hold(numbered(number), of_sender("one")));
  }
  for (std::size_t number = half; number < 2 * half; ++number) {
    REQUIRE(all.hold(numbered(number), of_sender("other")));
  }
  CHECK(all.hold(numbered(0), of_sender("other")));
  CHECK(all.all().at(numbered(0)).sender == "one");
}

TEST_CASE("PendingAlerts: they come back from their text as they were, and all are due") {
  const tests::ManualClock manual;
  const records::StateClock clock(manual, "boot");
  PendingAlerts all;
  PendingAlert pending;
  pending.alert.labels = {{"alertname", "Hung"}, {"odd", "\xFF"}};
  pending.alert.began = manual.system_now();
  pending.alert.fingerprint = "ab";
  pending.sender = "am";
  pending.obstacle = {Reason::cooldown, "until 12:05"};
  pending.since = clock.now();
  pending.until = clock.now() + 15min;
  pending.next = clock.now();
  REQUIRE(all.hold({"hung", "ab", {"east", {"web", "front"}}}, pending));
  const auto read = parse_pending(to_text(all, clock.written_at()), clock);
  REQUIRE(read);
  CHECK(read->value == all);
  CHECK_FALSE(parse_pending("{}", clock));
}

}  // namespace
}  // namespace reeve::alerts
