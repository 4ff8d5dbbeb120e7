#pragma once

// Measures what the programs of one supervisord use of this host: their process trees, and the
// sizes of their log files. Nothing is measured before the supervisord is proven to run here.

#include <optional>
#include <vector>

#include "base/log.h"
#include "monitor/options.h"
#include "monitor/process_table.h"
#include "monitor/snapshot.h"
#include "procfs/process_trees.h"
#include "reeve/base/deadline.h"

namespace reeve::monitor {

/// Sizes of the log files that supervisord names, for a supervisord on this host: one for each
/// instance; nothing where there is no accessible regular file, as for /dev/stdout. A thousand take
/// about a millisecond.
[[nodiscard]] std::vector<LogSizes> measure_logs(
    const std::vector<substrate::InstanceDetail>& instances);

/// One pass over /proc for each call, and none before the supervisord is proven to run here, so
/// that its pids are this host's. Driven by the heartbeat thread alone.
class ResourceMeter {
 public:
  /// `looks_local`: reached over a unix socket or loopback.
  ResourceMeter(bool looks_local, procfs::TreeOptions options, base::Log log);

  /// Null while supervisord is not up, not proven to be here, or not to be measured.
  /// What is not read by the deadline is left out.
  [[nodiscard]] Usages measure(const SupervisorSnapshot& snapshot, const ResourceOptions& options,
                               const base::Deadline& deadline);

 private:
  /// One life of a supervisord: a restart by RPC keeps its pid.
  struct Daemon {
    substrate::Pid pid;
    std::uint64_t restarts = 0;
    friend bool operator==(const Daemon&, const Daemon&) = default;
  };

  [[nodiscard]] bool is_proven_local(const SupervisorSnapshot& snapshot);
  [[nodiscard]] Usages measure_trees(const SupervisorSnapshot& snapshot,
                                     const base::Deadline& deadline);

  const bool looks_local_;
  const procfs::TreeOptions tree_options_;
  const base::Log log_;
  std::optional<procfs::ProcessTrees> trees_;
  std::optional<Daemon> daemon_;
  bool proven_ = false;
  int refutations_ = 0;
};

}  // namespace reeve::monitor
