#pragma once

// What one source says happened to one process since the last anchor (see counting.h), as plain
// numbers that can be added and compared one by one. Pure.

#include <array>
#include <cstddef>
#include <cstdint>

#include "monitor/process_list.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// Entries into each state, in the order of substrate::all_instance_states, and then:
inline constexpr std::size_t restarts_at = substrate::all_instance_states.size();
inline constexpr std::size_t unexpected_exits_at = restarts_at + 1;
/// Finished runs. A start that failed without a process counts too: an event does not tell the
/// difference, and the number serves to compare sources.
inline constexpr std::size_t ends_at = unexpected_exits_at + 1;

using Tally = std::array<std::uint32_t, ends_at + 1>;

[[nodiscard]] constexpr std::size_t entries_at(substrate::InstanceState state) {
  return static_cast<std::size_t>(state);
}

/// One step of a process. `from` unknown: then it is no restart.
struct Transition {
  substrate::InstanceState from = substrate::InstanceState::unknown;
  substrate::InstanceState to = substrate::InstanceState::unknown;
  bool expected = true;  ///< of EXITED
};

void count(Tally& tally, const Transition& transition);

[[nodiscard]] Tally operator+(const Tally& a, const Tally& b);
/// The larger of each two numbers.
[[nodiscard]] Tally at_least(const Tally& a, const Tally& b);

/// As it is shown; `exits_known`: a source that can tell them has been heard.
[[nodiscard]] ProcessCounters to_counters(const Tally& tally, bool exits_known);

}  // namespace reeve::monitor
