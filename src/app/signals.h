#pragma once

// Signals as values: blocked before the first thread exists and then taken one at a time, so
// that no handler ever runs in the middle of something.

#include <functional>
#include <thread>

namespace reeve::app {

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and all that it starts, and ignores SIGPIPE.
void block_signals();

/// From here on SIGINT and SIGTERM end the process at once: a second Ctrl-C during a shutdown.
void restore_signals();

/// The next of the blocked signals.
[[nodiscard]] int wait_for_signal();

/// As SIGTERM would: whoever waits for a signal gets it.
void ask_to_end();

/// Calls `act` for each blocked signal on a thread of its own, until destroyed.
class SignalThread {
 public:
  explicit SignalThread(std::function<void(int signal)> act);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace reeve::app
