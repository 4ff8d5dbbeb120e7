#pragma once

// The alert behind a command, and what its rule demands of the moment before anything is done.

#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/substrate/instance.h"

namespace reeve::guards {

/// How long a target is left alone after an action: `initial`, then each time `factor` as long,
/// at most `max`, give or take `jitter` (0.1 is 10 %). After `reset_after` without an action it
/// begins at `initial` again.
struct Cooldown {
  base::Duration initial = std::chrono::minutes(5);
  double factor = 2;
  base::Duration max = std::chrono::hours(1);
  double jitter = 0.1;
  base::Duration reset_after = std::chrono::hours(6);
  friend bool operator==(const Cooldown&, const Cooldown&) = default;
};

/// At most so many actions in any span of that length.
struct Budget {
  // What is kept of the past. The configuration allows no more.
  static constexpr unsigned max_actions = 1000;
  static constexpr base::Duration max_within = std::chrono::hours(7 * 24);

  unsigned actions = 3;
  base::Duration within = std::chrono::hours(1);
  friend bool operator==(const Budget&, const Budget&) = default;
};

struct Limits {
  std::vector<substrate::InstanceState> only_if_state = {substrate::InstanceState::running};
  /// Leave alone what was stopped on purpose.
  bool respect_stopped = true;
  base::Duration min_uptime = std::chrono::minutes(2);
  /// What was started after the alert began is left alone for so long.
  base::Duration settle = std::chrono::minutes(15);
  Cooldown cooldown;
  Budget per_target;
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Trigger {
  std::string rule;
  std::string fingerprint;
  base::SystemTime began;      ///< when the alert fired: its startsAt
  bool later_attempt = false;  ///< the episode has acted before
  Limits limits;
  friend bool operator==(const Trigger&, const Trigger&) = default;
};

}  // namespace reeve::guards
