#pragma once

// What tests do to the processes that they have started.

#include <sys/types.h>

namespace reeve::tests {

/// SIGSTOP, and waits until all its threads stand still: until then it may answer still. Returns,
/// too, if it has ended; that is left to be waited for.
void freeze(pid_t child);
void thaw(pid_t child);

}  // namespace reeve::tests
