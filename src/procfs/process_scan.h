#pragma once

// All processes at one pass over /proc, and the tree below one of them. Driven by ProcessTrees.

#include <optional>
#include <vector>

#include "procfs/proc_fs.h"

namespace reeve::procfs {

/// The members of a tree, parents before their children; the root first.
using Tree = std::vector<Stat>;

class ProcessScan {
 public:
  /// One pass. Nothing if it is not complete: then no tree is known.
  [[nodiscard]] static std::optional<ProcessScan> run(ProcFs& proc);

  /// Empty if there is no such process.
  [[nodiscard]] Tree tree_of(ProcessId root) const;

 private:
  std::vector<Stat> by_pid_;
  std::vector<std::size_t> by_parent_;  ///< indices into by_pid_
};

/// Reads the members again, parents first, until none vanishes meanwhile: then each child was read
/// after its parent, and no child's time is both in its own counters and in its parent's, or in
/// neither. False if members still vanish after a few rounds.
[[nodiscard]] bool read_consistently(Tree& tree, ProcFs& proc);

/// A child that was read before its parent: the parent may have waited for it in between.
[[nodiscard]] bool has_child_read_first(const Tree& tree);

}  // namespace reeve::procfs
