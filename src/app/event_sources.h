#pragma once

// The threads that read events: one for supervisord's event stream on standard input, if it runs
// the agent as its listener, and one for relays, which send events to a socket. They put events
// into the monitor's inbox and do nothing else.

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/log.h"
#include "events/listener.h"
#include "events/options.h"
#include "events/relay.h"
#include "reeve/base/result.h"

namespace reeve::app {

/// Whether to speak the listener protocol. `automatic`: if supervisord's variable
/// SUPERVISOR_ENABLED is set and standard input is a pipe, as supervisord gives its children. In a
/// [program:...] section the agent then prints one line, READY, and never gets an event.
[[nodiscard]] bool is_listener(events::Options::Stream stream);

class EventSources {
 public:
  /// `inbox` and `clock` must outlive it.
  EventSources(events::Inbox& inbox, const base::Clock& clock, base::Log log);
  ~EventSources();  ///< stops
  EventSources(const EventSources&) = delete;
  EventSources& operator=(const EventSources&) = delete;

  /// Accepts relays on a unix socket. Errors as RelayServer::listen().
  [[nodiscard]] base::Result<void> listen(const std::string& socket);
  /// Reads until supervisord closes the stream or an error; `on_end` is then called on the reading
  /// thread, unless stop() was.
  void read(events::Streams streams, events::EventSource source,
            std::function<void(const base::Result<void>&)> on_end);
  /// Joins both threads. Safe to call twice.
  void stop();

 private:
  events::Inbox& inbox_;
  const base::Clock& clock_;
  const base::Log log_;
  std::unique_ptr<events::RelayServer> relays_;
  std::jthread relay_thread_;
  std::jthread reader_thread_;
};

}  // namespace reeve::app
