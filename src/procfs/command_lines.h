#pragma once

// Which processes of this host run a certain program, by their command lines and executables, and
// what they are below of. One pass over /proc for each call.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "procfs/process_trees.h"

namespace reeve::procfs {

struct CommandLine {
  std::vector<std::string> words;
  /// The executable is this process's own, whatever it is called. Where the kernel hides it, the
  /// file that the first word names.
  bool is_own_file = false;
};

/// The processes that `is_wanted` accepts and this process, all with their ancestors. Those that
/// cannot be read are left out.
[[nodiscard]] std::set<ProcessId> processes_running(
    const std::function<bool(const CommandLine&)>& is_wanted, const std::string& folder = "/proc");

}  // namespace reeve::procfs
