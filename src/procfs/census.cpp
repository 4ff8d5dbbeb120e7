#include "procfs/census.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace reeve::procfs {
namespace {

constexpr int max_attempts = 5;

}  // namespace

std::optional<Census> Census::take(Folder& folder) {
  const auto processes = folder.processes();
  if (!processes) {
    return std::nullopt;
  }
  Census census;
  census.by_pid_.reserve(processes->size());
  for (const ProcessId process : *processes) {
    if (auto stat = folder.stat(process)) {
      census.by_pid_.push_back(*stat);
    } else if (folder.absence() == Absence::failed) {
      return std::nullopt;
    }
  }
  std::sort(census.by_pid_.begin(), census.by_pid_.end(),
            [](const Stat& a, const Stat& b) { return a.pid < b.pid; });
  census.by_parent_.resize(census.by_pid_.size());
  std::iota(census.by_parent_.begin(), census.by_parent_.end(), std::size_t{0});
  std::stable_sort(census.by_parent_.begin(), census.by_parent_.end(),
                   [&](std::size_t a, std::size_t b) {
                     return census.by_pid_[a].parent < census.by_pid_[b].parent;
                   });
  return census;
}

Tree Census::tree_of(ProcessId root) const {
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

bool settle(Tree& tree, Folder& folder) {
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Tree again;
    std::set<ProcessId> present;
    for (const Stat& member : tree) {
      const auto stat = folder.stat(member.pid);
      // An orphan has another parent by now, and is no member any more.
      const bool is_member = again.empty() || (stat && present.count(stat->parent) > 0);
      if (stat && stat->start == member.start && is_member) {
        again.push_back(*stat);
        present.insert(stat->pid);
      }
    }
    const bool settled = again.size() == tree.size();
    tree = std::move(again);
    if (settled || tree.empty()) {
      return settled;
    }
  }
  return false;
}

bool is_read_backwards(const Tree& tree) {
  return std::any_of(tree.begin() + 1, tree.end(),
                     [](const Stat& member) { return member.pid < member.parent; });
}

}  // namespace reeve::procfs
