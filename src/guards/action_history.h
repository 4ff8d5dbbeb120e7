#pragma once

// What alerts' actions have used up: for each process its cooldown, budget and latch, and the
// times of all actions together; and its form in guards.json. Plain values and functions on them;
// Guards owns, locks and stores them. All times are StateClock's.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guards/command.h"
#include "guards/options.h"
#include "records/state_clock.h"
#include "records/state_file.h"
#include "reeve/base/clock.h"

namespace reeve::guards {

/// Oldest first.
using ActionTimes = std::vector<base::SteadyTime>;

struct TargetHistory {
  ActionTimes actions;
  std::optional<base::SteadyTime> cooldown_until;
  unsigned in_row = 0;  ///< actions, for the growth of the cooldown …
  std::optional<base::SteadyTime> in_row_until;
  Budget budget;  ///< of the rule that acted last
  bool gave_up = false;
  friend bool operator==(const TargetHistory&, const TargetHistory&) = default;
};

struct ActionHistory {
  /// When the history began, unless that no longer matters: processes without actions in it are
  /// in their initial cooldown from then on.
  std::optional<base::SteadyTime> begun;
  ActionTimes total;
  std::optional<base::SteadyTime> breaker_until;
  std::map<Target, TargetHistory> targets;
  friend bool operator==(const ActionHistory&, const ActionHistory&) = default;
};

/// The time is set and still to come.
[[nodiscard]] bool is_ahead(const std::optional<base::SteadyTime>& time, base::SteadyTime now);
/// How many of these actions count now.
[[nodiscard]] std::size_t count_within(const ActionTimes& actions, base::Duration within,
                                       base::SteadyTime now);
[[nodiscard]] bool used_up(const ActionTimes& actions, const Budget& budget, base::SteadyTime now);
/// Nothing if the process is not cooling down.
[[nodiscard]] std::optional<base::SteadyTime> cooling_until(const ActionHistory& history,
                                                            const Target& target,
                                                            const Cooldown& cooldown,
                                                            base::SteadyTime now);
/// How many actions in a row count for the next cooldown.
[[nodiscard]] unsigned in_row(const TargetHistory& history, base::SteadyTime now);

/// `random`, from 0 to below 1, is the jitter.
void add_action(ActionHistory& history, const Target& target, const Limits& limits,
                base::SteadyTime now, double random);
/// Removes cooldown, budget and latch of this process; it is not in an initial cooldown either.
void reset(ActionHistory& history, const Target& target);
/// Removes what can no longer count.
void prune(ActionHistory& history, base::SteadyTime now);

[[nodiscard]] std::string to_text(const ActionHistory& history, const records::WrittenAt& written);
/// In times of now. Nothing if the text is damaged or of an unknown version.
[[nodiscard]] std::optional<records::StateFile<ActionHistory>::Parsed> parse_history(
    std::string_view text, const records::StateClock& clock);

}  // namespace reeve::guards
