#pragma once

// Where the agent's events come from: supervisord itself, which runs the agent as its listener and
// speaks on standard input, and relays, which deliver to a socket. A thread for each; they put
// events into the fleet's inbox and do nothing else.

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/log.h"
#include "cli/surroundings.h"
#include "events/event_reader.h"
#include "events/options.h"
#include "events/relay_server.h"
#include "reeve/base/result.h"

namespace reeve::app {

/// Whether to speak the listener protocol. `automatic`: SUPERVISOR_ENABLED is set, which
/// supervisord does for its children, and standard input is a pipe, which it gives them. A program
/// of supervisord that is no listener prints one line, READY, and never gets an event.
[[nodiscard]] bool is_listener(events::Options::Stream stream,
                               const cli::Surroundings& surroundings);

class EventSources {
 public:
  /// `streams`: standard input and output, if supervisord speaks there. `inbox` and `clock` must
  /// outlive it.
  EventSources(events::Inbox& inbox, const base::Clock& clock, base::Log log);
  ~EventSources();  ///< stops
  EventSources(const EventSources&) = delete;
  EventSources& operator=(const EventSources&) = delete;

  /// Lets relays deliver there. Errors as RelayServer::listen().
  [[nodiscard]] base::Result<void> listen(const std::string& socket);
  /// Reads until supervisord ends the conversation, or it cannot go on; `on_end` is told then, on
  /// the reading thread.
  void read(events::Streams streams, events::Source source,
            std::function<void(const base::Result<void>&)> on_end);
  /// Joins both threads. Safe to call twice.
  void stop();

 private:
  /// A thread's entry: nothing is thrown out of it.
  void guarded(std::string_view doing, const std::function<void()>& run) const;

  events::Inbox& inbox_;
  const base::Clock& clock_;
  const base::Log log_;
  std::unique_ptr<events::RelayServer> relays_;
  std::jthread relay_thread_;
  std::jthread reader_thread_;
};

}  // namespace reeve::app
