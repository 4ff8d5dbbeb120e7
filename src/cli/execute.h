#pragma once

// Runs a one-shot command to its end on the caller's thread. Results go to standard output as
// they come, errors and notices to standard error. Talks to supervisord directly, past the
// agent's guards and audit.

#include <stop_token>

#include "cli/command.h"
#include "cli/surroundings.h"

namespace reeve::cli {

/// The exit code, which is supervisorctl's for the commands that it has. A stop request (a
/// signal) ends every wait; but a restart whose stop is done does its start first.
/// `invocation` holds any command but Serve, which the composition root runs itself.
[[nodiscard]] int execute(const Invocation& invocation, const Surroundings& surroundings,
                          const std::stop_token& stop);

/// For sysexits-minded callers: a configuration error of `serve` (EX_CONFIG).
inline constexpr int exit_bad_configuration = 78;

}  // namespace reeve::cli
