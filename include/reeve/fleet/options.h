#pragma once

// How often the fleet is looked at, and by what.

#include <chrono>

#include "reeve/base/clock.h"

namespace reeve::fleet {

/// Whether supervisord's own log is followed. automatic: unless supervisord refuses it. on: a
/// refusal is worth a warning.
enum class MainLog { automatic, on, off };

struct PollOptions {
  base::Duration interval = std::chrono::seconds(5);  ///< between full polls
  base::Duration timeout = std::chrono::seconds(30);  ///< of a full poll
  /// Between full polls while the event stream is up and without a gap.
  base::Duration interval_with_events = std::chrono::seconds(60);
  MainLog main_log = MainLog::automatic;
  friend bool operator==(const PollOptions&, const PollOptions&) = default;
};

}  // namespace reeve::fleet
