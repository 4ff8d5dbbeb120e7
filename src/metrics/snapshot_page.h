#pragma once

// The families of one snapshot as text: supervisord_…, reeve_event…, and those of other exporters
// where metrics.compatibility asks for them. A pure function, called on the thread that publishes
// the snapshot. A gauge whose value is not known is absent; while a supervisord is not up the
// gauges of its processes and groups are absent, and its counters stay.

#include <string>

#include "metrics/options.h"
#include "metrics/snapshot_view.h"
#include "monitor/snapshot.h"

namespace reeve::metrics {

/// `expected_bytes` is a hint: the size of the last page.
[[nodiscard]] std::string render_snapshot(const monitor::Snapshot& snapshot, const Options& options,
                                          const Filter& filter, std::size_t expected_bytes);

}  // namespace reeve::metrics
