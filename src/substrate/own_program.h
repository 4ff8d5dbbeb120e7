#pragma once

// Reeve may itself be a program of the supervisord that it acts on. Actions on all processes or
// on a pattern leave it out: it would stop itself in the middle. Pure functions.

#include <string>
#include <vector>

#include "reeve/substrate/administration.h"

namespace reeve::substrate {

/// True if the program's command runs an executable named `reeve` with `serve` or
/// `relay-events`, also behind programs that run another (env, sudo, nice, timeout, …) and in the
/// text that a shell is given. False where the manager tells no command, or where a script of
/// another name runs it: that is told by the agent's environment and the host's processes.
[[nodiscard]] bool runs_reeve(const ProgramConfig& program);
/// The same of a running process: the words of its command line. `is_reeve`: its executable is
/// Reeve's, whatever it is called.
[[nodiscard]] bool runs_reeve(const std::vector<std::string>& words, bool is_reeve);

}  // namespace reeve::substrate
