#pragma once

// The sum of a counter over a tree of processes, which never falls. The kernel adds a child's
// counters to its parent's when the parent waits for it, so the sum over all living members is the
// truth as long as everybody waits for their children. What vanishes otherwise (the parent ignores
// SIGCHLD; the parent died first and the orphan left the tree) is carried on from what was last
// seen of it. Pure.

#include <cstdint>
#include <vector>

#include "procfs/process_trees.h"

namespace reeve::procfs {

/// Two counters that go together: user and system, read and written.
struct Pair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const Pair&, const Pair&) = default;
};

/// One member's part.
struct Share {
  ProcessId pid;
  ProcessId parent;
  std::uint64_t start = 0;  ///< with pid its identity
  Pair total;               ///< its own and what it absorbed
  Pair absorbed;            ///< from children that it waited for; where unknown, the total
};

class Account {
 public:
  /// All members of the same tree, its root first. The sum so far.
  Pair update(std::vector<Share> members);

 private:
  [[nodiscard]] Pair unaccounted(const std::vector<Share>& now) const;

  std::vector<Share> before_;  ///< sorted by pid
  ProcessId root_;
  Pair carried_;
  Pair shown_;
};

}  // namespace reeve::procfs
