#pragma once

// Who is whose child: all processes at one pass, and the tree under one of them.

#include <optional>
#include <vector>

#include "procfs/folder.h"

namespace reeve::procfs {

/// The members of a tree, parents before their children; the root first.
using Tree = std::vector<Stat>;

class Census {
 public:
  /// One pass. Nothing if it could not be made whole: then nothing can be said of any tree.
  [[nodiscard]] static std::optional<Census> take(Folder& folder);

  /// Empty if there is no such process.
  [[nodiscard]] Tree tree_of(ProcessId root) const;

 private:
  std::vector<Stat> by_pid_;
  std::vector<std::size_t> by_parent_;  ///< indices into by_pid_
};

/// Reads the members again, parents first, until none vanishes meanwhile: then each child was seen
/// after its parent, and no child's time stands both in its own counters and in its parent's, or in
/// neither. False if it did not come to rest in a few rounds.
[[nodiscard]] bool settle(Tree& tree, Folder& folder);

/// A child that was read before its parent: the parent may have waited for it in between.
[[nodiscard]] bool is_read_backwards(const Tree& tree);

}  // namespace reeve::procfs
