#pragma once

// supervisorctl's exit codes, as far as it has the command, so that scripts move over unchanged.

#include "reeve/base/error.h"

namespace reeve::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_running = 3;     ///< status: something selected does not run
inline constexpr int exit_unknown = 4;         ///< status: no such process; refused elsewhere
inline constexpr int exit_program_failed = 7;  ///< a spawn error; or the socket is missing

enum class Verb {
  list,
  status,
  start,
  stop,
  restart,
  signal,
  pid,
  tail,
  clear,
  reread,
  update,
  healthcheck,
  ask_agent,  ///< whatever it is asked
};

/// Total over both.
[[nodiscard]] int exit_code(Verb verb, base::ErrorKind kind);

}  // namespace reeve::cli
