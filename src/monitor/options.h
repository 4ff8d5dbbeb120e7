#pragma once

// The settings of polling: how often, and from which sources beside the listing.

#include <chrono>

#include "reeve/base/clock.h"

namespace reeve::monitor {

/// Whether supervisord's own log is followed. automatic: unless supervisord refuses it. on: a
/// refusal is logged as a warning.
enum class MainLog { automatic, on, off };

/// Whether /proc is read for what programs use. Only once the supervisord is proven to run on this
/// host.
enum class MeasureResources {
  automatic,  ///< where supervisord is reached over a unix socket or loopback
  on,
  off,
};

struct ResourceOptions {
  MeasureResources measure = MeasureResources::automatic;
  bool proportional_memory = false;  ///< reading it takes locks of the process that is read
  friend bool operator==(const ResourceOptions&, const ResourceOptions&) = default;
};

struct PollOptions {
  base::Duration interval = std::chrono::seconds(5);  ///< between full polls
  base::Duration timeout = std::chrono::seconds(30);  ///< of a full poll
  /// Between full polls while the event stream is up and without a gap.
  base::Duration interval_with_events = std::chrono::seconds(60);
  MainLog main_log = MainLog::automatic;
  ResourceOptions resources = {};  ///< measured with the heartbeat, every min(5 s, interval)
  friend bool operator==(const PollOptions&, const PollOptions&) = default;
};

}  // namespace reeve::monitor
