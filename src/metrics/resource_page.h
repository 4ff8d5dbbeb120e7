#pragma once

// What processes use of this host: supervisord_process_cpu_seconds_total and its like.

#include "metrics/shown.h"

namespace reeve::metrics {

void write_resources(TextWriter& out, const Shows& shows);

}  // namespace reeve::metrics
