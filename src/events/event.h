#pragma once

// What supervisord sends to its event listeners, as values, and how its text is parsed:
// `ver:3.0 server:… serial:… pool:… poolserial:… eventname:… len:…`, a newline, and a payload of
// `len` code points (supervisord 4) or bytes (3). No event but TICK carries a time: consumers get
// the time of receipt, up to about a second after the fact. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "reeve/base/clock.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::events {

/// PROCESS_STATE_*: a process has entered a state.
struct StateChange {
  substrate::InstanceName name;
  substrate::InstanceState to = substrate::InstanceState::unknown;
  substrate::InstanceState from = substrate::InstanceState::unknown;
  std::optional<std::int64_t> tries;  ///< STARTING (0 first) and BACKOFF (1 first)
  /// RUNNING, STOPPING, STOPPED, EXITED. Not STARTING: the pid comes with RUNNING.
  std::optional<substrate::Pid> pid;
  std::optional<bool> expected;  ///< EXITED; the exit code is nowhere in the event
  friend bool operator==(const StateChange&, const StateChange&) = default;
};

/// PROCESS_GROUP_ADDED, PROCESS_GROUP_REMOVED.
struct GroupChange {
  enum class Kind { added, removed };
  Kind kind = Kind::added;
  std::string group;
  friend bool operator==(const GroupChange&, const GroupChange&) = default;
};

/// SUPERVISOR_STATE_CHANGE_RUNNING; _STOPPING: it shuts down or restarts.
struct ManagerChange {
  enum class Kind { running, stopping };
  Kind kind = Kind::running;
  friend bool operator==(const ManagerChange&, const ManagerChange&) = default;
};

/// TICK_5, TICK_60, TICK_3600.
struct Tick {
  std::chrono::seconds period{};
  substrate::ManagerTime when;  ///< a multiple of the period
  friend bool operator==(const Tick&, const Tick&) = default;
};

/// REMOTE_COMMUNICATION: sent to all listeners by a caller of sendRemoteCommEvent.
struct RemoteCommunication {
  std::string type;  ///< unchecked by supervisord; up to the first newline
  std::string data;  ///< bounded: a long one is cut
  friend bool operator==(const RemoteCommunication&, const RemoteCommunication&) = default;
};

/// An event of another type; listeners get some without having subscribed to them.
struct OtherEvent {
  friend bool operator==(const OtherEvent&, const OtherEvent&) = default;
};

/// The position of an event among all events, and among those of its pool.
struct Serials {
  std::uint64_t serial = 0;       ///< counts through the daemon's life, a restart by RPC included
  std::uint64_t pool_serial = 0;  ///< from 0 again when the pool is created again
  friend bool operator==(const Serials&, const Serials&) = default;
};

struct Event {
  std::string server;  ///< supervisord's `identifier`: any text
  std::string pool;    ///< the listener's section, which is its group
  std::string type;    ///< `eventname`
  Serials serials;
  std::variant<StateChange, GroupChange, ManagerChange, Tick, RemoteCommunication, OtherEvent> what;
  friend bool operator==(const Event&, const Event&) = default;
};

/// Longer than any header of supervisord, whatever its identifier is.
inline constexpr std::size_t max_header_bytes = std::size_t{8} * 1024;
/// Of longer payloads (logs, remote communication) only the beginning is kept.
inline constexpr std::size_t max_payload_kept = std::size_t{16} * 1024;

/// An event as it came.
struct RawEvent {
  std::string header;   ///< without its newline
  std::string payload;  ///< its first max_payload_kept bytes
  friend bool operator==(const RawEvent&, const RawEvent&) = default;
};

struct EventHeader {
  std::string server;
  std::string pool;
  std::string type;
  Serials serials;
  std::uint64_t length = 0;  ///< of the payload, in code points or bytes
};

/// Parses from the right, since the identifier may contain anything. malformed.
[[nodiscard]] base::Result<EventHeader> parse_header(std::string_view line);

/// malformed: the payload is not what an event of a known type has. An event of an unknown type is
/// an OtherEvent, whatever its payload.
[[nodiscard]] base::Result<Event> parse_event(EventHeader header, std::string_view payload);

/// supervisord's event types, those that only group others left out; at the end "other".
[[nodiscard]] std::span<const std::string_view> type_labels();
/// The event's type if it is one of type_labels(), else "other".
[[nodiscard]] std::string_view type_label(std::string_view type);

}  // namespace reeve::events
