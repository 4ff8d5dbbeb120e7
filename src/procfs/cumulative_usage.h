#pragma once

// The sum of a counter over a tree of processes, which never falls. The kernel adds a child's
// counters to its parent's when the parent waits for it, so the sum over all living members is
// exact as long as all parents wait for their children. What is lost otherwise (the parent ignores
// SIGCHLD; the parent died first and the orphan left the tree) is added from the last reading of
// the vanished process. Pure.

#include <cstdint>
#include <vector>

#include "procfs/process_trees.h"

namespace reeve::procfs {

/// Two counters that go together: user and system, read and written.
struct CounterPair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const CounterPair&, const CounterPair&) = default;
};

/// One member at one pass.
struct MemberUsage {
  ProcessId pid;
  ProcessId parent;
  std::uint64_t start = 0;  ///< with pid its identity
  CounterPair total;        ///< its own and what it absorbed
  CounterPair absorbed;     ///< from children that it waited for; the total where unknown
};

class CumulativeUsage {
 public:
  /// `members`: all of one tree, its root first. Returns the sum so far.
  CounterPair update(std::vector<MemberUsage> members);

 private:
  [[nodiscard]] CounterPair missing_since(const std::vector<MemberUsage>& members) const;

  std::vector<MemberUsage> previous_;  ///< sorted by pid
  ProcessId root_;
  CounterPair carried_;
  CounterPair published_;
};

}  // namespace reeve::procfs
