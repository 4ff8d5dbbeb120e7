#pragma once

// Counts failed logins per address, over a minute. Bounded: the address that failed longest ago
// is forgotten first. Thread-safe.

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "reeve/base/clock.h"

namespace reeve::api {

class LoginThrottle {
 public:
  static constexpr int max_failures = 10;
  static constexpr std::size_t max_peers = 1024;

  explicit LoginThrottle(const base::Clock& clock) : clock_(&clock) {}

  /// How long this address has to wait; nothing if it may try.
  [[nodiscard]] std::optional<std::chrono::seconds> wait_for(const std::string& peer) const;
  /// How often it has failed within the minute, this time included.
  int failed(const std::string& peer);

 private:
  struct Failures {
    base::SteadyTime since;
    int count = 0;
  };

  const base::Clock* clock_;
  base::Guarded<std::map<std::string, Failures>> peers_;
};

}  // namespace reeve::api
