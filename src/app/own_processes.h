#pragma once

// Whether a process of a supervisord is this agent, or runs Reeve, as the host's process table
// shows it: behind a script, a link of another name, or what else starts it. Thread-safe.

#include <set>

#include "base/guarded.h"
#include "monitor/snapshot.h"
#include "procfs/process_trees.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/instance.h"

namespace reeve::app {

class OwnProcesses {
 public:
  /// `clock` must outlive this.
  explicit OwnProcesses(const base::Clock& clock) : clock_(clock) {}

  /// False where the process is not proven to be one of this host. Reads /proc, at most once a
  /// second.
  [[nodiscard]] bool contains(const monitor::SupervisorSnapshot& supervisor,
                              const substrate::InstanceDetail& process) const;

 private:
  struct Table {
    base::SteadyTime valid_until;
    std::set<procfs::ProcessId> processes = {};
  };

  const base::Clock& clock_;
  mutable base::Guarded<Table> table_;
};

}  // namespace reeve::app
