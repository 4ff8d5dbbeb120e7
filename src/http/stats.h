#pragma once

// What a listener counts, as a value.

#include <cstdint>
#include <string>

namespace reeve::http {

struct Stats {
  std::string listener;
  std::uint64_t accepted_connections = 0;
  std::uint64_t rejected_connections = 0;  ///< over a limit: turned away at once
  std::uint64_t open_connections = 0;
  std::uint64_t evicted_connections = 0;  ///< still waited for, and closed to make room
  friend bool operator==(const Stats&, const Stats&) = default;
};

}  // namespace reeve::http
