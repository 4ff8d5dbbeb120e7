#pragma once

// Which events of one listener pool are new, which are repeats, which are missing. supervisord
// sends an event again when a listener, even another pool's, dies over it or rejects it; it drops
// events when a buffer overflows; it counts a pool's events from 0 again when it makes the pool
// again (a restart by RPC, a removed and added group). Pure.

#include <cstdint>
#include <optional>
#include <set>

#include "events/event.h"

namespace reeve::events {

class Sequence {
 public:
  enum class Verdict {
    fresh,     ///< count it
    repeat,    ///< drop it
    restarted  ///< count it: the pool was made again, and what happened meanwhile is unknown
  };
  struct Step {
    Verdict verdict = Verdict::fresh;
    std::uint64_t lost = 0;  ///< events of the pool missing just before this one
    friend bool operator==(const Step&, const Step&) = default;
  };

  /// What came before the first event that is noted is no loss: nobody was there to miss it.
  [[nodiscard]] Step note(const Serials& serials);

 private:
  void remember_missing(std::uint64_t from, std::uint64_t to);

  std::optional<Serials> highest_;  ///< each of the two on its own
  /// Pool serials that were skipped, the youngest few: several processes in one pool hand events
  /// on out of order, and one that comes late is no repeat.
  std::set<std::uint64_t> missing_;
};

}  // namespace reeve::events
