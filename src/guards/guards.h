#pragma once

// What must hold at the moment before an alert's action, beyond whether it is allowed at all:
// small pure checks in one visible order (src/control/guard_checks), over what is known of the
// process and a book of what was done before: cooldowns, budgets, latches, the breaker. They
// belong to the process, whatever rule or alert acted. They bind alerts alone; people are told.
// Kept in the state directory, timed by GuardClock: a state that cannot be read refuses everything
// until a person resets it; none yet leaves every process in its rule's initial cooldown.
// Thread-safe; no reader waits for the disk.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "guards/command.h"
#include "guards/decision.h"
#include "guards/guard_clock.h"
#include "guards/maintenance.h"
#include "guards/options.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::guards {

/// What is known of one process's guards.
struct GuardState {
  Target target;
  std::optional<base::SystemTime> cooldown_until;  ///< nothing: not cooling down
  unsigned attempts = 0;                           ///< in a row, for the growth of the cooldown
  unsigned budget_used = 0;
  unsigned budget_limit = 0;  ///< of the rule that acted last
  bool gave_up = false;
  friend bool operator==(const GuardState&, const GuardState&) = default;
};

/// All that is shown of the guards.
struct GuardStats {
  std::vector<GuardState> guards;
  bool breaker_open = false;
  std::vector<MaintenanceWindow> maintenance;
};

/// What a look at the process gave, when the question is asked.
struct Sight {
  base::Result<substrate::InstanceDetail> process;
  /// An operation of ours on it is not done: if it is stopped, that was us.
  bool ours_unfinished = false;
};

class Guards {
 public:
  /// A number from 0 to below 1, for the jitter.
  using Random = std::function<double()>;

  /// `state`, `maintenance` and `clock` must outlive this.
  Guards(const GuardOptions& options, const records::StateDir& state, Maintenance& maintenance,
         const GuardClock& clock, base::Log log, Random random);
  ~Guards();
  Guards(const Guards&) = delete;
  Guards& operator=(const Guards&) = delete;

  /// What stands against this command (which has a trigger), as the process was seen; accepted
  /// or, for a dry run, would_act. A dry run is counted in a book of its own by this.
  [[nodiscard]] Decision consider(const Command& command, const Sight& sight);
  /// The same, just before acting: what it accepts is counted, on the disk when it returns. What
  /// cannot be written is refused, and not counted.
  [[nodiscard]] Decision spend(const Command& command, const Sight& sight);
  /// What stands against any alert's action on this process now: for people.
  [[nodiscard]] std::vector<Decision> advice(const Target& target) const;
  /// These processes have a firing alert that matches a rule, of `allowed` that have a rule at
  /// all: many at once open the breaker.
  void firing(const std::vector<Target>& targets, std::size_t allowed);

  /// Whether the cooldown of this process's last action is not over; `rehearsed`: of its last
  /// rehearsal. Cheap: asked for each alert of a post.
  [[nodiscard]] bool cooling_down(const Target& target, bool rehearsed) const;
  /// Of all processes that something is known of, by target; while the breaker is open, of those
  /// that opened it (since the start), too.
  [[nodiscard]] std::vector<GuardState> list() const;
  [[nodiscard]] bool breaker_open() const;
  [[nodiscard]] GuardStats stats() const;
  /// Why the state (maintenance too) cannot be read; nothing if it can.
  [[nodiscard]] std::optional<std::string> unreadable() const;
  /// Forgets cooldown, budget and latch of this process, rehearsed ones too; what was done to it
  /// still counts in the total.
  /// not_found: nothing is known of it; conflict: the state cannot be read; others: it could not
  /// be written, and nothing has changed.
  [[nodiscard]] base::Result<void> reset(const Target& target);
  /// Forgets everything, an unreadable state (maintenance too) and the breaker. After an
  /// unreadable state every process is in its initial cooldown.
  [[nodiscard]] base::Result<void> reset_all();
  /// From now on. Rehearsals are forgotten.
  void configure(const GuardOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::guards
