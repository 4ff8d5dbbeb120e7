#pragma once

// Families that prometheus-cpp keeps, as text of ours: its own serializer escapes no HELP and
// passes invalid UTF-8, and its order changes.

#include <vector>

#include <prometheus/metric_family.h>

#include "metrics/text_writer.h"

namespace reeve::metrics {

/// Families in the catalogue's order (others are left out), samples in their labels' order.
void write_families(TextWriter& out, const std::vector<prometheus::MetricFamily>& families);

}  // namespace reeve::metrics
