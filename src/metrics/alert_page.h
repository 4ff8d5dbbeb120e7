#pragma once

// reeve_alert_decisions_total: a view of what the responder counts.

#include "alerts/stats.h"
#include "metrics/text_writer.h"

namespace reeve::metrics {

void write_alert_decisions(TextWriter& out, const alerts::Stats& stats);

}  // namespace reeve::metrics
