#pragma once

// Asks supervisord for its listing in the way that costs it least. One getAllProcessInfo costs it
// time that grows with the square of the number of processes: the answer goes out in pieces of
// 4 KiB, one in a turn of its loop, and each turn looks at every process. Several answers, each
// of some of the processes, go out side by side in the same turns. For that their names must be
// known, from a whole listing before; if one has vanished, the whole is asked for. Thread-safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "supervisor/peer.h"

namespace reeve::supervisor {

/// How many answers make the cheapest listing of so many processes.
[[nodiscard]] std::size_t shards_for(std::size_t processes);

class Lister {
 public:
  /// `peer` must outlive it.
  explicit Lister(const Peer& peer) : peer_(peer) {}

  [[nodiscard]] base::Result<substrate::Listing> list(const base::Deadline& deadline);

  /// In parts, if there are enough for that and the names are not older than `names_age`. All of
  /// the listing or an error. The records of different parts are of different moments within the
  /// call: each has its own `now`.
  [[nodiscard]] base::Result<substrate::Listing> relist(base::Duration names_age,
                                                        const base::Deadline& deadline);

  /// Names have changed: the next listing is a whole one.
  void forget();
  /// So they may have if it did not answer, or is another daemon.
  void heard_from(std::optional<substrate::Pid> pid);

  /// What is known before a whole listing is asked for by another way, and what it told.
  struct Asked {
    std::uint64_t edition = 0;  ///< another one by now: forgotten meanwhile
    base::SteadyTime at;
  };
  [[nodiscard]] Asked ask(const base::Clock& clock) const;
  void learn(const Asked& asked, const substrate::Listing& listing);

 private:
  struct Known {
    std::shared_ptr<const std::vector<substrate::InstanceName>> names;  ///< sorted; null: not known
    Asked asked;                   ///< for the whole listing that told them
    base::SteadyTime shards_from;  ///< earlier they are known to be in vain
    std::optional<substrate::Pid> pid;
  };

  const Peer& peer_;
  base::Guarded<Known> known_;
};

}  // namespace reeve::supervisor
