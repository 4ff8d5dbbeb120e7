#pragma once

// A listener's counters, as a value: apart, since metrics includes nothing else of http.

#include <cstdint>
#include <string>

namespace reeve::http {

struct Stats {
  std::string listener;
  std::uint64_t accepted_connections = 0;
  std::uint64_t rejected_connections = 0;  ///< over a limit: refused at once
  std::uint64_t open_connections = 0;
  std::uint64_t evicted_connections = 0;  ///< without a request in progress, closed to make room
  friend bool operator==(const Stats&, const Stats&) = default;
};

}  // namespace reeve::http
