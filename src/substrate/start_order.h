#pragma once

// In which order several processes are started, by supervisord's `priority`; the other way round
// they are stopped. Pure functions.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "reeve/substrate/administration.h"

namespace reeve::substrate {

/// Of a group, then of its process.
using Priority = std::pair<std::int64_t, std::int64_t>;

/// The priority of each name; what is not known comes last.
[[nodiscard]] std::vector<Priority> priorities_of(const std::vector<InstanceName>& names,
                                                  const std::vector<ProgramConfig>& programs);

/// The places of what may be started side by side, first things first.
using StartOrder = std::vector<std::vector<std::size_t>>;
[[nodiscard]] StartOrder start_order(const std::vector<Priority>& priorities);

}  // namespace reeve::substrate
