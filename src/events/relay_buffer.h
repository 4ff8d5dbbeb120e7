#pragma once

// The events that a relay has taken from supervisord and the agent has not acknowledged yet:
// numbered, bounded in bytes, oldest dropped first (as supervisord does). The agent learns of a
// drop by the jump in supervisord's own numbering. Pure.

#include <cstdint>
#include <deque>

#include "events/relay_wire.h"

namespace reeve::events {

class RelayBuffer {
 public:
  explicit RelayBuffer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void put(RawEvent event, base::SteadyTime at);
  /// The next event to be sent, then the one after; null if all are.
  [[nodiscard]] const RelayedEvent* next(base::SteadyTime now);
  void acknowledge(std::uint64_t number);
  /// The connection broke: what is not acknowledged is to be sent again.
  void rewind() { sent_ = 0; }

  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] bool all_sent() const { return sent_ == waiting_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    RelayedEvent event;
    base::SteadyTime at;
  };
  void drop_oldest();

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<Waiting> waiting_;
  std::size_t sent_ = 0;  ///< how many of them
  std::uint64_t last_number_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace reeve::events
