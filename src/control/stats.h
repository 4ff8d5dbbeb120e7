#pragma once

// What control counts: the reeve_action… families are views of Stats. Counters are indexed by the
// enumerations, so that each exists at 0 from the beginning. StatsRecorder keeps the counts; the
// controller locks it.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "control/operation.h"
#include "guards/command.h"
#include "guards/reason.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"

namespace reeve::control {

/// Why an accepted command did not succeed; the label values of reeve_action_failures_total. Not a
/// guards::Reason: nothing refused the command, it failed by what supervisord and the process did.
enum class FailureReason : std::uint8_t {
  unreachable,
  timeout,
  denied,
  not_found,
  conflict,
  stale,
  spawn_failed,
  flapped,
  shutting_down,
  fault,
  internal,
};
inline constexpr auto all_failure_reasons = base::all_of<FailureReason, FailureReason::internal>();
[[nodiscard]] constexpr std::string_view to_string(FailureReason reason) {
  return base::name_of<all_failure_reasons>(
      reason, {"unreachable", "timeout", "denied", "not_found", "conflict", "stale", "spawn_failed",
               "flapped", "shutting_down", "fault", "internal"});
}
/// Total: each way in which an operation can end without success has its reason.
[[nodiscard]] FailureReason failure_reason(const Operation& operation);

/// Upper bounds in seconds of reeve_action_duration_seconds.
inline constexpr std::array action_duration_bounds = {0.01, 0.05, 0.1,  0.25, 0.5,  1.0,  2.5,
                                                      5.0,  10.0, 20.0, 30.0, 60.0, 120.0};

struct ActionCounters {
  std::uint64_t finished = 0;  ///< reeve_actions_total: whatever the result
  /// Of accepted commands. What the look just before acting refuses is in `refused`.
  std::array<std::uint64_t, all_failure_reasons.size()> failures{};
  std::array<std::uint64_t, guards::all_reasons.size()> refused{};
  friend bool operator==(const ActionCounters&, const ActionCounters&) = default;
};

struct ActionDurations {
  /// Per bound of action_duration_bounds, not cumulated; the last is +Inf.
  std::array<std::uint64_t, action_duration_bounds.size() + 1> counts{};
  double sum_seconds = 0;
  friend bool operator==(const ActionDurations&, const ActionDurations&) = default;
};

/// How an action on a process last ended.
struct LastAction {
  base::SystemTime at;
  guards::Source source = guards::Source::api;
  std::optional<FailureReason> failure;  ///< nothing: it succeeded
  friend bool operator==(const LastAction&, const LastAction&) = default;
};

struct Stats {
  /// [action][source], in the order of the enumerations.
  std::array<std::array<ActionCounters, guards::all_sources.size()>, guards::all_actions.size()>
      actions{};
  std::array<ActionDurations, guards::all_actions.size()> durations{};  ///< of finished operations
  /// Without those that were refused.
  std::map<std::pair<guards::Target, guards::Action>, LastAction> last_actions;

  [[nodiscard]] const ActionCounters& of(guards::Action action, guards::Source source) const {
    return actions[static_cast<std::size_t>(action)][static_cast<std::size_t>(source)];
  }
  friend bool operator==(const Stats&, const Stats&) = default;
};

/// A plain value; its owner locks it.
class StatsRecorder {
 public:
  void record_refused(const guards::Command& command, guards::Reason reason);
  void record_finished(const Operation& operation, base::Duration took);
  [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
  [[nodiscard]] ActionCounters& counters_of(const guards::Command& command);

  Stats stats_;
};

}  // namespace reeve::control
