#pragma once

// reeve_alert_decisions_total: a view of what the responder counts.

#include "metrics/text_writer.h"
#include "reeve/alerts/stats.h"

namespace reeve::metrics {

void write_alert_decisions(TextWriter& out, const alerts::Stats& stats);

}  // namespace reeve::metrics
