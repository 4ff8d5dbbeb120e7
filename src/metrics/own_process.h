#pragma once

// The agent's own process in /proc/self, for the process_… families. Reads are bounded;
// thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace reeve::metrics {

struct OwnProcess {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  double started_after_boot_seconds = 0;
};

/// From the text of /proc/self/stat; nothing if it does not read like one.
[[nodiscard]] std::optional<OwnProcess> parse_own_stat(std::string_view text);

[[nodiscard]] std::optional<OwnProcess> read_own_process();
[[nodiscard]] std::optional<std::uint64_t> count_open_fds();
[[nodiscard]] std::optional<std::uint64_t> max_fds();
[[nodiscard]] std::optional<std::chrono::sys_seconds> boot_time();

}  // namespace reeve::metrics
