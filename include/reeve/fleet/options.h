#pragma once

// How often the fleet is looked at.

#include <chrono>

#include "reeve/base/clock.h"

namespace reeve::fleet {

struct PollOptions {
  base::Duration interval = std::chrono::seconds(5);  ///< between full polls
  base::Duration timeout = std::chrono::seconds(30);  ///< of a full poll
  friend bool operator==(const PollOptions&, const PollOptions&) = default;
};

}  // namespace reeve::fleet
