// What stands against an alert's action: each answer by what brings it about, and the order of
// them all.

#include "guards/guard_checks.h"

#include <functional>

#include "support/catch.h"

namespace reeve::guards {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;

const base::SteadyTime now{100h};

/// Nothing stands against it: a restart of web:front, which has run for an hour, for an alert
/// that began ten minutes ago.
struct Asked {
  Asked() {
    trigger.began = standing.system_now - 10min;
    auto& process = *sight.process;
    process.name = target.name;
    process.now = substrate::ManagerTime(1'000'000s);
    run(InstanceState::running, 1h);
  }

  void run(InstanceState state, std::chrono::seconds uptime) {
    sight.process->state = state;
    sight.process->pid = substrate::Pid{42};
    sight.process->start_time = sight.process->now - uptime;
  }
  void rest(InstanceState state) {
    sight.process->state = state;
    sight.process->pid.reset();
  }
  TargetBook& known() { return book.targets[target]; }

  [[nodiscard]] std::optional<Decision> objection() const {
    return guards::objection({action, target, trigger, sight, book, standing});
  }
  [[nodiscard]] Verdict verdict() const {
    return objection().value_or(Decision{Verdict::accepted, ""}).verdict;
  }

  Action action = Action::restart;
  Target target{"", {"web", "front"}};
  Trigger trigger;
  Sight sight;
  Book book;
  Standing standing{now, base::SystemTime(1'700'000'000s), {}, {}, {10, 1h}};
};

struct Case {
  Verdict verdict;
  std::function<void(Asked&)> bring_about;
  std::string reason;
};

/// In the order in which they are tested.
const std::vector<Case> cases = {
    {Verdict::state_unreadable, [](Asked& asked) { asked.standing.unreadable = "torn"; }, "torn"},
    {Verdict::unreachable,
     [](Asked& asked) {
       asked.sight.process = base::failure(base::ErrorKind::timeout, "no answer");
     },
     "'web:front' could not be looked at: no answer"},
    {Verdict::maintenance,
     [](Asked& asked) {
       asked.standing.maintenance = {"web:*", base::SystemTime(1'700'003'600s), "new disks", "ops"};
     },
     "maintenance of web:* until 2023-11-14T23:13:20.000Z, set by ops: new disks"},
    {Verdict::breaker_open, [](Asked& asked) { asked.book.breaker_until = now + 1s; },
     "so many processes have a firing alert at once that the host or a dependency is at fault: "
     "nothing is done until 2023-11-14T22:13:21.000Z"},
    {Verdict::stopped, [](Asked& asked) { asked.rest(InstanceState::stopped); },
     "'web:front' was stopped on purpose"},
    {Verdict::state, [](Asked& asked) { asked.rest(InstanceState::fatal); },
     "'web:front' is FATAL, the rule acts only in RUNNING"},
    {Verdict::in_transition, [](Asked& asked) { asked.run(InstanceState::starting, 1h); },
     "'web:front' is STARTING: what becomes of it is not known yet"},
    {Verdict::too_young, [](Asked& asked) { asked.run(InstanceState::running, 119s); },
     "'web:front' has run for 119s, less than min_uptime, 2m"},
    {Verdict::restarted_since, [](Asked& asked) { asked.run(InstanceState::running, 594s); },
     "'web:front' was started after the alert began, 594s ago: it has until settle, 15m"},
    {Verdict::cooldown, [](Asked& asked) { asked.known().cooldown_until = now + 1min; },
     "'web:front' is left alone until 2023-11-14T22:14:20.000Z, after the last action on it"},
    {Verdict::budget, [](Asked& asked) { asked.book.total.assign(10, now - 59min); },
     "the budget of all alerts' actions together, 10 in 1h, is used up"},
    {Verdict::gave_up, [](Asked& asked) { asked.known().actions.assign(3, now - 59min); },
     "the budget of 'web:front', 3 in 1h, is used up: see to it, then reset its guard"},
};

TEST_CASE("nothing stands against a restart of what has run for long") {
  CHECK_FALSE(Asked().objection());
}

TEST_CASE("each answer has what brings it about, and says why") {
  for (const Case& each : cases) {
    Asked asked;
    each.bring_about(asked);
    REQUIRE(asked.objection());
    CHECK(*asked.objection() == Decision{each.verdict, each.reason});
  }
}

TEST_CASE("of two answers the one that is tested first is given") {
  for (std::size_t later = 0; later < cases.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      CAPTURE(to_string(cases[earlier].verdict), to_string(cases[later].verdict));
      Asked asked;
      cases[later].bring_about(asked);
      cases[earlier].bring_about(asked);
      CHECK(asked.verdict() == cases[earlier].verdict);
    }
  }
}

TEST_CASE("the answers come in the order of their enumeration") {
  CHECK(std::is_sorted(cases.begin(), cases.end(),
                       [](const Case& a, const Case& b) { return a.verdict < b.verdict; }));
}

TEST_CASE("a process that is gone is no target") {
  Asked asked;
  asked.sight.process = base::failure(base::ErrorKind::not_found, "BAD_NAME");
  CHECK(asked.verdict() == Verdict::no_target);
}

TEST_CASE("what is over does not stand against anything") {
  Asked asked;
  asked.book.breaker_until = now;
  asked.known().cooldown_until = now;
  asked.known().actions.assign(3, now - 1h);
  asked.book.total.assign(10, now - 1h);
  CHECK_FALSE(asked.objection());
}

TEST_CASE("what was stopped on purpose is left alone even where the rule names STOPPED") {
  Asked asked;
  asked.rest(InstanceState::stopped);
  asked.trigger.limits.only_if_state = {InstanceState::stopped};
  CHECK(asked.verdict() == Verdict::stopped);
  SECTION("unless the rule does not respect it") {
    asked.trigger.limits.respect_stopped = false;
    CHECK_FALSE(asked.objection());
  }
  SECTION("unless it has never run") {
    asked.sight.process->start_time.reset();
    CHECK_FALSE(asked.objection());
  }
  SECTION("unless it was us") {
    asked.sight.ours_unfinished = true;
    CHECK_FALSE(asked.objection());
  }
}

TEST_CASE("only the states that the rule names are acted on") {
  const auto in = [](InstanceState state, Action action, std::vector<InstanceState> named) {
    Asked asked;
    asked.action = action;
    asked.trigger.limits.only_if_state = std::move(named);
    substrate::is_active(state) ? asked.run(state, 1h) : asked.rest(state);
    return asked.verdict();
  };
  const std::vector<InstanceState> down = {InstanceState::fatal, InstanceState::exited};
  CHECK(in(InstanceState::fatal, Action::start, down) == Verdict::accepted);
  CHECK(in(InstanceState::exited, Action::start, down) == Verdict::accepted);
  CHECK(in(InstanceState::running, Action::start, down) == Verdict::state);
  CHECK(in(InstanceState::unknown, Action::restart, down) == Verdict::state);
  for (const InstanceState state :
       {InstanceState::starting, InstanceState::stopping, InstanceState::backoff}) {
    CHECK(in(state, Action::start, down) == Verdict::in_transition);
    CHECK(in(state, Action::stop, {InstanceState::running}) == Verdict::in_transition);
    CHECK(in(state, Action::stop, {state}) == Verdict::accepted);
  }
}

TEST_CASE("how long it has run does not matter for a stop, nor for what does not run") {
  const auto young = [](InstanceState state, Action action) {
    Asked asked;
    asked.action = action;
    asked.trigger.limits.only_if_state = {state};
    asked.trigger.limits.respect_stopped = false;
    asked.run(state, 1s);
    if (!substrate::is_active(state)) {
      asked.rest(state);
    }
    return asked.verdict();
  };
  CHECK(young(InstanceState::running, Action::restart) == Verdict::too_young);
  CHECK(young(InstanceState::running, Action::stop) == Verdict::accepted);
  for (const InstanceState state :
       {InstanceState::fatal, InstanceState::exited, InstanceState::stopped}) {
    CHECK(young(state, Action::start) == Verdict::accepted);
  }
}

TEST_CASE("what has run for an unknown time is too young") {
  Asked asked;
  asked.sight.process->start_time.reset();
  asked.trigger.limits.min_uptime = 0s;
  CHECK(asked.verdict() == Verdict::too_young);
}

TEST_CASE("min_uptime ends to the second") {
  Asked asked;
  asked.trigger.began = asked.standing.system_now;
  asked.run(InstanceState::running, 120s);
  CHECK_FALSE(asked.objection());
}

TEST_CASE("who was faster than the alert is left to settle") {
  const auto since = [](base::Duration alert, std::chrono::seconds uptime, bool later = false) {
    Asked asked;
    asked.trigger.began = asked.standing.system_now - alert;
    asked.trigger.later_attempt = later;
    asked.run(InstanceState::running, uptime);
    return asked.verdict();
  };
  CHECK(since(10min, 594s) == Verdict::restarted_since);
  CHECK(since(10min, 595s) == Verdict::accepted);  // clocks are no better than that
  CHECK(since(1h, 899s) == Verdict::restarted_since);
  CHECK(since(1h, 900s) == Verdict::accepted);
  CHECK(since(1h, 300s, true) == Verdict::accepted);  // that was us
}

TEST_CASE("ages are told by supervisord's clock, whatever time it has") {
  Asked asked;
  asked.sight.process->now += 24h;
  *asked.sight.process->start_time += 24h;
  CHECK_FALSE(asked.objection());
}

TEST_CASE("without a state of old a process is in its rule's initial cooldown") {
  Asked asked;
  asked.book.begun = now - 299s;
  REQUIRE(asked.objection());
  CHECK(*asked.objection() ==
        Decision{Verdict::cooldown,
                 "'web:front' is left alone until 2023-11-14T22:13:21.000Z: what was done to it "
                 "before is not known"});
  asked.book.begun = now - 300s;
  CHECK_FALSE(asked.objection());
}

TEST_CASE("a latch outlives the budget that set it") {
  Asked asked;
  asked.known().gave_up = true;
  REQUIRE(asked.objection());
  CHECK(*asked.objection() == Decision{Verdict::gave_up,
                                       "alerts gave up on 'web:front': see to it, then reset its "
                                       "guard"});
}

TEST_CASE("a budget of nothing permits nothing") {
  Asked asked;
  asked.trigger.limits.per_target = {0, 1h};
  CHECK(asked.verdict() == Verdict::gave_up);
  asked.standing.total = {0, 1h};
  CHECK(asked.verdict() == Verdict::budget);
}

TEST_CASE("a budget of more than is remembered permits what is remembered") {
  Asked asked;
  asked.standing.total = {5000, 1h};
  asked.book.total.assign(Budget::max_actions, now);
  CHECK(asked.verdict() == Verdict::budget);
}

}  // namespace
}  // namespace reeve::guards
