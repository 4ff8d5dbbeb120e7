#pragma once

// What must hold at the moment before an alert's action, beyond whether it is allowed at all:
// small pure checks in one visible order (src/control/guard_checks), over what is known of the
// process and a book of what was done before: cooldowns, budgets, latches, the breaker. They
// belong to the process, whatever rule or alert acted. They bind alerts alone; people are told.
// Kept in the state directory: a state that cannot be read refuses everything until a person
// resets it; none yet leaves every process in its rule's initial cooldown. Thread-safe.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/base/log.h"
#include "reeve/base/result.h"
#include "reeve/control/command.h"
#include "reeve/control/decision.h"
#include "reeve/control/maintenance.h"
#include "reeve/control/options.h"
#include "reeve/control/state_dir.h"
#include "reeve/substrate/instance.h"

namespace reeve::control {

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

class Guards {
 public:
  /// A number from 0 to below 1, for the jitter.
  using Random = std::function<double()>;

  /// `state`, `maintenance` and `clock` must outlive this.
  Guards(const GuardOptions& options, StateDir& state, const Maintenance& maintenance,
         const base::Clock& clock, base::Log log, Random random);
  ~Guards();
  Guards(const Guards&) = delete;
  Guards& operator=(const Guards&) = delete;

  /// What stands against this command (which has a trigger), as the process was seen; accepted
  /// or, for a dry run, would_act. A dry run is counted in a book of its own by this.
  [[nodiscard]] Decision consider(const Command& command, const substrate::InstanceDetail& seen);
  /// The same, just before acting: what it accepts is counted, on the disk when it returns.
  [[nodiscard]] Decision spend(const Command& command, const substrate::InstanceDetail& seen);
  /// What would stand against an alert's action on this process now: for people.
  [[nodiscard]] std::vector<Decision> advice(const Target& target) const;
  /// These processes have a firing alert that matches a rule, of `allowed` that have a rule at
  /// all: many at once open the breaker.
  void firing(const std::vector<Target>& targets, std::size_t allowed);

  /// Of all processes that something is known of, by target.
  [[nodiscard]] std::vector<GuardState> list() const;
  [[nodiscard]] bool breaker_open() const;
  [[nodiscard]] bool unreadable() const;
  /// Forgets cooldown, budget and latch of this process.
  [[nodiscard]] base::Result<void> reset(const Target& target);
  /// Forgets everything, an unreadable state and the breaker too.
  [[nodiscard]] base::Result<void> reset_all();
  /// From now on. Rehearsals are forgotten.
  void configure(const GuardOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
