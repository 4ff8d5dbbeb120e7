#pragma once

// What programs of one supervisord use of this host, as an immutable value that snapshots share.

#include <memory>
#include <vector>

#include "procfs/process_trees.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// Of a program with all its descendants.
struct ProcessUsage {
  substrate::InstanceName name;
  substrate::Pid pid;  ///< of the run that was measured: what another run used says nothing
  procfs::TreeUsage tree;
  friend bool operator==(const ProcessUsage&, const ProcessUsage&) = default;
};

/// Sorted by name; null where nothing is measured.
using Usages = std::shared_ptr<const std::vector<ProcessUsage>>;

}  // namespace reeve::monitor
