#include <iostream>

#include "app/process.h"
#include "app/serve.h"
#include "events/relay.h"

namespace reeve::app {
namespace {

constexpr std::string_view no_socket =
    "reeve: relay-events needs the agent's socket: set events.socket in the configuration, for the "
    "agent as for the relay, or give --socket PATH\n";

}  // namespace

int relay_events(const std::optional<std::string>& socket_option, const ServiceContext& context,
                 const std::stop_token& stop) {
  // First: anything else written to standard output would break the listener protocol.
  auto streams = events::take_standard_streams();
  const config::FoundConfig found =
      config::find_config(context.options, config::Purpose::agent, context.sources);
  auto loaded = found.path.empty() ? config::default_config()
                                   : config::load(found.path, {.part = config::Part::relay});
  if (!loaded && !socket_option) {
    return report_settings_error({.errors = std::move(loaded.error())});
  }
  const config::Config config = loaded ? *std::move(loaded) : config::default_config();
  const std::string socket = socket_option.value_or(config.events.socket);
  if (socket.empty()) {
    std::cerr << no_socket;
    return exit_bad_configuration;
  }
  const base::Log log(base::make_stderr_sink(config.log));
  const auto source =
      events::source_of_listener(context.sources.variable("SUPERVISOR_SERVER_URL").value_or(""));
  const auto relayed = streams.and_then([&](events::Streams& both) {
    return events::relay_events(std::move(both), source, {.socket = socket}, *context.clock, log,
                                stop);
  });
  if (!relayed) {
    log.error("the relay ends after an error", {{"error", relayed.error().message}});
  }
  return relayed ? 0 : 1;
}

}  // namespace reeve::app
