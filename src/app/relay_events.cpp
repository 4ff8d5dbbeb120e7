#include "app/relay_events.h"

#include <ostream>

#include "app/bad_settings.h"
#include "events/relay.h"

namespace reeve::app {
namespace {

constexpr std::string_view no_socket =
    "reeve: relay-events needs the agent's socket: set events.socket in the configuration, for the "
    "agent as for the relay, or say --socket PATH\n";

}  // namespace

int relay_events(const cli::RelayEvents& command, const cli::CommonOptions& options,
                 const cli::Surroundings& surroundings, const std::stop_token& stop) {
  // First of all: what is printed on standard output would break the conversation for good.
  auto streams = events::take_standard_streams();
  const auto settings = cli::settle(options, cli::Purpose::agent, surroundings);
  if (!settings && !command.socket) {
    return refuse(settings.error(), *surroundings.console.err);
  }
  const config::Config config = settings ? settings->config : config::default_config();
  const std::string socket = command.socket.value_or(config.events.socket);
  if (socket.empty()) {
    *surroundings.console.err << no_socket;
    return cli::exit_bad_configuration;
  }
  const base::Log log(base::make_stderr_sink(config.log));
  const auto source =
      events::source_of_listener(surroundings.variable("SUPERVISOR_SERVER_URL").value_or(""));
  const auto relayed = streams.and_then([&](events::Streams& both) {
    return events::relay_events(std::move(both), source, {.socket = socket}, *surroundings.clock,
                                log, stop);
  });
  if (!relayed) {
    log.error("the relay cannot go on", {{"error", relayed.error().message}});
  }
  return relayed ? 0 : 1;
}

}  // namespace reeve::app
