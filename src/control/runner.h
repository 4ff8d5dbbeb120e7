#pragma once

// Carries one operation out, from the first look to the end, on the calling thread: asks
// next_step() what to do, does it through the substrate, records it. Never throws.

#include <functional>
#include <stop_token>

#include "control/next_step.h"
#include "control/programs.h"
#include "reeve/control/operation.h"
#include "reeve/fleet/fleet.h"

namespace reeve::control {

/// With what an operation is carried out.
struct Errand {
  fleet::Member member;
  Spans spans;
  const base::Clock* clock;
  /// The agent is shutting down: end as soon as nothing is left half done …
  std::stop_token hurry;
  /// … and now at once.
  std::stop_token now;
  std::function<void(const Operation&)> record;  ///< called at each step
};

[[nodiscard]] Operation run(Operation operation, const Errand& errand);

}  // namespace reeve::control
