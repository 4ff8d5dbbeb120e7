#include "app/process.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::app {
namespace {

TEST_CASE("SignalThread: calls back for a signal, and ends when destroyed") {
  block_signals();
  std::atomic<int> received = 0;
  {
    const SignalThread thread([&](int signal) { received = signal; });
    REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    CHECK(tests::eventually(std::chrono::seconds(60), [&] { return received == SIGTERM; }));
  }
  restore_signals();
}

TEST_CASE("wait_for_signal: returns a signal that came before") {
  block_signals();
  REQUIRE(::kill(::getpid(), SIGHUP) == 0);
  CHECK(wait_for_signal() == SIGHUP);
  restore_signals();
}

/// systemd's end of NOTIFY_SOCKET.
class NotifySocket {
 public:
  NotifySocket() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(std::begin(address.sun_path), sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::setenv("NOTIFY_SOCKET", path_.c_str(), 1) == 0);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
    std::filesystem::remove(path_);
  }

  [[nodiscard]] std::string received() const {
    std::array<char, 256> text{};
    const ssize_t length = ::recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    return length < 0 ? "nothing" : std::string(text.data(), static_cast<std::size_t>(length));
  }

 private:
  std::string path_ =
      (std::filesystem::temp_directory_path() / ("reeve-notify-" + std::to_string(::getpid())))
          .string();
  int socket_;
};

TEST_CASE("notify_systemd: sends one datagram") {
  const NotifySocket systemd;
  notify_systemd("READY=1");
  CHECK(systemd.received() == "READY=1");
  CHECK(systemd.received() == "nothing");
}

TEST_CASE("notify_systemd: does nothing without NOTIFY_SOCKET") {
  ::unsetenv("NOTIFY_SOCKET");
  CHECK_NOTHROW(notify_systemd("READY=1"));
}

struct LimitRestored {
  LimitRestored() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0); }
  LimitRestored(const LimitRestored&) = delete;
  LimitRestored& operator=(const LimitRestored&) = delete;
  ~LimitRestored() { ::setrlimit(RLIMIT_NOFILE, &limit); }
  rlimit limit{};
};

TEST_CASE("protect_memory: the process leaves no core dump") {
  REQUIRE(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
  protect_memory();
  CHECK(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

TEST_CASE("raise_open_file_limit: raises the soft limit to the hard one, never lowers it") {
  const LimitRestored original;
  const rlimit low{256, original.limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const std::size_t raised = raise_open_file_limit();
  CHECK(raised == std::min<rlim_t>(original.limit.rlim_max, 65536));
  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == raised);
  const rlimit high{original.limit.rlim_max, original.limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &high) == 0);
  CHECK(raise_open_file_limit() == original.limit.rlim_max);
}

TEST_CASE("files_per_supervisor: equal shares of half the limit, at most 8192 in all") {
  CHECK(files_per_supervisor(1024, 1) == 512);
  CHECK(files_per_supervisor(1024, 4) == 128);
  CHECK(files_per_supervisor(65536, 1) == 8192);
  CHECK(files_per_supervisor(65536, 8) == 1024);
  CHECK(files_per_supervisor(0, 0) == 0);
}

}  // namespace
}  // namespace reeve::app
