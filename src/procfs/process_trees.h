#pragma once

// What the kernel says of the programs on this host: for each, its process and all descendants
// together. Each call is one pass over /proc. Counters go on when members come and go: the kernel
// adds a child's to its parent's when the parent waits for it, and what vanishes without that is
// remembered here.
//
// One thread drives it, at its own interval. It never signals, traces or stops a process; reading
// proportional memory alone takes locks of the process that is read.
//
// What a member hides (another user's I/O, its descriptors) makes that figure absent for the whole
// tree, never partial. A process that vanishes meanwhile is no error; a tree that changes faster
// than it can be read is shown as it was when it last could. Where the kernel hides whole
// processes of other users (hidepid), those cannot be noticed.

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/base/deadline.h"

namespace reeve::procfs {

/// A process id in our own pid namespace.
struct ProcessId {
  std::int64_t value = 0;
  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

struct CpuTime {
  base::Duration user{};
  base::Duration system{};
  friend bool operator==(const CpuTime&, const CpuTime&) = default;
};

struct IoBytes {
  std::uint64_t read = 0;  ///< from storage
  std::uint64_t written = 0;
  friend bool operator==(const IoBytes&, const IoBytes&) = default;
};

/// Of a tree, unless said otherwise. What is absent is hidden from us.
struct TreeUsage {
  /// When the root was started, in the kernel's ticks since boot: another value is another run,
  /// even with the same pid, and begins its counters anew.
  std::uint64_t root_start = 0;
  ProcessId root_parent;  ///< tells the root from another process that reused its pid
  CpuTime cpu;            ///< never falls within a run
  std::uint64_t resident_bytes = 0;
  std::optional<std::uint64_t> proportional_bytes;  ///< only if asked for
  std::uint64_t threads = 0;
  std::uint64_t processes = 0;            ///< zombies do not count
  std::optional<std::uint64_t> open_fds;  ///< of the root
  std::optional<std::uint64_t> max_fds;   ///< of the root; absent also if it has no limit
  std::optional<IoBytes> io;              ///< never falls within a run
  friend bool operator==(const TreeUsage&, const TreeUsage&) = default;
};

struct TreeOptions {
  std::string folder = "/proc";
  /// Files of the trees' members are kept open between passes, which halves the cost; two for each
  /// process, and at most so many.
  std::size_t max_open_files = 4096;
};

class ProcessTrees {
 public:
  explicit ProcessTrees(const TreeOptions& options);
  ~ProcessTrees();
  ProcessTrees(const ProcessTrees&) = delete;
  ProcessTrees& operator=(const ProcessTrees&) = delete;

  /// From now on; off at first.
  void measure_proportional_memory(bool wanted);
  /// One for each root, in their order: nothing if there is no such process, or it was not reached
  /// by the deadline. The counters of roots that are left out are forgotten.
  [[nodiscard]] std::vector<std::optional<TreeUsage>> measure(const std::vector<ProcessId>& roots,
                                                              const base::Deadline& deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A program as its manager describes it.
struct Program {
  ProcessId pid;
  /// Its start by the manager's clock, if known.
  std::optional<std::chrono::sys_seconds> start;
};

enum class Locality {
  here,       ///< the programs are the daemon's children, in our own pid namespace
  elsewhere,  ///< they are not: another host or namespace; these pids are other processes here
  unknown,    ///< none of them can be seen
};

/// Proves that pids mean the same to a manager and to us: at least one program is a child of the
/// daemon, and none is another's. Where the daemon's pid is 1, as in many containers, orphans would
/// pass for its children: there the start of one must agree as well, to a few seconds. Reads one
/// small file for each program.
[[nodiscard]] Locality locate(ProcessId daemon, const std::vector<Program>& programs,
                              const std::string& folder = "/proc");

}  // namespace reeve::procfs
