#pragma once

// What a full poll says about what happened since the one before: which processes were started
// again, which changed their state, which are gone. Pure: the previous list and a listing make
// the next list. Counters are lower bounds here, since a poll sees that a process was started
// again, but neither how often nor why.

#include <cstdint>
#include <optional>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/fleet/snapshot.h"
#include "reeve/substrate/instance.h"

namespace reeve::fleet {

/// Of one process, in bytes; nothing where the file cannot be looked at.
struct LogSizes {
  std::optional<std::uint64_t> standard_output;
  std::optional<std::uint64_t> standard_error;
};

/// A full poll as it came back.
struct Poll {
  substrate::Listing listing;
  std::vector<LogSizes> log_sizes;  ///< one for each instance, or none at all
  base::SteadyTime at;
  bool same_daemon = true;  ///< as at the poll before; a new one started everything afresh
};

struct Tracked {
  ProcessList processes;
  std::vector<RemovedProcess> removed;
  std::size_t rejected = 0;  ///< records that were not whole, or a second of the same name
};

/// How long the counters of a removed process are kept for its return.
inline constexpr base::Duration removed_process_memory = std::chrono::hours(1);

[[nodiscard]] Tracked track(const Tracked& before, Poll poll);

/// True if some process still runs in the incarnation that was known before: a proof that its
/// supervisord did not restart, since that ends them all.
[[nodiscard]] bool some_run_survived(const ProcessList& before, const substrate::Listing& listing);

}  // namespace reeve::fleet
