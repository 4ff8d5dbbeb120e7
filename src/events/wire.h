#pragma once

// An event as supervisord writes it: `ver:3.0 server:… serial:… pool:… poolserial:… eventname:…
// len:…`, a newline, and a payload of `len` code points (supervisord 4) or bytes (3). Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "events/event.h"
#include "reeve/base/result.h"

namespace reeve::events {

/// No header of supervisord's comes near it, whatever its identifier is.
inline constexpr std::size_t max_header_bytes = std::size_t{8} * 1024;
/// Of longer payloads (logs, remote communication) only the beginning is kept.
inline constexpr std::size_t max_payload_kept = std::size_t{16} * 1024;

/// An event still in its own bytes.
struct RawEvent {
  std::string header;   ///< without its newline
  std::string payload;  ///< its first max_payload_kept bytes
  friend bool operator==(const RawEvent&, const RawEvent&) = default;
};

struct Header {
  std::string server;
  std::string pool;
  std::string type;
  Serials serials;
  std::uint64_t length = 0;  ///< of the payload, in code points or bytes
};

/// Reads from the right, since the identifier may hold anything. malformed.
[[nodiscard]] base::Result<Header> parse_header(std::string_view line);

/// malformed: the header is broken, or the payload is not what an event of a known type has. An
/// event of an unknown type is an OtherEvent, whatever its payload.
[[nodiscard]] base::Result<Event> parse_event(const RawEvent& raw);

}  // namespace reeve::events
