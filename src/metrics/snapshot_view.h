#pragma once

// What a page contains of a snapshot: its supervisords, and those of their processes that the
// filter admits, each with its labels. Views of one snapshot, which must outlive them, made and
// used on the thread that renders.

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
};
using SnapshotView = std::vector<SupervisorView>;

[[nodiscard]] SnapshotView make_view(const monitor::Snapshot& snapshot, const Filter& filter);

}  // namespace reeve::metrics
