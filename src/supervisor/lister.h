#pragma once

// Asks supervisord for its listing in the way that costs it least. The time of one
// getAllProcessInfo grows with the square of the number of processes: the answer goes out in pieces
// of 4 KiB, one in a turn of supervisord's loop, and each turn looks at every process. Several
// answers, each with some of the processes (shards), go out side by side in the same turns. For
// that the names must be known from a whole listing before; if one of them has vanished, the whole
// is asked for. Shared by a SupervisorSubstrate and its SupervisorPollSource. Thread-safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "supervisor/supervisord_rpc.h"

namespace reeve::supervisor {

/// How many answers make the cheapest listing of so many processes.
[[nodiscard]] std::size_t shards_for(std::size_t processes);

/// Calls to make together with a listing. The first is getPID.
struct FurtherCalls {
  std::vector<xmlrpc::Call> before;
  std::vector<xmlrpc::Call> after;
};

/// A listing, and the results of the calls before it and after it.
struct ListingWithResults {
  substrate::Listing listing;
  Results results;
  bool of_one_moment = false;
};

class Lister {
 public:
  /// `rpc` must outlive it.
  explicit Lister(const SupervisordRpc& rpc) : rpc_(rpc) {}

  /// One getAllProcessInfo.
  [[nodiscard]] base::Result<substrate::Listing> list(const base::Deadline& deadline);

  /// A listing and the results of further `calls`, with as few requests as supervisord needs. In
  /// shards if there are enough processes for that and the names are younger than `max_name_age`;
  /// but if another daemon answers than before, the known names are not its names, and the whole is
  /// asked for. A whole listing or an error. The records of different shards are of different
  /// moments within the call: each has its own `now`.
  [[nodiscard]] base::Result<ListingWithResults> list_with(const FurtherCalls& calls,
                                                           base::Duration max_name_age,
                                                           const base::Deadline& deadline);

  /// A whole listing and results in one system.multicall, hence of one moment. not_implemented
  /// where there is no such method, and then nothing was done.
  [[nodiscard]] base::Result<ListingWithResults> list_at_once(const FurtherCalls& calls,
                                                              const base::Deadline& deadline);

  /// The names have changed: the next listing is a whole one.
  void forget_names();
  /// The same if supervisord did not answer (nothing) or is another daemon than before.
  void observe_pid(std::optional<substrate::Pid> pid);

 private:
  struct Known {
    std::shared_ptr<const std::vector<substrate::InstanceName>> names;  ///< sorted; null: unknown
    base::SteadyTime requested_at;      ///< when the listing was asked for that they are from
    std::uint64_t edition = 0;          ///< counts forget_names()
    base::SteadyTime no_shards_until;   ///< they failed although all processes were still there
    std::optional<substrate::Pid> pid;  ///< nothing: it did not answer the last request
    std::optional<substrate::Pid> last_daemon;  ///< the last that was known
  };
  /// What was known when a whole listing was asked for: names of an older edition are not kept.
  struct Request {
    std::uint64_t edition = 0;
    base::SteadyTime at;
  };

  [[nodiscard]] base::Result<ListingWithResults> list_one_by_one(const FurtherCalls& calls,
                                                                 const base::Deadline& deadline);
  [[nodiscard]] Request begin_request(const base::Clock& clock) const;
  void remember_names(const Request& request, const substrate::Listing& listing,
                      std::optional<substrate::Pid> pid);
  struct Names {
    std::shared_ptr<const std::vector<substrate::InstanceName>> names;
    std::optional<substrate::Pid> pid;
  };
  /// `names` is null if no listing by names may be tried now.
  [[nodiscard]] Names names_for_shards(base::Duration max_name_age, base::SteadyTime now) const;
  void shards_failed(const std::vector<substrate::InstanceName>& names, base::SteadyTime now);

  const SupervisordRpc& rpc_;
  base::Guarded<Known> known_;
};

}  // namespace reeve::supervisor
