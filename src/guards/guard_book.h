#pragma once

// What alerts' actions have used up: per process its cooldown, its budget and its latch, and the
// actions of all together. Plain values and functions on them; their owner guards and keeps them.
// All times are GuardClock's.

#include <map>
#include <optional>
#include <vector>

#include "guards/command.h"
#include "guards/trigger.h"
#include "reeve/base/clock.h"

namespace reeve::guards {

/// Oldest first.
using ActionTimes = std::vector<base::SteadyTime>;

struct TargetBook {
  ActionTimes actions;
  std::optional<base::SteadyTime> cooldown_until;
  unsigned in_row = 0;  ///< actions, for the growth of the cooldown …
  std::optional<base::SteadyTime> in_row_until;
  Budget budget;  ///< of the rule that acted last
  bool gave_up = false;
  friend bool operator==(const TargetBook&, const TargetBook&) = default;
};

struct Book {
  /// When there was no book yet; nothing once that is long ago.
  std::optional<base::SteadyTime> begun;
  ActionTimes total;
  std::optional<base::SteadyTime> breaker_until;
  std::map<Target, TargetBook> targets;
  friend bool operator==(const Book&, const Book&) = default;
};

/// How many of these actions count now.
[[nodiscard]] std::size_t used(const ActionTimes& actions, base::Duration within,
                               base::SteadyTime now);
[[nodiscard]] bool used_up(const ActionTimes& actions, const Budget& budget, base::SteadyTime now);

/// Nothing where it is over. A process of which nothing is known cools down from the book's
/// beginning.
[[nodiscard]] std::optional<base::SteadyTime> cooling_until(const Book& book, const Target& target,
                                                            const Cooldown& cooldown,
                                                            base::SteadyTime now);
[[nodiscard]] unsigned in_row(const TargetBook& book, base::SteadyTime now);

/// `random` from 0 to below 1 places the jitter.
void add_action(Book& book, const Target& target, const Limits& limits, base::SteadyTime now,
                double random);
/// Nothing is known of this process any more, and so it does not cool down either.
void forget(Book& book, const Target& target);
/// Drops what can no longer count.
void prune(Book& book, base::SteadyTime now);

}  // namespace reeve::guards
