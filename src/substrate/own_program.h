#pragma once

// Reeve may itself be a program of the supervisord that it acts on. Actions on all processes or
// on a pattern leave it out: it would stop itself in the middle. A pure function.

#include "reeve/substrate/administration.h"

namespace reeve::substrate {

/// True if the program's command runs an executable named `reeve` with `serve` or
/// `relay-events`, also behind `env` or `exec`. False where the manager tells no command.
[[nodiscard]] bool runs_reeve(const ProgramConfig& program);

}  // namespace reeve::substrate
