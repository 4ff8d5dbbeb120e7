#pragma once

// The reeve_action… families: a view of what the controller counts.

#include "control/stats.h"
#include "metrics/text_writer.h"

namespace reeve::metrics {

void write_actions(TextWriter& out, const control::Stats& stats);

}  // namespace reeve::metrics
