#pragma once

// `reeve relay-events`: a tiny listener that supervisord runs, for an agent that it does not run.
// It passes supervisord's events to the agent's unix socket, in order and with their time of
// receipt, and reconnects for as long as it takes.
//
// An event is acknowledged to supervisord as soon as it is in the relay's memory, since
// supervisord's own buffer is small and shared, and forgotten as soon as the agent has said that it
// has it. So a restart of the agent loses nothing that fits the buffer. What does not fit, or dies
// with the relay, the agent notices by supervisord's numbering and counts as a gap.
//
// One thread runs it. SIGPIPE must be ignored in the process.

#include <chrono>
#include <stop_token>
#include <string>

#include "base/log.h"
#include "events/event_reader.h"
#include "events/inbox.h"
#include "reeve/base/result.h"

namespace reeve::events {

struct RelayOptions {
  std::string socket;                                       ///< where the agent listens
  std::size_t buffer_bytes = std::size_t{8} * 1024 * 1024;  ///< about 25 000 events
  /// How long to go on delivering once supervisord has ended the conversation, or a stop.
  base::Duration drain = std::chrono::seconds(1);
};

/// Who speaks to this listener: its parent process is supervisord, and `server_url` its
/// SUPERVISOR_SERVER_URL.
[[nodiscard]] Source source_of_listener(std::string server_url);

/// Relays until supervisord closes our input or a stop is requested: success. malformed and
/// unreachable as EventReader::run().
[[nodiscard]] base::Result<void> relay_events(Streams streams, const Source& source,
                                              const RelayOptions& options, const base::Clock& clock,
                                              const base::Log& log, const std::stop_token& stop);

}  // namespace reeve::events
