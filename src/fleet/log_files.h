#pragma once

// Sizes of the log files that supervisord names, for a supervisord on this host: stat(2), which
// opens nothing. A thousand take about a millisecond.

#include <vector>

#include "fleet/tracker.h"
#include "reeve/substrate/instance.h"

namespace reeve::fleet {

/// One for each instance; nothing where there is no regular file that can be looked at.
[[nodiscard]] std::vector<LogSizes> measure_logs(
    const std::vector<substrate::InstanceDetail>& instances);

}  // namespace reeve::fleet
