#include "app/signals.h"

#include <csignal>
#include <utility>

#include <pthread.h>
#include <unistd.h>

namespace reeve::app {
namespace {

/// Wakes SignalThread when it is to end; blocked like the others.
constexpr int end_of_thread = SIGUSR2;

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, end_of_thread}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

void restore_signals() {
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int wait_for_signal() {
  const sigset_t set = taken_signals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0 || signal == end_of_thread) {
  }
  return signal;
}

void ask_to_end() {
  ::kill(::getpid(), SIGTERM);
}

SignalThread::SignalThread(std::function<void(int signal)> act)
    : thread_([act = std::move(act)](const std::stop_token& stop) {
        const sigset_t set = taken_signals();
        int signal = 0;
        while (sigwait(&set, &signal) == 0 && !stop.stop_requested()) {
          if (signal != end_of_thread) {
            act(signal);
          }
        }
      }) {}

SignalThread::~SignalThread() {
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), end_of_thread);
}

}  // namespace reeve::app
