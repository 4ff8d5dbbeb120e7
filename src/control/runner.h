#pragma once

// Carries one operation out, from the first look to the end, on the calling thread (one of the
// controller's pool): asks next_step() what to do, does it through the substrate, records each
// step. Never throws; knows neither the operation table nor the guards.

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>

#include "control/next_step.h"
#include "control/operation.h"
#include "guards/programs.h"
#include "guards/reason.h"
#include "monitor/monitor.h"

namespace reeve::control {

/// For the start that a restart still has to request when the agent aborts.
inline constexpr std::chrono::seconds final_start_timeout{2};

/// What one operation is carried out with.
struct ExecutionContext {
  monitor::Member member;
  guards::ActionTimeouts timeouts;
  const base::Clock* clock;
  /// The agent is shutting down: end as soon as nothing is left half done.
  std::stop_token drain_requested;
  /// End at once.
  std::stop_token abort_requested;
  /// Called at each step. An error before a request: it is not sent, and the operation fails.
  std::function<base::Result<void>(const Operation&)> record;
  /// Called just before the first request, with what the look gave: why not to act after all.
  std::function<std::optional<guards::Refusal>(const guards::Observation&)> recheck;
  /// A restart ends before its start, unfinished: start_stopped() carries it on.
  bool only_until_stopped = false;
  /// How many restarts share final_start_timeout.
  std::size_t concurrent_final_starts = 1;
};

[[nodiscard]] Operation run(Operation operation, const ExecutionContext& context);
/// A restart that run() has left stopped.
[[nodiscard]] Operation start_stopped(Operation operation, const ExecutionContext& context);
/// One that the agent's end interrupted, from its last step on; `observation` is of just now.
[[nodiscard]] Operation resume(Operation operation, guards::Observation observation,
                               const ExecutionContext& context);

}  // namespace reeve::control
