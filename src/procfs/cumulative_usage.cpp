#include "procfs/cumulative_usage.h"

#include <algorithm>
#include <map>
#include <utility>

namespace reeve::procfs {
namespace {

void add(CounterPair& to, const CounterPair& amount) {
  to.first += amount.first;
  to.second += amount.second;
}

/// Never below zero.
CounterPair minus(const CounterPair& from, const CounterPair& amount) {
  return {from.first - std::min(from.first, amount.first),
          from.second - std::min(from.second, amount.second)};
}

CounterPair larger(const CounterPair& one, const CounterPair& other) {
  return {std::max(one.first, other.first), std::max(one.second, other.second)};
}

/// In a list that is sorted by pid.
const MemberUsage* find(const std::vector<MemberUsage>& members, ProcessId pid) {
  const auto found = std::lower_bound(
      members.begin(), members.end(), pid,
      [](const MemberUsage& member, ProcessId wanted) { return member.pid < wanted; });
  return found != members.end() && found->pid == pid ? &*found : nullptr;
}

const MemberUsage* find_same(const std::vector<MemberUsage>& members, const MemberUsage& wanted) {
  const MemberUsage* const found = find(members, wanted.pid);
  return found != nullptr && found->start == wanted.start ? found : nullptr;
}

}  // namespace

CounterPair CumulativeUsage::update(std::vector<MemberUsage> members) {
  root_ = members.front().pid;
  std::sort(members.begin(), members.end(),
            [](const MemberUsage& a, const MemberUsage& b) { return a.pid < b.pid; });
  add(carried_, missing_since(members));
  CounterPair sum = carried_;
  for (const MemberUsage& member : members) {
    add(sum, member.total);
  }
  previous_ = std::move(members);
  published_ = larger(published_, sum);
  return published_;
}

/// The counters of the members that vanished, less what their nearest ancestors absorbed since.
CounterPair CumulativeUsage::missing_since(const std::vector<MemberUsage>& members) const {
  std::map<ProcessId, CounterPair> vanished;  // by their nearest living ancestor
  for (const MemberUsage& member : previous_) {
    if (find_same(members, member) != nullptr) {
      continue;
    }
    const MemberUsage* ancestor = &member;
    while (ancestor != nullptr && find_same(members, *ancestor) == nullptr) {
      ancestor = find(previous_, ancestor->parent);
    }
    add(vanished[ancestor != nullptr ? ancestor->pid : root_], member.total);
  }
  CounterPair missing;
  for (const auto& [ancestor, total] : vanished) {
    const MemberUsage* const then = find(previous_, ancestor);
    const MemberUsage* const today = find(members, ancestor);
    const CounterPair absorbed = then != nullptr && today != nullptr
                                     ? minus(today->absorbed, then->absorbed)
                                     : CounterPair{};
    add(missing, minus(total, absorbed));
  }
  return missing;
}

}  // namespace reeve::procfs
