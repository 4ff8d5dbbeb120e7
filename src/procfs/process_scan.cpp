#include "procfs/process_scan.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace reeve::procfs {
namespace {

constexpr int max_attempts = 5;

}  // namespace

std::optional<ProcessScan> ProcessScan::run(ProcFs& proc) {
  const auto processes = proc.processes();
  if (!processes) {
    return std::nullopt;
  }
  ProcessScan scan;
  scan.by_pid_.reserve(processes->size());
  for (const ProcessId process : *processes) {
    if (auto stat = proc.stat(process)) {
      scan.by_pid_.push_back(*stat);
    } else if (proc.failure() == ReadFailure::failed) {
      return std::nullopt;
    }
  }
  std::sort(scan.by_pid_.begin(), scan.by_pid_.end(),
            [](const Stat& a, const Stat& b) { return a.pid < b.pid; });
  scan.by_parent_.resize(scan.by_pid_.size());
  std::iota(scan.by_parent_.begin(), scan.by_parent_.end(), std::size_t{0});
  std::stable_sort(scan.by_parent_.begin(), scan.by_parent_.end(),
                   [&](std::size_t a, std::size_t b) {
                     return scan.by_pid_[a].parent < scan.by_pid_[b].parent;
                   });
  return scan;
}

Tree ProcessScan::tree_of(ProcessId root) const {
  Tree tree;
  const auto found =
      std::lower_bound(by_pid_.begin(), by_pid_.end(), root,
                       [](const Stat& stat, ProcessId wanted) { return stat.pid < wanted; });
  if (found == by_pid_.end() || found->pid != root) {
    return tree;
  }
  tree.push_back(*found);
  // Bounded, should the files ever name each other as parents.
  for (std::size_t at = 0; at < tree.size() && tree.size() <= by_pid_.size(); ++at) {
    const auto first = std::lower_bound(
        by_parent_.begin(), by_parent_.end(), tree[at].pid,
        [&](std::size_t index, ProcessId wanted) { return by_pid_[index].parent < wanted; });
    for (auto child = first; child != by_parent_.end() && by_pid_[*child].parent == tree[at].pid;
         ++child) {
      tree.push_back(by_pid_[*child]);
    }
  }
  return tree;
}

bool read_consistently(Tree& tree, ProcFs& proc) {
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Tree again;
    std::set<ProcessId> present;
    for (const Stat& member : tree) {
      const auto stat = proc.stat(member.pid);
      // An orphan has another parent by now, and is no member any more.
      const bool is_member = again.empty() || (stat && present.count(stat->parent) > 0);
      if (stat && stat->start == member.start && is_member) {
        again.push_back(*stat);
        present.insert(stat->pid);
      }
    }
    const bool consistent = again.size() == tree.size();
    tree = std::move(again);
    if (consistent || tree.empty()) {
      return consistent;
    }
  }
  return false;
}

bool has_child_read_first(const Tree& tree) {
  return std::any_of(tree.begin() + 1, tree.end(),
                     [](const Stat& member) { return member.pid < member.parent; });
}

}  // namespace reeve::procfs
