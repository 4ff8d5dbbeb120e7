#pragma once

// What a relay and the agent say to each other over the agent's unix socket.
//
//   relay  hello 1 0 URLBYTES DAEMONBYTES\n URL DAEMON             once, first
//          event NUMBER AGE HEADERBYTES PAYLOADBYTES\n HEADER PAYLOAD
//   agent  ack NUMBER\n                                            has that event and all before it
//
// NUMBER counts the relay's events from 1; AGE is the microseconds since the relay received it, so
// that its time of receipt survives a wait for the agent. What has not been acknowledged is sent
// again after a reconnect; what has come twice the agent sees from supervisord's own numbering.
// Pure; bounded.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "events/inbox.h"
#include "events/wire.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::events {

struct Hello {
  Source source;
};

struct RelayedEvent {
  std::uint64_t number = 0;
  std::chrono::microseconds age{};
  RawEvent event;
};

[[nodiscard]] std::string encode(const Hello& hello);
[[nodiscard]] std::string encode(const RelayedEvent& event);
[[nodiscard]] std::string encode_acknowledgement(std::uint64_t number);

/// The agent's ear: cuts what a relay sends.
class RelayFrames {
 public:
  using Frame = std::variant<Hello, RelayedEvent>;
  /// malformed, and the connection is of no use any more.
  [[nodiscard]] base::Result<void> feed(std::string_view bytes,
                                        const std::function<void(Frame)>& sink);

 private:
  struct Shape;
  [[nodiscard]] base::Result<Shape> parse_line(std::string_view line) const;

  std::string buffer_;
};

/// The relay's ear.
class Acknowledgements {
 public:
  /// The highest number acknowledged in these bytes; nothing if none is whole. malformed.
  [[nodiscard]] base::Result<std::optional<std::uint64_t>> feed(std::string_view bytes);

 private:
  std::string buffer_;
};

}  // namespace reeve::events
