#pragma once

// Measures what the programs of one supervisord use of this host: one pass over /proc for each
// call, and none before the supervisord is proven to run here, its pids to mean its own programs.
// Driven by one thread, the heartbeat's.

#include <optional>
#include <string>

#include "base/log.h"
#include "monitor/options.h"
#include "monitor/snapshot.h"
#include "procfs/process_trees.h"

namespace reeve::monitor {

class ResourceMeter {
 public:
  /// `looks_local`: reached over a unix socket or loopback.
  ResourceMeter(bool looks_local, procfs::TreeOptions options, base::Log log);

  /// Null while supervisord is not up, not proven to be here, or not to be measured.
  /// What is not read by the deadline is left out.
  [[nodiscard]] Usages measure(const SupervisorSnapshot& seen, const ResourceOptions& options,
                               const base::Deadline& deadline);

 private:
  /// One life of a supervisord: a restart by RPC keeps its pid.
  struct Daemon {
    substrate::Pid pid;
    std::uint64_t restarts = 0;
    friend bool operator==(const Daemon&, const Daemon&) = default;
  };

  [[nodiscard]] bool is_proven_local(const SupervisorSnapshot& seen);
  [[nodiscard]] Usages pass(const SupervisorSnapshot& seen, const base::Deadline& deadline);

  const bool looks_local_;
  const procfs::TreeOptions tree_options_;
  const base::Log log_;
  std::optional<procfs::ProcessTrees> trees_;
  std::optional<Daemon> daemon_;
  bool proven_ = false;
  int refutations_ = 0;
};

}  // namespace reeve::monitor
