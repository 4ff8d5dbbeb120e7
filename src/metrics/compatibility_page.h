#pragma once

// The families of other exporters, under their names, for the dashboards that use them:
// metrics.compatibility. Their values are what those exporters show of the same supervisord.

#include "metrics/options.h"
#include "metrics/shown.h"

namespace reeve::metrics {

void write_compatibility(TextWriter& out, const Shows& shows, const Options& options);

}  // namespace reeve::metrics
