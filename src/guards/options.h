#pragma once

// What may be done to which process at all, whoever asks, and how long supervisord may take to
// say which programs it has.

#include <string>
#include <vector>

#include "guards/trigger.h"
#include "reeve/base/clock.h"
#include "substrate/selector.h"

namespace reeve::guards {

/// So many processes with a firing alert at once are the host's trouble or a dependency's.
struct BreakerOptions {
  double targets = 0.3;      ///< of the processes that a rule allows
  unsigned min_targets = 3;  ///< fewer never open it
  base::Duration within = std::chrono::minutes(5);
  base::Duration hold = std::chrono::minutes(15);
  friend bool operator==(const BreakerOptions&, const BreakerOptions&) = default;
};

/// Of all alerts' actions together.
struct GuardOptions {
  Budget total{10, std::chrono::hours(1)};
  BreakerOptions breaker;
  friend bool operator==(const GuardOptions&, const GuardOptions&) = default;
};

struct Options {
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  std::vector<substrate::Selector> deny;  ///< wins over allow
  /// Names as in `kill -l`, with or without SIG; numbers are not accepted from clients.
  std::vector<std::string> signals = {"HUP", "USR1", "USR2", "INT"};
  /// As for a full poll: it tells of all its programs at once.
  base::Duration listing_timeout = std::chrono::seconds(30);
  /// A restart cut off by the agent's end is finished by the next start within this span.
  base::Duration resume_within = std::chrono::minutes(10);
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::guards
