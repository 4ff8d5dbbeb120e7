#pragma once

// `reeve relay-events`: a small listener that supervisord runs, for an agent that it does not run.
// It passes supervisord's events to the agent's unix socket, in order and with their time of
// receipt, and reconnects for as long as it takes.
//
// An event is acknowledged to supervisord as soon as it is in the relay's memory, since
// supervisord's own buffer is small and shared, and dropped as soon as the agent has acknowledged
// it. So a restart of the agent loses nothing that fits the buffer. Events that do not fit, or are
// lost with the relay, are counted as a gap by the agent: from supervisord's numbering, or, where
// they were dropped while no agent ran, from the relay's hello.
//
// One thread runs it. SIGPIPE must be ignored in the process.
//
// The protocol between the relay and the agent. Encoding and decoding are pure and bounded.
//
//   relay  hello 1 LOST URLBYTES DAEMONBYTES\n URL DAEMON          once, first
//          event NUMBER AGE HEADERBYTES PAYLOADBYTES\n HEADER PAYLOAD
//   agent  ack NUMBER\n                                            has that event and all before it
//
// LOST is how many events were dropped since the last that was acknowledged; relays of earlier
// versions say 0. NUMBER counts the relay's events from 1; AGE is the microseconds since the relay
// received it, so that its time of receipt survives a wait for the agent. What has not been
// acknowledged is sent again after a reconnect; the agent recognises repeats by supervisord's own
// numbering.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include <poll.h>

#include "base/file.h"
#include "base/log.h"
#include "events/event.h"
#include "events/inbox.h"
#include "events/listener.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::events {

struct Hello {
  EventSource source;
  std::uint64_t lost = 0;
};

struct RelayedEvent {
  std::uint64_t number = 0;
  std::chrono::microseconds age{};
  RawEvent event;
};

[[nodiscard]] std::string encode(const Hello& hello);
[[nodiscard]] std::string encode(const RelayedEvent& event);
[[nodiscard]] std::string encode_acknowledgement(std::uint64_t number);

/// Cuts the bytes of a relay into frames, for the agent.
class RelayFrames {
 public:
  using Frame = std::variant<Hello, RelayedEvent>;
  /// malformed: close the connection.
  [[nodiscard]] base::Result<void> feed(std::string_view bytes,
                                        const std::function<void(Frame)>& sink);

 private:
  std::string buffer_;
};

/// Parses the agent's acknowledgements, for the relay.
class Acknowledgements {
 public:
  /// The highest number acknowledged in these bytes; nothing if none is complete. malformed.
  [[nodiscard]] base::Result<std::optional<std::uint64_t>> feed(std::string_view bytes);

 private:
  std::string buffer_;
};

/// A non-blocking connection. unreachable, socket_missing, conflict (not a stream socket), timeout
/// (its queue is full), denied, invalid_argument (the path), internal.
[[nodiscard]] base::Result<base::Descriptor> connect_unix(const std::string& path);

enum class Transfer { done, would_block, closed };
struct Sent {
  Transfer transfer = Transfer::done;
  std::size_t bytes = 0;
};
/// As much as the socket takes now.
[[nodiscard]] Sent send_some(const base::Descriptor& connection, std::string_view bytes);
/// Replaces `into` with the bytes that are there, at most 64 KiB.
[[nodiscard]] Transfer receive_some(const base::Descriptor& connection, std::string& into);

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
  /// Since the last event that was acknowledged.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

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
  std::uint64_t lost_ = 0;
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

  const EventSource source_;
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

/// The agent's end of the relays: a unix socket where one relay or several (of several
/// supervisords, distinguished by their EventSource) deliver events, which go to the inbox and are
/// acknowledged at once; while the inbox is half full they are left to the relay. Only processes of
/// root or of the agent's own user are accepted. Numbering is remembered across connections, so
/// that events sent again after a reconnect are not counted twice. One thread runs it.
class RelayServer {
 public:
  /// Binds the socket, mode 0600; errors as of http::ListeningSocket::open_unix(). `inbox` and
  /// `clock` must outlive it.
  [[nodiscard]] static base::Result<std::unique_ptr<RelayServer>> listen(const std::string& path,
                                                                         Inbox& inbox,
                                                                         const base::Clock& clock,
                                                                         base::Log log);
  ~RelayServer();  ///< removes the socket
  RelayServer(const RelayServer&) = delete;
  RelayServer& operator=(const RelayServer&) = delete;

  /// Serves until a stop is requested.
  void run(const std::stop_token& stop);

 private:
  struct State;
  explicit RelayServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::events
