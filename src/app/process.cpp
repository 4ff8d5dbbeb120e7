#include "app/process.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#ifdef REEVE_STATIC
#include <nss.h>
#endif
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

namespace reeve::app {
namespace {

/// Ends SignalThread's sigwait; blocked like the others.
constexpr int wake_signal = SIGUSR2;

sigset_t blocked_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, wake_signal}) {
    sigaddset(&set, signal);
  }
  return set;
}

constexpr rlim_t max_open_files = 65536;
/// For all supervisors together: two for each of 4096 processes.
constexpr std::size_t max_process_files = 8192;

}  // namespace

void block_signals() {
  const sigset_t set = blocked_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGXFSZ, &ignore, nullptr);  // a write beyond RLIMIT_FSIZE fails, as on a full disk
}

void restore_signals() {
  const sigset_t set = blocked_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int wait_for_signal() {
  const sigset_t set = blocked_signals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0 || signal == wake_signal) {
  }
  return signal;
}

void request_shutdown() {
  ::kill(::getpid(), SIGTERM);
}

SignalThread::SignalThread(std::function<void(int signal)> on_signal)
    : thread_([on_signal = std::move(on_signal)](const std::stop_token& stop) {
        const sigset_t set = blocked_signals();
        int signal = 0;
        while (sigwait(&set, &signal) == 0 && !stop.stop_requested()) {
          if (signal != wake_signal) {
            on_signal(signal);
          }
        }
      }) {}

SignalThread::~SignalThread() {
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), wake_signal);
}

std::optional<std::string> environment_variable(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread changes the environment
  const char* const value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::vector<int> sockets_of_systemd() {
  constexpr int first = 3;
  constexpr int most = 64;
  const auto pid = base::parse_number<int>(environment_variable("LISTEN_PID").value_or(""));
  const auto count = base::parse_number<int>(environment_variable("LISTEN_FDS").value_or(""));
  std::vector<int> sockets;
  for (int each = 0; pid == ::getpid() && each < std::min(count.value_or(0), most); ++each) {
    sockets.push_back(first + each);
  }
  return sockets;
}

void notify_systemd(std::string_view state) {
  sockaddr_un address{};
  const std::string name = environment_variable("NOTIFY_SOCKET").value_or("");
  if (name.empty() || name.size() >= sizeof address.sun_path) {
    return;
  }
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), std::begin(address.sun_path));
  if (name.front() == '@') {
    address.sun_path[0] = '\0';  // the abstract namespace
  }
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return;
  }
  // Not an error if systemd does not listen.
  [[maybe_unused]] const ssize_t sent = ::sendto(
      socket, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
  ::close(socket);
}

void protect_memory() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void adapt_to_system() {
#ifdef REEVE_STATIC
  ::__nss_configure_lookup("hosts", "files dns");
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (::access(file, R_OK) == 0) {
      ::setenv("SSL_CERT_FILE", file, 0);
      return;
    }
  }
#endif
}

std::size_t raise_open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  const rlimit raised{std::max(limit.rlim_cur, std::min(limit.rlim_max, max_open_files)),
                      limit.rlim_max};
  // prlimit, not setrlimit, which the unit's SystemCallFilter does not allow.
  const rlimit& now = ::prlimit(0, RLIMIT_NOFILE, &raised, nullptr) == 0 ? raised : limit;
  return static_cast<std::size_t>(now.rlim_cur);
}

std::size_t files_per_supervisor(std::size_t limit, std::size_t supervisors) {
  // The other half is for connections and everything else.
  return std::min(limit / 2, max_process_files) / std::max<std::size_t>(supervisors, 1);
}

}  // namespace reeve::app
