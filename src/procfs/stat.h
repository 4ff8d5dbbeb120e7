#pragma once

// The text files of /proc as values. The kernel is trusted, what processes call themselves is
// not: a command name may hold blanks, parentheses and newlines. Pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "procfs/process_trees.h"

namespace reeve::procfs {

/// /proc/PID/stat.
struct Stat {
  ProcessId pid;
  ProcessId parent;
  char state = '?';
  std::uint64_t user = 0;  ///< in ticks, its own
  std::uint64_t system = 0;
  std::uint64_t children_user = 0;  ///< of children that it has waited for, and of theirs
  std::uint64_t children_system = 0;
  std::uint64_t threads = 0;
  std::uint64_t start = 0;  ///< in ticks since boot
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;

  [[nodiscard]] bool is_zombie() const { return state == 'Z' || state == 'X'; }
};

[[nodiscard]] std::optional<Stat> parse_stat(std::string_view text);
/// /proc/PID/io: read_bytes and write_bytes.
[[nodiscard]] std::optional<IoBytes> parse_io(std::string_view text);
/// /proc/PID/limits: the soft limit of open files; nothing if unlimited.
[[nodiscard]] std::optional<std::uint64_t> parse_max_fds(std::string_view text);
/// /proc/PID/smaps_rollup: Pss, in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_proportional(std::string_view text);
/// /proc/stat: btime, the time of boot.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_boot_time(std::string_view text);

}  // namespace reeve::procfs
