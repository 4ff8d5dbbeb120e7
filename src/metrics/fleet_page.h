#pragma once

// The supervisord_… families of one snapshot as text: a pure view. A gauge whose truth is not
// known is absent; while a supervisord is not up its process and group gauges are, and its
// counters stay.

#include <string>

#include "metrics/filter.h"
#include "metrics/options.h"
#include "monitor/snapshot.h"

namespace reeve::metrics {

/// `expected_bytes` is a hint: the size of the last page.
[[nodiscard]] std::string render_fleet(const monitor::Snapshot& snapshot, const Options& options,
                                       Filter& filter, std::size_t expected_bytes);

}  // namespace reeve::metrics
