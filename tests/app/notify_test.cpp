#include "app/notify.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/catch.h"

namespace reeve::app {
namespace {

/// The service manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(std::begin(address.sun_path), sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::setenv("NOTIFY_SOCKET", path_.c_str(), 1) == 0);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
    std::filesystem::remove(path_);
  }

  [[nodiscard]] std::string heard() const {
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

TEST_CASE("the service manager hears what it is told, in one datagram") {
  const Manager manager;
  notify_manager("READY=1");
  CHECK(manager.heard() == "READY=1");
  CHECK(manager.heard() == "nothing");
}

TEST_CASE("without a service manager nobody is told, and nothing breaks") {
  ::unsetenv("NOTIFY_SOCKET");
  CHECK_NOTHROW(notify_manager("READY=1"));
}

}  // namespace
}  // namespace reeve::app
