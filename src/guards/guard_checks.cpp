#include "guards/guard_checks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "guards/absent.h"

namespace reeve::guards {

using base::Duration;
using base::SteadyTime;
using substrate::InstanceState;

namespace {

using Objection = std::optional<Decision>;
using Check = Objection (*)(const GuardCase&);

/// The clocks of supervisord, Prometheus and this host are rarely that far apart.
constexpr std::chrono::seconds clock_tolerance{5};

std::string name_of(const GuardCase& asked) {
  return "'" + asked.target.text() + "'";
}

std::string until(const GuardCase& asked, SteadyTime time) {
  return base::to_rfc3339(asked.standing.system_now + (time - asked.standing.now));
}

std::string so_many(const Budget& budget) {
  return std::to_string(budget.actions) + " in " + base::format_duration(budget.within);
}

const TargetBook* known(const GuardCase& asked) {
  const auto found = asked.book.targets.find(asked.target);
  return found == asked.book.targets.end() ? nullptr : &found->second;
}

bool is_transitional(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::stopping ||
         state == InstanceState::backoff;
}

bool is_named(const GuardCase& asked, InstanceState state) {
  const auto& named = asked.trigger.limits.only_if_state;
  return std::find(named.begin(), named.end(), state) != named.end();
}

/// How long it has run, where that matters: not for a stop, nor for what does not run.
bool age_matters(const GuardCase& asked) {
  const InstanceState state = asked.sight.process->state;
  return asked.action != Action::stop && state != InstanceState::fatal &&
         state != InstanceState::exited && state != InstanceState::stopped;
}

Objection state_unreadable(const GuardCase& asked) {
  if (!asked.standing.unreadable) {
    return std::nullopt;
  }
  return Decision{Verdict::state_unreadable, *asked.standing.unreadable};
}

Objection unreachable(const GuardCase& asked) {
  const auto& process = asked.sight.process;
  if (process) {
    return std::nullopt;
  }
  if (process.error().kind == base::ErrorKind::not_found) {
    return Decision{Verdict::no_target, no_such_process(asked.target)};
  }
  return Decision{Verdict::unreachable,
                  name_of(asked) + " could not be looked at: " + process.error().message};
}

Objection maintenance(const GuardCase& asked) {
  const auto& window = asked.standing.maintenance;
  if (!window) {
    return std::nullopt;
  }
  const std::string why = window->reason.empty() ? "" : ": " + window->reason;
  return Decision{Verdict::maintenance, "maintenance of " + window->scope + " until " +
                                            base::to_rfc3339(window->until) + ", set by " +
                                            window->actor + why};
}

Objection breaker_open(const GuardCase& asked) {
  const auto& open_until = asked.book.breaker_until;
  if (!open_until || *open_until <= asked.standing.now) {
    return std::nullopt;
  }
  return Decision{Verdict::breaker_open,
                  "so many processes have a firing alert at once that the host or a dependency is "
                  "at fault: nothing is done until " +
                      until(asked, *open_until)};
}

Objection stopped(const GuardCase& asked) {
  const substrate::InstanceDetail& process = *asked.sight.process;
  if (process.state != InstanceState::stopped || !process.start_time ||
      asked.sight.ours_unfinished || !asked.trigger.limits.respect_stopped) {
    return std::nullopt;
  }
  return Decision{Verdict::stopped, name_of(asked) + " was stopped on purpose"};
}

Objection other_state(const GuardCase& asked) {
  const InstanceState state = asked.sight.process->state;
  if (is_transitional(state) || is_named(asked, state)) {
    return std::nullopt;
  }
  return Decision{Verdict::state,
                  name_of(asked) + " is " + std::string(to_string(state)) +
                      ", the rule acts only in " +
                      base::join(asked.trigger.limits.only_if_state, ", ",
                                 [](InstanceState each) { return to_string(each); })};
}

Objection in_transition(const GuardCase& asked) {
  const InstanceState state = asked.sight.process->state;
  if (!is_transitional(state) || is_named(asked, state)) {
    return std::nullopt;
  }
  return Decision{Verdict::in_transition, name_of(asked) + " is " + std::string(to_string(state)) +
                                              ": what becomes of it is not known yet"};
}

Objection too_young(const GuardCase& asked) {
  if (!age_matters(asked)) {
    return std::nullopt;
  }
  const auto uptime = asked.sight.process->uptime();
  const Duration demanded = asked.trigger.limits.min_uptime;
  if (uptime && *uptime >= demanded) {
    return std::nullopt;
  }
  return Decision{Verdict::too_young,
                  name_of(asked) + " has run for " +
                      (uptime ? base::format_duration(*uptime) : "an unknown time") +
                      ", less than min_uptime, " + base::format_duration(demanded)};
}

/// Ages by supervisord's own clock, so that its host's may go otherwise than ours.
Objection restarted_since(const GuardCase& asked) {
  if (!age_matters(asked) || asked.trigger.later_attempt) {
    return std::nullopt;
  }
  const Duration uptime = asked.sight.process->uptime().value_or(std::chrono::seconds(0));
  const base::SystemTime started = asked.standing.system_now - uptime;
  const Duration settle = asked.trigger.limits.settle;
  if (started <= asked.trigger.began + clock_tolerance || uptime >= settle) {
    return std::nullopt;
  }
  return Decision{Verdict::restarted_since,
                  name_of(asked) + " was started after the alert began, " +
                      base::format_duration(uptime) + " ago: it has until settle, " +
                      base::format_duration(settle)};
}

Objection cooldown(const GuardCase& asked) {
  const auto cooling =
      cooling_until(asked.book, asked.target, asked.trigger.limits.cooldown, asked.standing.now);
  if (!cooling) {
    return std::nullopt;
  }
  const bool acted = known(asked) != nullptr;
  return Decision{
      Verdict::cooldown,
      name_of(asked) + " is left alone until " + until(asked, *cooling) +
          (acted ? ", after the last action on it" : ": what was done to it before is not known")};
}

Objection budget(const GuardCase& asked) {
  if (!used_up(asked.book.total, asked.standing.total, asked.standing.now)) {
    return std::nullopt;
  }
  return Decision{Verdict::budget, "the budget of all alerts' actions together, " +
                                       so_many(asked.standing.total) + ", is used up"};
}

Objection gave_up(const GuardCase& asked) {
  const TargetBook* const book = known(asked);
  const bool latched = book != nullptr && book->gave_up;
  const Budget& limit = asked.trigger.limits.per_target;
  if (!latched &&
      !used_up(book == nullptr ? ActionTimes{} : book->actions, limit, asked.standing.now)) {
    return std::nullopt;
  }
  return Decision{Verdict::gave_up, (latched ? "alerts gave up on " + name_of(asked)
                                             : "the budget of " + name_of(asked) + ", " +
                                                   so_many(limit) + ", is used up") +
                                        ": see to it, then reset its guard"};
}

}  // namespace

Objection objection(const GuardCase& asked) {
  constexpr std::array<Check, 12> checks = {
      state_unreadable, unreachable, maintenance,     breaker_open, stopped, other_state,
      in_transition,    too_young,   restarted_since, cooldown,     budget,  gave_up,
  };
  for (const Check check : checks) {
    if (auto found = check(asked)) {
      return found;
    }
  }
  return std::nullopt;
}

std::vector<Decision> standing_objections(const Target& target, const Book& book,
                                          const Standing& standing) {
  constexpr std::array<Check, 6> checks = {
      state_unreadable, maintenance, breaker_open, cooldown, budget, gave_up,
  };
  Trigger any;
  any.limits.cooldown.initial = Duration::zero();
  if (const auto known = book.targets.find(target); known != book.targets.end()) {
    any.limits.per_target = known->second.budget;
  }
  const Sight unseen;
  const GuardCase asked{Action::restart, target, any, unseen, book, standing};
  std::vector<Decision> found;
  for (const Check check : checks) {
    if (auto objection = check(asked)) {
      found.push_back(*std::move(objection));
    }
  }
  return found;
}

}  // namespace reeve::guards
