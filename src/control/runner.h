#pragma once

// Carries one operation out, from the first look to the end, on the calling thread: asks
// next_step() what to do, does it through the substrate, records it. Never throws.

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>

#include "control/controller.h"
#include "control/next_step.h"
#include "control/operation.h"
#include "guards/programs.h"
#include "monitor/monitor.h"

namespace reeve::control {

/// For the start that a restart still owes when the agent has no more time.
inline constexpr std::chrono::seconds last_moment{2};

/// With what an operation is carried out.
struct Errand {
  monitor::Member member;
  guards::Spans spans;
  const base::Clock* clock;
  /// The agent is shutting down: end as soon as nothing is left half done …
  std::stop_token hurry;
  /// … and now at once.
  std::stop_token now;
  /// Called at each step. An error before a request: it is not made, and the operation fails.
  std::function<base::Result<void>(const Operation&)> record;
  /// Called just before the first request, with what the look saw: why not to act after all.
  std::function<std::optional<guards::Refusal>(const Seen&)> object;
  /// A restart ends before its start, unfinished: start_stopped() goes on.
  bool only_until_stopped = false;
  /// How many restarts share the last moment.
  std::size_t last_ones = 1;
};

[[nodiscard]] Operation run(Operation operation, const Errand& errand);
/// A restart that run() has left stopped.
[[nodiscard]] Operation start_stopped(Operation operation, const Errand& errand);
/// One that an earlier run of the agent began, from where it was cut off; `seen` just now.
[[nodiscard]] Operation run_on(Operation operation, Seen seen, const Errand& errand);

}  // namespace reeve::control
