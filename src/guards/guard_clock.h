#pragma once

// Time for what must outlive the agent: cooldowns, budgets, latches, windows, episodes. It goes on
// with the steady clock, which is the same for all processes of one boot; only over a reboot does
// the system clock say how much has passed. So nobody who sets the clock gives a budget back.
// In memory such times are SteadyTimes; on the disk they lie beside a Stamp that says when they
// were written. A value over a clock that outlives it; thread-safe.

#include <string>
#include <utility>

#include "reeve/base/clock.h"

namespace reeve::guards {

/// The moment at which a file was written, by both clocks.
struct Stamp {
  std::string boot;
  base::SteadyTime steady;
  base::SystemTime system;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// How to read now what was written under an earlier stamp.
struct Passage {
  base::Duration shift;  ///< to be added to its steady times
  /// The file claims to be younger than now. Since then no time has passed.
  bool future_dated = false;
  friend bool operator==(const Passage&, const Passage&) = default;
};

class GuardClock {
 public:
  /// `clock` must outlive this. `boot` tells this boot from others: see boot_id().
  GuardClock(const base::Clock& clock, std::string boot) : clock_(&clock), boot_(std::move(boot)) {}

  [[nodiscard]] base::SteadyTime now() const { return clock_->steady_now(); }
  [[nodiscard]] base::SystemTime system_now() const { return clock_->system_now(); }
  /// For people: the system clock as it goes now, and how far from now that is.
  [[nodiscard]] base::SystemTime shown(base::SteadyTime time) const;

  [[nodiscard]] Stamp stamp() const;
  [[nodiscard]] Passage since(const Stamp& written) const;

 private:
  const base::Clock* clock_;
  std::string boot_;
};

/// The kernel's /proc/sys/kernel/random/boot_id. Empty where it cannot be read: then all counts
/// as one boot, in which less time seems to pass than did, never more.
[[nodiscard]] std::string boot_id();

}  // namespace reeve::guards
