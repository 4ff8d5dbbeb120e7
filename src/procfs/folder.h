#pragma once

// The folder /proc, or one that a test has made. Reads are relative to it. The files of processes
// that are read at every pass can be kept open, which halves what a read costs; a kept file belongs
// to one process for good, even if its pid is given to another. Not thread-safe: all reads share a
// buffer.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/descriptor.h"
#include "procfs/stat.h"

namespace reeve::procfs {

/// Why there is nothing to read.
enum class Absence {
  vanished,  ///< the process has gone
  hidden,    ///< it is not for us to see
  failed,    ///< it cannot be read just now: too many open files, for one
};

/// Of a process.
enum class File { stat, io, limits, smaps_rollup };

class Folder {
 public:
  /// Keeps at most `max_kept` files open.
  Folder(const std::string& path, std::size_t max_kept);

  /// All processes, in the kernel's order. Nothing if the folder cannot be read.
  [[nodiscard]] std::optional<std::vector<ProcessId>> processes() const;
  /// Valid until the next read.
  [[nodiscard]] std::optional<std::string_view> read(ProcessId process, File file);
  [[nodiscard]] std::optional<std::string_view> read(const char* file);
  /// After a read that gave nothing.
  [[nodiscard]] Absence absence() const { return absence_; }

  [[nodiscard]] std::optional<Stat> stat(ProcessId process);
  /// Nothing if hidden or vanished, or too many to be counted in passing.
  [[nodiscard]] std::optional<std::uint64_t> open_fds(ProcessId process);
  /// Nothing if unlimited, hidden or vanished.
  [[nodiscard]] std::optional<std::uint64_t> max_fds(ProcessId process);

  /// From now on keeps files of these processes open, and of no others.
  void keep(const std::vector<ProcessId>& processes);

 private:
  using Kept = std::array<base::Descriptor, 2>;  // stat and io

  [[nodiscard]] std::optional<std::string_view> read_open(int descriptor);
  [[nodiscard]] base::Descriptor* place_for(ProcessId process, File file);

  base::Descriptor folder_;
  bool is_kernels_ = false;  ///< a real /proc
  bool is_ours_ = false;     ///< and of our own pid namespace
  std::size_t max_kept_ = 0;
  std::unordered_map<std::int64_t, Kept> kept_;
  Absence absence_ = Absence::vanished;
  std::array<char, std::size_t{64} * 1024> buffer_{};
};

}  // namespace reeve::procfs
