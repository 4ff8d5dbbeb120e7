#pragma once

// What must hold at the moment before an alert's action, beyond whether it is allowed at all:
// small pure checks in one order, over what a look at the process gave and the history of alerts'
// actions: cooldowns, budgets, latches, the breaker. They belong to the process, whatever rule or
// alert acted. They bind alerts alone; a person is told their objections and acts all the same.
// The history is kept in the state directory, timed by StateClock: an unreadable history refuses
// everything until a person resets it; without a history every process is in its rule's initial
// cooldown. Driven by control and alerts. Thread-safe; no reader waits for the disk.
// Lock order: the history's writing lock (StateFile) before any other here; the others are never
// held together, nor while other code is called.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "guards/action_history.h"
#include "guards/command.h"
#include "guards/maintenance.h"
#include "guards/options.h"
#include "guards/reason.h"
#include "records/state_clock.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::guards {

/// What the checks know besides the process: the same for all processes but for `maintenance`.
struct GuardConditions {
  base::SteadyTime now;
  base::SystemTime system_now;
  std::optional<std::string> unreadable;         ///< why the state cannot be read
  std::optional<MaintenanceWindow> maintenance;  ///< the one that covers the process
  Budget total;
  std::string breaker_counts;  ///< how many opened the breaker; empty: not since the agent's start
};

struct GuardInputs {
  Action action = Action::restart;
  const Target& target;
  const Trigger& trigger;
  const Observation& observation;
  bool operation_unfinished = false;  ///< see Guards::check()
  const ActionHistory& history;
  const GuardConditions& conditions;
};

/// The first objection in the order of Reason; nothing if there is none. What a check cannot
/// decide it refuses.
[[nodiscard]] std::optional<GuardDecision> first_objection(const GuardInputs& inputs);
/// All that would object to any action of an alert, the state of the process aside.
[[nodiscard]] std::vector<GuardDecision> standing_objections(const Target& target,
                                                             const ActionHistory& history,
                                                             const GuardConditions& conditions);

/// The guards of one process, to be shown.
struct GuardState {
  Target target;
  std::optional<base::SystemTime> cooldown_until;  ///< nothing: not cooling down
  unsigned attempts = 0;                           ///< in a row, for the growth of the cooldown
  unsigned budget_used = 0;
  unsigned budget_limit = 0;  ///< of the rule that acted last
  bool gave_up = false;
  friend bool operator==(const GuardState&, const GuardState&) = default;
};

struct GuardStats {
  std::vector<GuardState> guards;
  bool breaker_open = false;
  std::optional<base::SystemTime> breaker_until = {};  ///< while it is open
  std::vector<MaintenanceWindow> maintenance;
};

class Guards {
 public:
  /// A number from 0 to below 1, for the jitter.
  using Random = std::function<double()>;

  /// `state`, `maintenance` and `clock` must outlive this.
  Guards(const GuardOptions& options, const records::StateDir& state, Maintenance& maintenance,
         const records::StateClock& clock, const base::Log& log, Random random);
  ~Guards();
  Guards(const Guards&) = delete;
  Guards& operator=(const Guards&) = delete;

  /// What objects to this command (which has a trigger): accepted or, for a dry run, would_act if
  /// nothing does. A dry run is recorded in a history of its own. `operation_unfinished`: an
  /// operation of the agent on the process is not done, so that a stopped process was not stopped
  /// on purpose.
  [[nodiscard]] GuardDecision check(const Command& command, const Observation& observation,
                                    bool operation_unfinished);
  /// The same, just before acting: what is accepted is recorded, on the disk when it returns. What
  /// cannot be written is refused, and not recorded.
  [[nodiscard]] GuardDecision check_and_record(const Command& command,
                                               const Observation& observation);
  /// All that would object to any alert's action on this process now: for people.
  [[nodiscard]] std::vector<GuardDecision> standing_objections(const Target& target) const;
  /// These processes have a firing alert that matches a rule, of `allowed` processes that have a
  /// rule at all: many at once open the breaker.
  void report_firing(const std::vector<Target>& targets, std::size_t allowed);

  /// Whether the process cools down after its last action; `dry_run`: after its last dry run.
  /// Cheap: asked for each alert of a post.
  [[nodiscard]] bool is_cooling_down(const Target& target, bool dry_run) const;
  /// Until when a process without any action in the history is in the initial cooldown of this
  /// rule; nothing if it has one, or is not.
  [[nodiscard]] std::optional<base::SystemTime> initial_cooldown_until(
      const Target& target, const Cooldown& cooldown) const;
  /// Of all processes in the history, by target; while the breaker is open also of those that
  /// opened it (since the agent's start).
  [[nodiscard]] std::vector<GuardState> list() const;
  [[nodiscard]] bool breaker_open() const { return breaker_until().has_value(); }
  /// Nothing while it is closed.
  [[nodiscard]] std::optional<base::SystemTime> breaker_until() const;
  [[nodiscard]] GuardStats stats() const;
  /// Why the state (maintenance too) cannot be read; nothing if it can.
  [[nodiscard]] std::optional<std::string> unreadable() const;

  /// Removes cooldown, budget and latch of this process, those of dry runs too; its actions still
  /// count in the total.
  /// not_found: it is not in the history; conflict: the state is unreadable; others: it could not
  /// be written or recorded, and nothing has changed.
  [[nodiscard]] base::Result<void> reset(const Target& target, const RecordFirst& record = {});
  /// Removes everything, an unreadable state (maintenance too) and the breaker. After an
  /// unreadable state every process is in its initial cooldown.
  [[nodiscard]] base::Result<void> reset_all(const RecordFirst& record = {});
  /// From now on. Dry runs are forgotten.
  void configure(const GuardOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::guards
