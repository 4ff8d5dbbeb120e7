#include "support/child_process.h"

#include <cerrno>
#include <csignal>

#include <sys/wait.h>

namespace reeve::tests {

void freeze(pid_t child) {
  ::kill(child, SIGSTOP);
  siginfo_t info = {};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
}

void thaw(pid_t child) {
  ::kill(child, SIGCONT);
}

}  // namespace reeve::tests
