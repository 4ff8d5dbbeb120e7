#pragma once

// Sizes of the log files that supervisord names, for a supervisord on this host: stat(2), which
// opens nothing. A thousand take about a millisecond.

#include <vector>

#include "monitor/tracker.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// One for each instance; nothing where there is no regular file that can be looked at.
[[nodiscard]] std::vector<LogSizes> measure_logs(
    const std::vector<substrate::InstanceDetail>& instances);

}  // namespace reeve::monitor
