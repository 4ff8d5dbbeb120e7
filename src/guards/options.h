#pragma once

// The settings of the guards and of the policy; those of a rule (Limits) go with each command that
// an alert triggers.

#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/substrate/instance.h"
#include "substrate/selector.h"

namespace reeve::guards {

/// How long no alert acts on a process after an action: `initial`, then each time `factor` as
/// long, at most `max`, varied by `jitter` (0.1 is 10 %). After `reset_after` without an action it
/// begins at `initial` again.
struct Cooldown {
  base::Duration initial = std::chrono::minutes(5);
  double factor = 2;
  base::Duration max = std::chrono::hours(1);
  double jitter = 0.1;
  base::Duration reset_after = std::chrono::hours(6);
  friend bool operator==(const Cooldown&, const Cooldown&) = default;
};

/// At most `actions` in any span of the length `within`.
struct Budget {
  // Older and more actions are not remembered: the configuration allows no more.
  static constexpr unsigned max_actions = 1000;
  static constexpr base::Duration max_within = std::chrono::hours(7 * 24);

  unsigned actions = 3;
  base::Duration within = std::chrono::hours(1);
  friend bool operator==(const Budget&, const Budget&) = default;
};

/// What a rule demands at the moment before anything is done.
struct Limits {
  std::vector<substrate::InstanceState> only_if_state = {substrate::InstanceState::running};
  /// Do not act on what was stopped on purpose.
  bool respect_stopped = true;
  base::Duration min_uptime = std::chrono::minutes(2);
  /// For so long nothing is done to a process that was started after the alert began.
  base::Duration settle = std::chrono::minutes(15);
  Cooldown cooldown;
  Budget per_target;
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// If so many processes have a firing alert at once, the host or a dependency is at fault.
struct BreakerOptions {
  double targets = 0.3;      ///< of the processes that a rule allows
  unsigned min_targets = 3;  ///< fewer never open it
  base::Duration within = std::chrono::minutes(5);
  base::Duration hold = std::chrono::minutes(15);
  friend bool operator==(const BreakerOptions&, const BreakerOptions&) = default;
};

/// For all alerts' actions together.
struct GuardOptions {
  Budget total{.actions = 10, .within = std::chrono::hours(1)};
  BreakerOptions breaker;
  friend bool operator==(const GuardOptions&, const GuardOptions&) = default;
};

/// What may be done to which process at all, by people and alerts alike.
struct Options {
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  std::vector<substrate::Selector> deny;  ///< wins over allow
  /// Names as in `kill -l`, with or without SIG; numbers are not accepted from clients.
  std::vector<std::string> signals = {"HUP", "USR1", "USR2", "INT"};
  /// For supervisord's list of its programs, which takes it as long as a full poll.
  base::Duration listing_timeout = std::chrono::seconds(30);
  /// A restart that the agent's end interrupted is finished by its next start within this span.
  base::Duration resume_within = std::chrono::minutes(10);
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::guards
