#include "procfs/account.h"

#include <algorithm>
#include <map>
#include <utility>

namespace reeve::procfs {
namespace {

void add(Pair& to, const Pair& what) {
  to.first += what.first;
  to.second += what.second;
}

/// Never below zero.
Pair minus(const Pair& from, const Pair& what) {
  return {from.first - std::min(from.first, what.first),
          from.second - std::min(from.second, what.second)};
}

Pair larger(const Pair& one, const Pair& other) {
  return {std::max(one.first, other.first), std::max(one.second, other.second)};
}

/// In a list that is sorted by pid.
const Share* find(const std::vector<Share>& shares, ProcessId pid) {
  const auto found =
      std::lower_bound(shares.begin(), shares.end(), pid,
                       [](const Share& share, ProcessId wanted) { return share.pid < wanted; });
  return found != shares.end() && found->pid == pid ? &*found : nullptr;
}

const Share* find_same(const std::vector<Share>& shares, const Share& wanted) {
  const Share* const found = find(shares, wanted.pid);
  return found != nullptr && found->start == wanted.start ? found : nullptr;
}

}  // namespace

Pair Account::update(std::vector<Share> members) {
  root_ = members.front().pid;
  std::sort(members.begin(), members.end(),
            [](const Share& a, const Share& b) { return a.pid < b.pid; });
  add(carried_, unaccounted(members));
  Pair sum = carried_;
  for (const Share& member : members) {
    add(sum, member.total);
  }
  before_ = std::move(members);
  shown_ = larger(shown_, sum);
  return shown_;
}

/// What the members that vanished had, less what their nearest ancestors absorbed since.
Pair Account::unaccounted(const std::vector<Share>& now) const {
  std::map<ProcessId, Pair> vanished;  // by their nearest ancestor that is still here
  for (const Share& share : before_) {
    if (find_same(now, share) != nullptr) {
      continue;
    }
    const Share* ancestor = &share;
    while (ancestor != nullptr && find_same(now, *ancestor) == nullptr) {
      ancestor = find(before_, ancestor->parent);
    }
    add(vanished[ancestor != nullptr ? ancestor->pid : root_], share.total);
  }
  Pair missing;
  for (const auto& [ancestor, total] : vanished) {
    const Share* const then = find(before_, ancestor);
    const Share* const today = find(now, ancestor);
    const Pair absorbed =
        then != nullptr && today != nullptr ? minus(today->absorbed, then->absorbed) : Pair{};
    add(missing, minus(total, absorbed));
  }
  return missing;
}

}  // namespace reeve::procfs
