#pragma once

// A deadline that no test reaches.

#include "reeve/base/deadline.h"

namespace reeve::tests {

[[nodiscard]] inline base::Deadline plenty() {
  static const base::SystemClock clock;
  return base::Deadline::after(clock, std::chrono::minutes(10));
}

}  // namespace reeve::tests
