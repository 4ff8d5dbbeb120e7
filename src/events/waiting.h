#pragma once

// Waiting with poll(2) until a time of the injected clock.

#include <algorithm>
#include <limits>
#include <optional>

#include "reeve/base/clock.h"

namespace reeve::events {

using Due = std::optional<base::SteadyTime>;

[[nodiscard]] inline Due earlier(const Due& one, const Due& other) {
  return !one ? other : !other ? one : std::min(one, other);
}

/// poll's timeout: until `due`, or for ever. Rounded up, so that nobody wakes just too early.
[[nodiscard]] inline int milliseconds_until(const Due& due, base::SteadyTime now) {
  if (!due) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace reeve::events
