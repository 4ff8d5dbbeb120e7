#include "monitor/tally.h"

#include <algorithm>
#include <functional>

namespace reeve::monitor {

using substrate::InstanceState;

void count(Tally& tally, const Transition& transition) {
  const InstanceState from = transition.from;
  const InstanceState to = transition.to;
  ++tally.at(entries_at(to));
  const bool again = from == InstanceState::exited || from == InstanceState::backoff;
  const bool failed =
      to == InstanceState::backoff || (to == InstanceState::exited && !transition.expected);
  const bool stopped = to == InstanceState::stopped && from == InstanceState::stopping;
  tally[restarts_at] += to == InstanceState::starting && again ? 1U : 0U;
  tally[unexpected_exits_at] += failed ? 1U : 0U;
  tally[ends_at] += failed || stopped || to == InstanceState::exited ? 1U : 0U;
}

Tally operator+(const Tally& a, const Tally& b) {
  Tally sum{};
  std::transform(a.begin(), a.end(), b.begin(), sum.begin(), std::plus<>());
  return sum;
}

Tally at_least(const Tally& a, const Tally& b) {
  Tally larger{};
  std::transform(a.begin(), a.end(), b.begin(), larger.begin(),
                 [](std::uint32_t x, std::uint32_t y) { return std::max(x, y); });
  return larger;
}

ProcessCounters to_counters(const Tally& tally, bool exits_known) {
  ProcessCounters counters;
  counters.starts = tally[entries_at(InstanceState::starting)];
  counters.restarts = tally[restarts_at];
  if (exits_known) {
    counters.unexpected_exits = tally[unexpected_exits_at];
  }
  std::copy_n(tally.begin(), counters.transitions.size(), counters.transitions.begin());
  return counters;
}

}  // namespace reeve::monitor
