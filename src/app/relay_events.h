#pragma once

// `reeve relay-events`: supervisord runs it as a listener, and it passes the events on.

#include <stop_token>

#include "cli/command.h"
#include "cli/surroundings.h"

namespace reeve::app {

/// Runs until supervisord ends the conversation or a stop is requested. The exit code: 0; 78 for a
/// configuration that is wrong or names no socket; 1 if it cannot go on, so that supervisord starts
/// it anew.
[[nodiscard]] int relay_events(const cli::RelayEvents& command, const cli::CommonOptions& options,
                               const cli::Surroundings& surroundings, const std::stop_token& stop);

}  // namespace reeve::app
