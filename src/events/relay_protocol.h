#pragma once

// The protocol between a relay and the agent over the agent's unix socket, and the few socket calls
// that both make. Encoding and decoding are pure and bounded.
//
//   relay  hello 1 0 URLBYTES DAEMONBYTES\n URL DAEMON             once, first
//          event NUMBER AGE HEADERBYTES PAYLOADBYTES\n HEADER PAYLOAD
//   agent  ack NUMBER\n                                            has that event and all before it
//
// NUMBER counts the relay's events from 1; AGE is the microseconds since the relay received it, so
// that its time of receipt survives a wait for the agent. What has not been acknowledged is sent
// again after a reconnect; the agent recognises repeats by supervisord's own numbering.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "base/file.h"
#include "events/event.h"
#include "events/inbox.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::events {

struct Hello {
  EventSource source;
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

}  // namespace reeve::events
