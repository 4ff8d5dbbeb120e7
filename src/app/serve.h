#pragma once

// The two commands that run until they are stopped: `reeve serve`, the agent, and `reeve
// relay-events`, which supervisord runs as an event listener. Both on the main thread, with signals
// blocked; errors before the log exists go to standard error.

#include <optional>
#include <stop_token>
#include <string>

#include "base/log.h"
#include "config/settings.h"
#include "reeve/base/clock.h"

namespace reeve::app {

/// An invalid configuration (EX_CONFIG of sysexits.h).
inline constexpr int exit_bad_configuration = 78;

/// What both take from the command line and the process.
struct ServiceContext {
  config::SettingsOptions options;
  config::SettingsSources sources;
  const base::Clock* clock = nullptr;
};

/// Runs the agent until SIGTERM or SIGINT; SIGHUP reloads the configuration. The exit code: 0 after
/// a signal or when supervisord closed the agent's standard input, 78 for an invalid configuration,
/// 1 if a listener cannot be opened or the event stream broke.
[[nodiscard]] int serve(const ServiceContext& context);

/// Passes events on to the agent's `socket`, or events.socket of the configuration, until
/// supervisord closes standard input or a stop is requested. The exit code: 0; 78 for an invalid
/// configuration or one without a socket; 1 after an error, so that supervisord restarts it.
[[nodiscard]] int relay_events(const std::optional<std::string>& socket,
                               const ServiceContext& context, const std::stop_token& stop);

/// Prints every error with its place; returns the exit code.
[[nodiscard]] int report_settings_error(const config::SettingsError& error);

}  // namespace reeve::app
