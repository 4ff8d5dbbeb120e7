#pragma once

// The families of one snapshot as text: supervisord_…, reeve_event…, and those of other exporters
// where metrics.compatibility asks for them. A pure function, called on the thread that publishes
// the snapshot. A gauge whose value is not known is absent; while a supervisord is not up the
// gauges of its processes and groups are absent, and its counters stay.

#include <string>
#include <vector>

#include "base/regular_expression.h"
#include "metrics/options.h"
#include "monitor/snapshot.h"

namespace reeve::metrics {

/// Which processes have series: metrics.include and metrics.exclude. Immutable.
class Filter {
 public:
  /// An expression that the configuration would have refused matches nothing.
  explicit Filter(const Options& options);

  [[nodiscard]] bool admits(const substrate::InstanceName& name) const;

 private:
  using Expressions = std::vector<base::Result<base::RegularExpression>>;

  [[nodiscard]] static Expressions parse(const std::vector<std::string>& texts);

  Expressions include_;
  Expressions exclude_;
};

/// A part of the snapshot with its labels, escaped once for all its samples.
template <class T>
struct Labelled {
  const T* value = nullptr;
  std::string labels;
};

struct SupervisorView {
  const monitor::SupervisorSnapshot* snapshot = nullptr;
  std::string labels;
  std::vector<Labelled<monitor::ProcessSnapshot>> processes;  ///< none while supervisord is not up
  std::vector<Labelled<monitor::ProcessCounters>> counters;   ///< of all, and of removed processes
  std::vector<Labelled<procfs::TreeUsage>> usages;            ///< of the present runs, where known
  /// Processes left out: in UTF-8 their names are those of others.
  std::size_t indistinguishable = 0;
};
using SnapshotView = std::vector<SupervisorView>;

[[nodiscard]] SnapshotView make_view(const monitor::Snapshot& snapshot, const Filter& filter);

/// `expected_bytes` is a hint: the size of the last page.
[[nodiscard]] std::string render_snapshot(const monitor::Snapshot& snapshot, const Options& options,
                                          const Filter& filter, std::size_t expected_bytes);

}  // namespace reeve::metrics
