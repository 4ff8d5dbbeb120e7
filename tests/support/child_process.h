#pragma once

// What tests do to the processes that they have started.

#include <sys/types.h>

namespace reeve::tests {

/// Sends SIGSTOP and waits until all its threads have stopped: until then it may still answer. Also
/// returns if the child has exited; it is not reaped.
void freeze(pid_t child);
void thaw(pid_t child);

}  // namespace reeve::tests
