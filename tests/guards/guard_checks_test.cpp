// What stands against an alert's action: each answer by what brings it about, and the order of
// them all.

#include <functional>

#include "guards/guards.h"
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
    trigger.began = conditions.system_now - 10min;
    auto& process = *observation;
    process.name = target.name;
    process.now = substrate::ManagerTime(1'000'000s);
    run(InstanceState::running, 1h);
  }

  void run(InstanceState state, std::chrono::seconds uptime) {
    observation->state = state;
    observation->pid = substrate::Pid{42};
    observation->start_time = observation->now - uptime;
  }
  void rest(InstanceState state) {
    observation->state = state;
    observation->pid.reset();
  }
  TargetHistory& known() { return history.targets[target]; }

  [[nodiscard]] std::optional<GuardDecision> objection() const {
    return first_objection({action, target, trigger, observation, unfinished, history, conditions});
  }
  [[nodiscard]] Reason verdict() const {
    return objection().value_or(GuardDecision{Reason::accepted, ""}).reason;
  }

  Action action = Action::restart;
  Target target{"", {"web", "front"}};
  Trigger trigger;
  Observation observation;
  bool unfinished = false;
  ActionHistory history;
  GuardConditions conditions{now, base::SystemTime(1'700'000'000s), {}, {}, {10, 1h}, {}};
};

struct Case {
  Reason verdict;
  std::function<void(Asked&)> bring_about;
  std::string reason;
  std::optional<base::SteadyTime> passes_at = {};
};

/// In the order in which they are tested.
const std::vector<Case> cases = {
    {Reason::state_unreadable, [](Asked& asked) { asked.conditions.unreadable = "torn"; }, "torn"},
    {Reason::unreachable,
     [](Asked& asked) { asked.observation = base::failure(base::ErrorKind::timeout, "no answer"); },
     "'web:front' could not be looked at: no answer"},
    {Reason::maintenance,
     [](Asked& asked) {
       asked.conditions.maintenance = {"web:*", base::SystemTime(1'700'003'600s), "new disks",
                                       "ops"};
     },
     "maintenance of web:* until 2023-11-14T23:13:20.000Z, set by ops: new disks"},
    {Reason::breaker_open, [](Asked& asked) { asked.history.breaker_until = now + 1s; },
     "so many processes have a firing alert at once that the host or a dependency is at fault: "
     "nothing is done until 2023-11-14T22:13:21.000Z",
     now + 1s},
    {Reason::stopped, [](Asked& asked) { asked.rest(InstanceState::stopped); },
     "'web:front' was stopped on purpose"},
    {Reason::other_state, [](Asked& asked) { asked.rest(InstanceState::fatal); },
     "'web:front' is FATAL, the rule acts only in RUNNING"},
    {Reason::in_transition, [](Asked& asked) { asked.run(InstanceState::starting, 1h); },
     "'web:front' is STARTING: what becomes of it is not known yet"},
    {Reason::too_young, [](Asked& asked) { asked.run(InstanceState::running, 119s); },
     "'web:front' has run for 1m59s, less than min_uptime, 2m", now + 1s},
    {Reason::restarted_since, [](Asked& asked) { asked.run(InstanceState::running, 594s); },
     "'web:front' was started after the alert began, 9m54s ago: it has until settle, 15m",
     now + 306s},
    {Reason::cooldown, [](Asked& asked) { asked.known().cooldown_until = now + 1min; },
     "'web:front' is left alone until 2023-11-14T22:14:20.000Z, after the last action on it",
     now + 1min},
    {Reason::budget, [](Asked& asked) { asked.history.total.assign(10, now - 59min); },
     "the budget of all alerts' actions together, 10 in 1h, is used up"},
    {Reason::gave_up, [](Asked& asked) { asked.known().actions.assign(3, now - 59min); },
     "the budget of 'web:front', 3 in 1h, is used up: see to it, then reset its guard"},
};

TEST_CASE("first_objection: nothing stands against a restart of what has run for long") {
  CHECK_FALSE(Asked().objection());
}

TEST_CASE("first_objection: each answer has what brings it about, and says why") {
  for (const Case& each : cases) {
    Asked asked;
    each.bring_about(asked);
    REQUIRE(asked.objection());
    CHECK(asked.objection()->reason == each.verdict);
    CHECK(asked.objection()->detail == each.reason);
    CHECK(asked.objection()->passes_at == each.passes_at);
  }
}

TEST_CASE("first_objection: of two answers the one that is tested first is given") {
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

TEST_CASE("first_objection: the answers come in the order of their enumeration") {
  CHECK(std::is_sorted(cases.begin(), cases.end(),
                       [](const Case& a, const Case& b) { return a.verdict < b.verdict; }));
}

TEST_CASE("first_objection: a process that is gone is no target") {
  Asked asked;
  asked.observation = base::failure(base::ErrorKind::not_found, "BAD_NAME");
  CHECK(asked.verdict() == Reason::no_target);
}

TEST_CASE("first_objection: what is over does not stand against anything") {
  Asked asked;
  asked.history.breaker_until = now;
  asked.known().cooldown_until = now;
  asked.known().actions.assign(3, now - 1h);
  asked.history.total.assign(10, now - 1h);
  CHECK_FALSE(asked.objection());
}

TEST_CASE(
    "first_objection: what was stopped on purpose is left alone even where the rule names "
    "STOPPED") {
  Asked asked;
  asked.rest(InstanceState::stopped);
  asked.trigger.limits.only_if_state = {InstanceState::stopped};
  CHECK(asked.verdict() == Reason::stopped);
  SECTION("unless the rule does not respect it") {
    asked.trigger.limits.respect_stopped = false;
    CHECK_FALSE(asked.objection());
  }
  SECTION("unless it has never run") {
    asked.observation->start_time.reset();
    CHECK_FALSE(asked.objection());
  }
  SECTION("unless it was us") {
    asked.unfinished = true;
    CHECK_FALSE(asked.objection());
  }
}

TEST_CASE("first_objection: only the states that the rule names are acted on") {
  const auto in = [](InstanceState state, Action action, std::vector<InstanceState> named) {
    Asked asked;
    asked.action = action;
    asked.trigger.limits.only_if_state = std::move(named);
    substrate::is_active(state) ? asked.run(state, 1h) : asked.rest(state);
    return asked.verdict();
  };
  const std::vector<InstanceState> down = {InstanceState::fatal, InstanceState::exited};
  CHECK(in(InstanceState::fatal, Action::start, down) == Reason::accepted);
  CHECK(in(InstanceState::exited, Action::start, down) == Reason::accepted);
  CHECK(in(InstanceState::running, Action::start, down) == Reason::other_state);
  CHECK(in(InstanceState::unknown, Action::restart, down) == Reason::other_state);
  for (const InstanceState state :
       {InstanceState::starting, InstanceState::stopping, InstanceState::backoff}) {
    CHECK(in(state, Action::start, down) == Reason::in_transition);
    CHECK(in(state, Action::stop, {InstanceState::running}) == Reason::in_transition);
    CHECK(in(state, Action::stop, {state}) == Reason::accepted);
  }
}

TEST_CASE(
    "first_objection: how long it has run does not matter for a stop, nor for what does not run") {
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
  CHECK(young(InstanceState::running, Action::restart) == Reason::too_young);
  CHECK(young(InstanceState::running, Action::stop) == Reason::accepted);
  for (const InstanceState state :
       {InstanceState::fatal, InstanceState::exited, InstanceState::stopped}) {
    CHECK(young(state, Action::start) == Reason::accepted);
  }
}

TEST_CASE("first_objection: what has run for an unknown time is too young") {
  Asked asked;
  asked.observation->start_time.reset();
  asked.trigger.limits.min_uptime = 0s;
  CHECK(asked.verdict() == Reason::too_young);
}

TEST_CASE("first_objection: min_uptime ends to the second") {
  Asked asked;
  asked.trigger.began = asked.conditions.system_now;
  asked.run(InstanceState::running, 120s);
  CHECK_FALSE(asked.objection());
}

TEST_CASE("first_objection: who was faster than the alert is left to settle") {
  const auto since = [](base::Duration alert, std::chrono::seconds uptime, bool later = false) {
    Asked asked;
    asked.trigger.began = asked.conditions.system_now - alert;
    asked.trigger.later_attempt = later;
    asked.run(InstanceState::running, uptime);
    return asked.verdict();
  };
  CHECK(since(10min, 594s) == Reason::restarted_since);
  CHECK(since(10min, 595s) == Reason::accepted);  // clocks are no better than that
  CHECK(since(1h, 899s) == Reason::restarted_since);
  CHECK(since(1h, 900s) == Reason::accepted);
  CHECK(since(1h, 300s, true) == Reason::accepted);  // that was us
}

TEST_CASE("first_objection: ages are told by supervisord's clock, whatever time it has") {
  Asked asked;
  asked.observation->now += 24h;
  *asked.observation->start_time += 24h;
  CHECK_FALSE(asked.objection());
}

TEST_CASE("first_objection: without a state of old a process is in its rule's initial cooldown") {
  Asked asked;
  asked.history.begun = now - 299s;
  REQUIRE(asked.objection());
  CHECK(
      *asked.objection() ==
      GuardDecision{Reason::cooldown,
                    "'web:front' is left alone until 2023-11-14T22:13:21.000Z: what was done to it "
                    "before is not known",
                    now + 1s});
  asked.history.begun = now - 300s;
  CHECK_FALSE(asked.objection());
}

TEST_CASE("first_objection: a latch outlives the budget that set it") {
  Asked asked;
  asked.known().gave_up = true;
  REQUIRE(asked.objection());
  CHECK(*asked.objection() ==
        GuardDecision{Reason::gave_up,
                      "alerts gave up on 'web:front': see to it, then reset its "
                      "guard"});
}

TEST_CASE("first_objection: a budget of nothing permits nothing") {
  Asked asked;
  asked.trigger.limits.per_target = {0, 1h};
  CHECK(asked.verdict() == Reason::gave_up);
  asked.conditions.total = {0, 1h};
  CHECK(asked.verdict() == Reason::budget);
}

TEST_CASE("first_objection: a budget of more than is remembered permits what is remembered") {
  Asked asked;
  asked.conditions.total = {5000, 1h};
  asked.history.total.assign(Budget::max_actions, now);
  CHECK(asked.verdict() == Reason::budget);
}

}  // namespace
}  // namespace reeve::guards
