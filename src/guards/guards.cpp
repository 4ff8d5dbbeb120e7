#include "guards/guards.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "base/text.h"
#include "guards/policy.h"
#include "records/state_file.h"

namespace reeve::guards {

using base::Duration;
using base::ErrorKind;
using base::SteadyTime;
using records::IfUnwritten;
using substrate::InstanceState;

namespace {

using Objection = std::optional<GuardDecision>;
using Check = Objection (*)(const GuardInputs&);

/// How far apart the clocks of supervisord, Prometheus and this host may be.
constexpr std::chrono::seconds clock_tolerance{5};

std::string quoted(const GuardInputs& inputs) {
  return "'" + inputs.target.text() + "'";
}

std::string until(const GuardInputs& inputs, SteadyTime time) {
  return base::to_rfc3339(inputs.conditions.system_now + (time - inputs.conditions.now));
}

std::string to_text(const Budget& budget) {
  return std::to_string(budget.actions) + " in " + base::format_duration(budget.within);
}

const TargetHistory* history_of(const GuardInputs& inputs) {
  const auto found = inputs.history.targets.find(inputs.target);
  return found == inputs.history.targets.end() ? nullptr : &found->second;
}

bool is_transitional(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::stopping ||
         state == InstanceState::backoff;
}

bool is_in_rule(const GuardInputs& inputs, InstanceState state) {
  const auto& named = inputs.trigger.limits.only_if_state;
  return std::find(named.begin(), named.end(), state) != named.end();
}

/// The uptime does not matter for a stop, nor for what does not run.
bool age_matters(const GuardInputs& inputs) {
  const InstanceState state = inputs.observation->state;
  return inputs.action != Action::stop && state != InstanceState::fatal &&
         state != InstanceState::exited && state != InstanceState::stopped;
}

Objection state_unreadable(const GuardInputs& inputs) {
  if (!inputs.conditions.unreadable) {
    return std::nullopt;
  }
  return GuardDecision{Reason::state_unreadable, *inputs.conditions.unreadable};
}

Objection unreachable(const GuardInputs& inputs) {
  const auto& process = inputs.observation;
  if (process) {
    return std::nullopt;
  }
  if (process.error().kind == base::ErrorKind::not_found) {
    return GuardDecision{Reason::no_target, no_such_process(inputs.target)};
  }
  return GuardDecision{Reason::unreachable,
                       quoted(inputs) + " could not be looked at: " + process.error().message};
}

Objection maintenance(const GuardInputs& inputs) {
  const auto& window = inputs.conditions.maintenance;
  if (!window) {
    return std::nullopt;
  }
  const std::string why = window->reason.empty() ? "" : ": " + window->reason;
  return GuardDecision{Reason::maintenance, "maintenance of " + window->scope + " until " +
                                                base::to_rfc3339(window->until) + ", set by " +
                                                window->actor + why};
}

Objection breaker_open(const GuardInputs& inputs) {
  const auto& open_until = inputs.history.breaker_until;
  if (!is_ahead(open_until, inputs.conditions.now)) {
    return std::nullopt;
  }
  const std::string& counts = inputs.conditions.breaker_counts;
  return GuardDecision{Reason::breaker_open,
                       "so many processes have a firing alert at once " +
                           (counts.empty() ? "" : "(" + counts + ") ") +
                           "that the host or a dependency is at fault: nothing is done until " +
                           until(inputs, *open_until),
                       *open_until};
}

Objection stopped(const GuardInputs& inputs) {
  const substrate::InstanceDetail& process = *inputs.observation;
  if (process.state != InstanceState::stopped || !process.start_time ||
      inputs.operation_unfinished || !inputs.trigger.limits.respect_stopped) {
    return std::nullopt;
  }
  return GuardDecision{Reason::stopped, quoted(inputs) + " was stopped on purpose"};
}

Objection other_state(const GuardInputs& inputs) {
  const InstanceState state = inputs.observation->state;
  if (is_transitional(state) || is_in_rule(inputs, state)) {
    return std::nullopt;
  }
  return GuardDecision{Reason::other_state,
                       quoted(inputs) + " is " + std::string(to_string(state)) +
                           ", the rule acts only in " +
                           base::join(inputs.trigger.limits.only_if_state, ", ",
                                      [](InstanceState each) { return to_string(each); })};
}

Objection in_transition(const GuardInputs& inputs) {
  const InstanceState state = inputs.observation->state;
  if (!is_transitional(state) || is_in_rule(inputs, state)) {
    return std::nullopt;
  }
  return GuardDecision{Reason::in_transition, quoted(inputs) + " is " +
                                                  std::string(to_string(state)) +
                                                  ": what becomes of it is not known yet"};
}

Objection too_young(const GuardInputs& inputs) {
  if (!age_matters(inputs)) {
    return std::nullopt;
  }
  const auto uptime = inputs.observation->uptime();
  const Duration demanded = inputs.trigger.limits.min_uptime;
  if (uptime && *uptime >= demanded) {
    return std::nullopt;
  }
  return GuardDecision{
      Reason::too_young,
      quoted(inputs) + " has run for " +
          (uptime ? base::readable_duration(*uptime) : "an unknown time") +
          ", less than min_uptime, " + base::format_duration(demanded),
      uptime ? std::optional(inputs.conditions.now + (demanded - *uptime)) : std::nullopt};
}

/// The uptime is measured by supervisord's own clock: its host's may differ from ours.
Objection restarted_since(const GuardInputs& inputs) {
  if (!age_matters(inputs) || inputs.trigger.later_attempt) {
    return std::nullopt;
  }
  const Duration uptime = inputs.observation->uptime().value_or(std::chrono::seconds(0));
  const base::SystemTime started = inputs.conditions.system_now - uptime;
  const Duration settle = inputs.trigger.limits.settle;
  if (started <= inputs.trigger.began + clock_tolerance || uptime >= settle) {
    return std::nullopt;
  }
  return GuardDecision{Reason::restarted_since,
                       quoted(inputs) + " was started after the alert began, " +
                           base::readable_duration(uptime) + " ago: it has until settle, " +
                           base::format_duration(settle),
                       inputs.conditions.now + (settle - uptime)};
}

Objection cooldown(const GuardInputs& inputs) {
  const auto cooling = cooling_until(inputs.history, inputs.target, inputs.trigger.limits.cooldown,
                                     inputs.conditions.now);
  if (!cooling) {
    return std::nullopt;
  }
  const bool acted = history_of(inputs) != nullptr;
  return GuardDecision{
      Reason::cooldown,
      quoted(inputs) + " is left alone until " + until(inputs, *cooling) +
          (acted ? ", after the last action on it" : ": what was done to it before is not known"),
      *cooling};
}

Objection budget(const GuardInputs& inputs) {
  if (!used_up(inputs.history.total, inputs.conditions.total, inputs.conditions.now)) {
    return std::nullopt;
  }
  return GuardDecision{Reason::budget, "the budget of all alerts' actions together, " +
                                           to_text(inputs.conditions.total) + ", is used up"};
}

Objection gave_up(const GuardInputs& inputs) {
  const TargetHistory* const history = history_of(inputs);
  const bool latched = history != nullptr && history->gave_up;
  const Budget& limit = inputs.trigger.limits.per_target;
  if (!latched && !used_up(history == nullptr ? ActionTimes{} : history->actions, limit,
                           inputs.conditions.now)) {
    return std::nullopt;
  }
  return GuardDecision{Reason::gave_up, (latched ? "alerts gave up on " + quoted(inputs)
                                                 : "the budget of " + quoted(inputs) + ", " +
                                                       to_text(limit) + ", is used up") +
                                            ": see to it, then reset its guard"};
}

}  // namespace

Objection first_objection(const GuardInputs& inputs) {
  constexpr std::array<Check, 12> checks = {
      state_unreadable, unreachable, maintenance,     breaker_open, stopped, other_state,
      in_transition,    too_young,   restarted_since, cooldown,     budget,  gave_up,
  };
  for (const Check check : checks) {
    if (auto found = check(inputs)) {
      return found;
    }
  }
  return std::nullopt;
}

std::vector<GuardDecision> standing_objections(const Target& target, const ActionHistory& history,
                                               const GuardConditions& conditions) {
  constexpr std::array<Check, 6> checks = {
      state_unreadable, maintenance, breaker_open, cooldown, budget, gave_up,
  };
  Trigger any;
  any.limits.cooldown.initial = Duration::zero();
  if (const auto known = history.targets.find(target); known != history.targets.end()) {
    any.limits.per_target = known->second.budget;
  }
  const Observation none;
  const GuardInputs inputs{.target = target,
                           .trigger = any,
                           .observation = none,
                           .history = history,
                           .conditions = conditions};
  std::vector<GuardDecision> found;
  for (const Check check : checks) {
    if (auto objection = check(inputs)) {
      found.push_back(*std::move(objection));
    }
  }
  return found;
}

/// Counts the processes with a firing alert: so many at once mean that the host or a dependency is
/// at fault.
class Breaker {
 public:
  /// True if it is to open.
  [[nodiscard]] bool count(const std::vector<Target>& targets, std::size_t allowed,
                           const BreakerOptions& options, SteadyTime now) {
    for (const Target& target : targets) {
      last_[target] = now;
    }
    std::erase_if(last_, [&](const auto& each) { return now - each.second >= options.within; });
    const bool opens =
        last_.size() >= options.min_targets &&
        static_cast<double>(last_.size()) >= options.targets * static_cast<double>(allowed);
    if (opens) {
      counted_.clear();
      for (const auto& [target, when] : last_) {
        counted_.push_back(target);
      }
      counts_ = std::to_string(last_.size()) + " of " + std::to_string(allowed) + " within " +
                base::format_duration(options.within) + "; the limit is " +
                std::to_string(std::lround(100 * options.targets)) + "%, at least " +
                std::to_string(options.min_targets);
    }
    return opens;
  }
  /// The processes that opened it last.
  [[nodiscard]] const std::vector<Target>& counted() const { return counted_; }
  /// How many these were, for people; empty: it has not opened.
  [[nodiscard]] const std::string& counts() const { return counts_; }

 private:
  std::map<Target, SteadyTime> last_;
  std::vector<Target> counted_;
  std::string counts_;
};

namespace {

records::StateFile<ActionHistory>::Format guards_file(const records::StateClock& clock) {
  return {
      .name = "guards.json",
      .content = "the state of the guards",
      .remedy = "Check your processes, then reset the guards (`*`)",
      .to_text =
          [clock](const ActionHistory& history) { return to_text(history, clock.written_at()); },
      .parse = [clock](std::string_view text) { return parse_history(text, clock); }};
}

}  // namespace

struct Guards::State {
  State(const GuardOptions& initial, const records::StateDir& its_state,
        Maintenance& its_maintenance, const records::StateClock& its_clock,
        const base::Log& its_log, Random its_random);

  /// Lets `edit` change the history; it returns whether it did.
  template <class Edit>
  [[nodiscard]] base::Result<void> change(const Edit& edit,
                                          IfUnwritten policy = IfUnwritten::discard);
  [[nodiscard]] std::optional<std::string> unreadable() const;
  [[nodiscard]] GuardConditions conditions_for(const Target& target) const;
  [[nodiscard]] Objection objection_to(const Command& command, const Observation& observation,
                                       bool operation_unfinished,
                                       const GuardConditions& conditions) const;
  /// Sets the latch: no alert acts on the process until a person resets it.
  void give_up(const Command& command);
  void open_breaker(SteadyTime now, Duration hold);
  [[nodiscard]] GuardDecision check_dry_run(const Command& command, const Observation& observation,
                                            bool operation_unfinished);
  [[nodiscard]] double next_random() {
    return random.with([](Random& next) { return next(); });
  }
  void log_unwritten(const base::Result<void>& written) const {
    if (!written) {
      log.error("the state of the guards could not be written",
                {{"error", written.error().message}});
    }
  }

  Maintenance& maintenance;
  const records::StateClock clock;
  const base::Log log;
  base::Guarded<Random> random;
  base::Guarded<GuardOptions> options;
  records::StateFile<ActionHistory> history;
  base::Guarded<ActionHistory> dry_runs;
  base::Guarded<Breaker> breaker;
};

namespace {

GuardInputs inputs_of(const Command& command, const Observation& observation,
                      bool operation_unfinished, const ActionHistory& history,
                      const GuardConditions& conditions) {
  return {.action = command.action,
          .target = command.target,
          .trigger = *command.trigger,
          .observation = observation,
          .operation_unfinished = operation_unfinished,
          .history = history,
          .conditions = conditions};
}

}  // namespace

Guards::State::State(const GuardOptions& initial, const records::StateDir& its_state,
                     Maintenance& its_maintenance, const records::StateClock& its_clock,
                     const base::Log& its_log, Random its_random)
    : maintenance(its_maintenance),
      clock(its_clock),
      log(its_log),
      random(std::move(its_random)),
      options(initial),
      history(its_state, guards_file(its_clock), its_log) {
  if (history.is_new()) {
    log.info("there is no state of the guards yet: every process is in its initial cooldown");
    log_unwritten(change(
        [&](ActionHistory& all) {
          all.begun = clock.now();
          return true;
        },
        IfUnwritten::keep));
  }
}

template <class Edit>
base::Result<void> Guards::State::change(const Edit& edit, IfUnwritten policy) {
  return history.change(
      [&](ActionHistory& all) {
        const bool changed = edit(all);
        prune(all, clock.now());
        return changed;
      },
      policy);
}

std::optional<std::string> Guards::State::unreadable() const {
  auto own = history.unreadable();
  return own ? own : maintenance.unreadable();
}

GuardConditions Guards::State::conditions_for(const Target& target) const {
  return {.now = clock.now(),
          .system_now = clock.system_now(),
          .unreadable = unreadable(),
          .maintenance = maintenance.covering(target),
          .total = options.copy().total,
          .breaker_counts = breaker.with([](const Breaker& each) { return each.counts(); })};
}

Objection Guards::State::objection_to(const Command& command, const Observation& observation,
                                      bool operation_unfinished,
                                      const GuardConditions& conditions) const {
  return history.read([&](const ActionHistory& all) {
    return first_objection(inputs_of(command, observation, operation_unfinished, all, conditions));
  });
}

void Guards::State::give_up(const Command& command) {
  bool is_new = false;
  const auto written = change(
      [&](ActionHistory& all) {
        TargetHistory& entry = all.targets[command.target];
        entry.budget = command.trigger->limits.per_target;
        is_new = !std::exchange(entry.gave_up, true);
        return is_new;
      },
      IfUnwritten::keep);
  if (is_new) {
    log.warning("alerts gave up on a process: nothing is done to it until its guard is reset",
                {{"process", command.target.text()}, {"rule", command.trigger->rule}});
  }
  log_unwritten(written);
}

void Guards::State::open_breaker(SteadyTime now, Duration hold) {
  bool was_open = true;
  const auto written = change(
      [&](ActionHistory& all) {
        was_open = is_ahead(all.breaker_until, now);
        // A storm of posts must not write at each of them.
        const bool lasts = was_open && *all.breaker_until - now > hold - hold / 10;
        all.breaker_until = now + hold;
        return !lasts;
      },
      IfUnwritten::keep);
  if (!was_open) {
    log.warning(
        "the breaker opens: so many processes have a firing alert at once that nothing "
        "is done for alerts",
        {{"for", base::format_duration(hold)},
         {"counts", breaker.with([](const Breaker& each) { return each.counts(); })}});
  }
  log_unwritten(written);
}

GuardDecision Guards::State::check_dry_run(const Command& command, const Observation& observation,
                                           bool operation_unfinished) {
  const GuardConditions conditions = conditions_for(command.target);
  if (auto found = objection_to(command, observation, operation_unfinished, conditions)) {
    return *std::move(found);
  }
  const double jitter = next_random();
  return dry_runs.with([&](ActionHistory& all) {
    auto found =
        first_objection(inputs_of(command, observation, operation_unfinished, all, conditions));
    if (!found) {
      add_action(all, command.target, command.trigger->limits, conditions.now, jitter);
    } else if (found->reason == Reason::gave_up) {
      all.targets[command.target].gave_up = true;
    }
    prune(all, conditions.now);
    return std::move(found).value_or(GuardDecision{Reason::would_act, ""});
  });
}

Guards::Guards(const GuardOptions& options, const records::StateDir& state,
               Maintenance& maintenance, const records::StateClock& clock, const base::Log& log,
               Random random)
    : state_(std::make_unique<State>(options, state, maintenance, clock, log, std::move(random))) {}

Guards::~Guards() = default;

GuardDecision Guards::check(const Command& command, const Observation& observation,
                            bool operation_unfinished) {
  if (command.dry_run) {
    return state_->check_dry_run(command, observation, operation_unfinished);
  }
  auto found = state_->objection_to(command, observation, operation_unfinished,
                                    state_->conditions_for(command.target));
  if (found && found->reason == Reason::gave_up) {
    state_->give_up(command);
  }
  return std::move(found).value_or(GuardDecision{Reason::accepted, ""});
}

GuardDecision Guards::check_and_record(const Command& command, const Observation& observation) {
  Objection found;
  const auto written = state_->change([&](ActionHistory& all) {
    const GuardConditions conditions = state_->conditions_for(command.target);
    found = first_objection(inputs_of(command, observation, false, all, conditions));
    if (!found) {
      add_action(all, command.target, command.trigger->limits, conditions.now,
                 state_->next_random());
    }
    return !found;
  });
  if (found && found->reason == Reason::gave_up) {
    state_->give_up(command);
  }
  if (!found && !written) {
    return {Reason::state_unreadable,
            "the state of the guards could not be written, so nothing was done: " +
                written.error().message};
  }
  return std::move(found).value_or(GuardDecision{Reason::accepted, ""});
}

std::vector<GuardDecision> Guards::standing_objections(const Target& target) const {
  const GuardConditions conditions = state_->conditions_for(target);
  return state_->history.read([&](const ActionHistory& all) {
    return guards::standing_objections(target, all, conditions);
  });
}

void Guards::report_firing(const std::vector<Target>& targets, std::size_t allowed) {
  const BreakerOptions options = state_->options.copy().breaker;
  const SteadyTime now = state_->clock.now();
  const bool opens = state_->breaker.with(
      [&](Breaker& breaker) { return breaker.count(targets, allowed, options, now); });
  if (opens) {
    state_->open_breaker(now, options.hold);
  }
}

bool Guards::is_cooling_down(const Target& target, bool dry_run) const {
  const SteadyTime now = state_->clock.now();
  const auto cools_in = [&](const ActionHistory& all) {
    const auto found = all.targets.find(target);
    return found != all.targets.end() && is_ahead(found->second.cooldown_until, now);
  };
  return dry_run ? state_->dry_runs.with(cools_in) : state_->history.read(cools_in);
}

std::optional<base::SystemTime> Guards::initial_cooldown_until(const Target& target,
                                                               const Cooldown& cooldown) const {
  const auto until = state_->history.read([&](const ActionHistory& all) {
    return all.targets.contains(target) ? std::nullopt
                                        : cooling_until(all, target, cooldown, state_->clock.now());
  });
  return until ? std::optional(state_->clock.to_wall_clock(*until)) : std::nullopt;
}

std::vector<GuardState> Guards::list() const {
  const records::StateClock& clock = state_->clock;
  const SteadyTime now = clock.now();
  auto targets = state_->history.read([](const ActionHistory& all) { return all.targets; });
  std::erase_if(targets, [](const auto& each) { return each.second == TargetHistory{}; });
  if (breaker_open()) {
    TargetHistory untouched;
    untouched.budget.actions = 0;  // no rule has acted on it
    for (const Target& target :
         state_->breaker.with([](const Breaker& breaker) { return breaker.counted(); })) {
      targets.try_emplace(target, untouched);
    }
  }
  std::vector<GuardState> guards;
  for (const auto& [target, history] : targets) {
    GuardState guard;
    guard.target = target;
    if (is_ahead(history.cooldown_until, now)) {
      guard.cooldown_until = clock.to_wall_clock(*history.cooldown_until);
    }
    guard.attempts = in_row(history, now);
    guard.budget_used =
        static_cast<unsigned>(count_within(history.actions, history.budget.within, now));
    guard.budget_limit = history.budget.actions;
    guard.gave_up = history.gave_up;
    guards.push_back(std::move(guard));
  }
  return guards;
}

std::optional<base::SystemTime> Guards::breaker_until() const {
  const auto until =
      state_->history.read([](const ActionHistory& all) { return all.breaker_until; });
  return is_ahead(until, state_->clock.now()) ? std::optional(state_->clock.to_wall_clock(*until))
                                              : std::nullopt;
}

GuardStats Guards::stats() const {
  const auto open_until = breaker_until();
  return {.guards = list(),
          .breaker_open = open_until.has_value(),
          .breaker_until = open_until,
          .maintenance = state_->maintenance.list()};
}

std::optional<std::string> Guards::unreadable() const {
  return state_->unreadable();
}

base::Result<void> Guards::reset(const Target& target, const RecordFirst& record) {
  bool recorded = false;
  const auto record_once = [&] {
    return !record || std::exchange(recorded, true) ? base::Result<void>() : record();
  };
  const auto reset_in = [&](ActionHistory& all) {
    const bool known = all.begun || all.targets.contains(target);
    if (known) {
      guards::reset(all, target);
    }
    return known;
  };
  bool known = false;
  auto written = state_->history.change([&](ActionHistory& all) -> base::Result<bool> {
    known = reset_in(all);
    prune(all, state_->clock.now());
    return known && !state_->history.unreadable() ? record_once().map([] { return true; }) : known;
  });
  if (!written) {
    return written;
  }
  const bool in_dry_runs = state_->dry_runs.with(
      [&](const ActionHistory& all) { return all.begun || all.targets.contains(target); });
  if (!known && !in_dry_runs) {
    return base::failure(ErrorKind::not_found, "no alert has acted on '" + target.text() +
                                                   "': there is nothing to reset");
  }
  return record_once().map([&] { (void)state_->dry_runs.with(reset_in); });
}

base::Result<void> Guards::reset_all(const RecordFirst& record) {
  if (auto recorded = record ? record() : base::Result<void>(); !recorded) {
    return recorded;
  }
  if (auto forgotten = state_->maintenance.forget_unreadable(); !forgotten) {
    return forgotten;
  }
  return state_->history
      .replace([&](bool was_unreadable) {
        ActionHistory fresh;
        if (was_unreadable) {
          fresh.begun = state_->clock.now();
        }
        return fresh;
      })
      .map([&] {
        state_->dry_runs.with([](ActionHistory& all) { all = {}; });
        state_->breaker.with([](Breaker& breaker) { breaker = {}; });
      });
}

void Guards::configure(const GuardOptions& options) {
  state_->options.with([&](GuardOptions& current) { current = options; });
  state_->dry_runs.with([](ActionHistory& all) { all = {}; });
}

}  // namespace reeve::guards
