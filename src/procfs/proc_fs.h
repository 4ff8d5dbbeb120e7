#pragma once

// The files of /proc as values: pure parsers, read_stat() for one process, and ProcFs for passes
// over many. The kernel is trusted, the names that processes give themselves are not: they may hold
// blanks, parentheses and newlines. ProcFs reads /proc, or a folder that a test has made; it is not
// thread-safe, as all its reads share a buffer.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "procfs/process_trees.h"

namespace reeve::procfs {

/// /proc/PID/stat.
struct Stat {
  ProcessId pid;
  ProcessId parent;
  char state = '?';
  std::uint64_t user = 0;  ///< in ticks, its own CPU time
  std::uint64_t system = 0;
  std::uint64_t children_user = 0;  ///< of children that it has waited for, and of theirs
  std::uint64_t children_system = 0;
  std::uint64_t threads = 0;
  std::uint64_t start = 0;  ///< in ticks since boot
  std::uint64_t resident_pages = 0;
  std::uint64_t virtual_bytes = 0;

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

/// Of this process, read once. Nothing if there is none.
[[nodiscard]] std::optional<Stat> read_stat(ProcessId process);
/// Of our own process.
[[nodiscard]] std::optional<Stat> read_own_stat();
/// From /proc/stat.
[[nodiscard]] std::optional<std::chrono::sys_seconds> read_boot_time();

/// Why nothing was read.
enum class ReadFailure {
  vanished,  ///< the process has gone
  hidden,    ///< access is denied
  failed,    ///< it cannot be read just now: too many open files, for one
};

/// Of a process.
enum class File { stat, io, limits, smaps_rollup };

/// Files of processes that are read in every pass can be kept open, which halves the cost of a
/// read; a kept file belongs to one process for good, even if its pid is reused.
class ProcFs {
 public:
  /// Keeps at most `max_kept` files open.
  ProcFs(const std::string& path, std::size_t max_kept);

  /// All processes, in the kernel's order. Nothing if /proc cannot be read.
  [[nodiscard]] std::optional<std::vector<ProcessId>> processes() const;
  /// Valid until the next read.
  [[nodiscard]] std::optional<std::string_view> read(ProcessId process, File file);
  [[nodiscard]] std::optional<std::string_view> read(const char* file);
  /// Of the last read that returned nothing.
  [[nodiscard]] ReadFailure failure() const { return failure_; }

  [[nodiscard]] std::optional<Stat> stat(ProcessId process);
  /// Nothing if hidden or vanished, or if there are too many to count.
  [[nodiscard]] std::optional<std::uint64_t> open_fds(ProcessId process);
  /// Nothing if unlimited, hidden or vanished.
  [[nodiscard]] std::optional<std::uint64_t> max_fds(ProcessId process);

  /// From now on keeps files of these processes open, and of no others.
  void keep(const std::vector<ProcessId>& processes);

 private:
  using Kept = std::array<base::Descriptor, 2>;  // stat and io

  [[nodiscard]] std::optional<std::string_view> read_open(int descriptor);
  [[nodiscard]] base::Descriptor* kept_file(ProcessId process, File file);

  base::Descriptor root_;
  bool is_real_ = false;           ///< a real /proc, not a test's
  bool is_own_namespace_ = false;  ///< and of our own pid namespace
  std::size_t max_kept_ = 0;
  std::unordered_map<std::int64_t, Kept> kept_;
  ReadFailure failure_ = ReadFailure::vanished;
  std::array<char, std::size_t{64} * 1024> buffer_{};
};

}  // namespace reeve::procfs
