#pragma once

// What the agent asks of its own process: signals, environment variables, systemd's notification
// socket and the limit of open files. Signals are blocked before the first thread exists and taken
// one at a time with sigwait, so that no signal handler interrupts other code.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace reeve::app {

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and all that it starts, and ignores SIGPIPE and
/// SIGXFSZ: such writes fail instead.
void block_signals();

/// Unblocks them: a second Ctrl-C during a shutdown ends the process at once.
void restore_signals();

/// The next of the blocked signals.
[[nodiscard]] int wait_for_signal();

/// Sends SIGTERM to this process: wait_for_signal() returns it.
void request_shutdown();

/// Calls `on_signal` for each blocked signal on a thread of its own, until destroyed.
class SignalThread {
 public:
  explicit SignalThread(std::function<void(int signal)> on_signal);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  std::jthread thread_;
};

/// The listening sockets that systemd passes to this process, by their descriptors.
[[nodiscard]] std::vector<int> sockets_of_systemd();

/// An environment variable; nothing if it is unset or empty.
[[nodiscard]] std::optional<std::string> environment_variable(const std::string& name);

/// Sends systemd the state of the service: one datagram to the socket that NOTIFY_SOCKET names;
/// does nothing if systemd did not start this process. `state` as in sd_notify(3): "READY=1",
/// "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…".
void notify_systemd(std::string_view state);

/// From now on this process leaves no core dump, and only root may read its memory or attach a
/// debugger: credentials are in it.
void protect_memory();

/// For a static executable (does nothing in others): host names are looked up in /etc/hosts and by
/// DNS alone, since plugins of nsswitch.conf belong to another C library; certificate authorities
/// are taken from where Debian, Red Hat, SUSE or Alpine keep them, unless SSL_CERT_FILE says
/// otherwise. Before the first thread.
void adapt_to_system();

/// Raises the soft limit of open files up to the hard one, at most to 65536. The limit then.
std::size_t raise_open_file_limit();

/// How many files of processes under /proc each of so many supervisors may keep open, if `limit`
/// files may be open.
[[nodiscard]] std::size_t files_per_supervisor(std::size_t limit, std::size_t supervisors);

}  // namespace reeve::app
