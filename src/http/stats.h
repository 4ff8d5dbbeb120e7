#pragma once

// A listener's counters, as a value: apart, since metrics includes nothing else of http.

#include <array>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

#include "reeve/base/enumeration.h"

namespace reeve::http {

/// What a connection was doing that was closed to make room for another.
enum class EvictionCause : std::uint8_t {
  no_request,  ///< it had not sent a whole request
  not_read,    ///< its client did not read the response, or the response was held back
  idle,        ///< between a response and the next request
  waiting,     ///< for a response that comes later
};
inline constexpr auto all_eviction_causes = base::all_of<EvictionCause, EvictionCause::waiting>();
[[nodiscard]] constexpr std::string_view to_string(EvictionCause cause) {
  return base::name_of<all_eviction_causes>(cause, {"no_request", "not_read", "idle", "waiting"});
}

/// The limit that a new connection was refused for: all that it counts have a handler at work.
enum class RejectionCause : std::uint8_t { connections, address };
inline constexpr auto all_rejection_causes =
    base::all_of<RejectionCause, RejectionCause::address>();
[[nodiscard]] constexpr std::string_view to_string(RejectionCause cause) {
  return base::name_of<all_rejection_causes>(cause, {"connections", "address"});
}

struct Stats {
  std::string listener;
  std::uint64_t accepted_connections = 0;
  std::uint64_t open_connections = 0;
  std::array<std::uint64_t, all_rejection_causes.size()> rejected = {};
  std::array<std::uint64_t, all_eviction_causes.size()> evicted = {};

  [[nodiscard]] std::uint64_t rejected_connections() const {
    return std::accumulate(rejected.begin(), rejected.end(), std::uint64_t{0});
  }
  [[nodiscard]] std::uint64_t evicted_connections() const {
    return std::accumulate(evicted.begin(), evicted.end(), std::uint64_t{0});
  }
  friend bool operator==(const Stats&, const Stats&) = default;
};

}  // namespace reeve::http
