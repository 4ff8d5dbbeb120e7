#pragma once

// The relay's way to the agent: connects and reconnects, sends what the buffer holds, hears what
// has arrived. Driven by the relay's one thread, which waits for it; never blocks.

#include <string>

#include <poll.h>

#include "base/log.h"
#include "events/relay.h"
#include "events/relay_buffer.h"
#include "events/relay_wire.h"
#include "events/unix_socket.h"
#include "events/waiting.h"

namespace reeve::events {

class Delivery {
 public:
  /// `clock` must outlive it.
  Delivery(const Source& source, const RelayOptions& options, const base::Clock& clock,
           base::Log log);

  void put(RawEvent event);
  /// Whatever can be done without waiting.
  void work();
  /// The connection has something to say.
  void hear();

  /// What to wait for: descriptor -1 while there is no connection …
  [[nodiscard]] pollfd waited() const;
  /// … and then the time of the next attempt.
  [[nodiscard]] Due due() const;
  [[nodiscard]] bool delivered() const { return buffer_.empty(); }

 private:
  void connect();
  void send();
  [[nodiscard]] bool heard();
  void disconnect();
  void note_success();
  void try_later(const std::string& reason);

  const std::string hello_;
  const std::string socket_;
  const base::Clock* clock_;
  const base::Log log_;
  RelayBuffer buffer_;
  base::Descriptor connection_;
  std::string outgoing_;
  Acknowledgements acknowledgements_;
  base::SteadyTime next_try_;
  base::Duration pause_;
  bool reported_absence_ = false;
  bool reported_success_ = false;
  std::uint64_t reported_drops_ = 0;
};

}  // namespace reeve::events
