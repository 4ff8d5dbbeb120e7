#pragma once

// `reeve serve`: runs the agent until SIGTERM or SIGINT; SIGHUP reloads.

#include "cli/command.h"
#include "cli/surroundings.h"

namespace reeve::app {

/// The exit code: 0 after a requested end, 78 for an invalid configuration, 1 where a listener
/// cannot be opened. Signals are blocked already.
[[nodiscard]] int serve(const cli::CommonOptions& options, const cli::Surroundings& surroundings);

}  // namespace reeve::app
