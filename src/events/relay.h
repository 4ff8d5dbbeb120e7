#pragma once

// `reeve relay-events`: a small listener that supervisord runs, for an agent that it does not run.
// It passes supervisord's events to the agent's unix socket, in order and with their time of
// receipt, and reconnects for as long as it takes.
//
// An event is acknowledged to supervisord as soon as it is in the relay's memory, since
// supervisord's own buffer is small and shared, and dropped as soon as the agent has acknowledged
// it. So a restart of the agent loses nothing that fits the buffer. Events that do not fit, or are
// lost with the relay, are counted as a gap by the agent, from supervisord's numbering.
//
// One thread runs it. SIGPIPE must be ignored in the process.

#include <chrono>
#include <cstdint>
#include <deque>
#include <stop_token>
#include <string>

#include <poll.h>

#include "base/log.h"
#include "events/listener.h"
#include "events/relay_protocol.h"
#include "reeve/base/result.h"

namespace reeve::events {

struct RelayOptions {
  std::string socket;                                       ///< where the agent listens
  std::size_t buffer_bytes = std::size_t{8} * 1024 * 1024;  ///< about 25 000 events
  /// How long the buffer is still sent after supervisord has closed the input, or a stop.
  base::Duration drain = std::chrono::seconds(1);
};

/// The source of this listener's events: its parent process is supervisord, and `server_url` its
/// SUPERVISOR_SERVER_URL.
[[nodiscard]] EventSource source_of_listener(std::string server_url);

/// Relays until supervisord closes our input or a stop is requested: success. malformed and
/// unreachable as EventReader::run().
[[nodiscard]] base::Result<void> relay_events(Streams streams, const EventSource& source,
                                              const RelayOptions& options, const base::Clock& clock,
                                              const base::Log& log, const std::stop_token& stop);

/// The events that a relay has taken from supervisord and the agent has not acknowledged yet:
/// numbered, bounded in bytes, oldest dropped first (as supervisord does). The agent notices a drop
/// by the jump in supervisord's own numbering. Pure.
class RelayBuffer {
 public:
  explicit RelayBuffer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void put(RawEvent event, base::SteadyTime at);
  /// The next event to be sent, then the one after; null if all were sent.
  [[nodiscard]] const RelayedEvent* next(base::SteadyTime now);
  void acknowledge(std::uint64_t number);
  /// After a lost connection: next() begins again with the oldest event.
  void rewind() { sent_ = 0; }

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] bool all_sent() const { return sent_ == entries_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Entry {
    RelayedEvent event;
    base::SteadyTime at;
  };
  void drop_oldest();

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<Entry> entries_;
  std::size_t sent_ = 0;  ///< how many entries
  std::uint64_t last_number_ = 0;
  std::uint64_t dropped_ = 0;
};

/// The relay's connection to the agent: connects and reconnects, sends what the buffer holds, reads
/// acknowledgements. Driven by the relay's one thread, which waits with poll(2); never blocks.
class RelayClient {
 public:
  /// `clock` must outlive it.
  RelayClient(const EventSource& source, const RelayOptions& options, const base::Clock& clock,
              base::Log log);

  void enqueue(RawEvent event);
  /// Connects if it is time to, and sends as much as the socket takes.
  void connect_and_send();
  /// To be called when poll(2) reports input or an error.
  void receive();

  /// For poll(2); descriptor -1 without a connection, …
  [[nodiscard]] pollfd poll_request() const;
  /// … and then the time of the next attempt to connect.
  [[nodiscard]] WaitUntil next_attempt() const;
  [[nodiscard]] bool all_acknowledged() const { return buffer_.empty(); }

 private:
  void connect();
  void send();
  /// False if the connection is closed or broken.
  [[nodiscard]] bool read_acknowledgements();
  void disconnect();
  void note_success();
  void schedule_retry(const std::string& reason);

  const std::string hello_;
  const std::string socket_;
  const base::Clock* clock_;
  const base::Log log_;
  RelayBuffer buffer_;
  base::Descriptor connection_;
  std::string outgoing_;
  Acknowledgements acknowledgements_;
  base::SteadyTime next_attempt_;
  base::Duration retry_delay_;
  bool reported_unreachable_ = false;
  bool reported_success_ = false;
  std::uint64_t reported_drops_ = 0;
};

}  // namespace reeve::events
