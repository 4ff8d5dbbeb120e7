#include "http/raw_client.h"

#include <array>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace reeve::http {
namespace {

constexpr int patience_milliseconds = 60'000;

bool wait_readable(int descriptor, int milliseconds) {
  pollfd poll{descriptor, POLLIN, 0};
  return ::poll(&poll, 1, milliseconds) == 1;
}

}  // namespace

RawClient::RawClient(std::uint16_t port)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

RawClient::RawClient(const std::string& socket_path)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  socket_path.copy(name.sun_path, sizeof name.sun_path - 1);
  connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

RawClient::RawClient(RawClient&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_) {}

RawClient::~RawClient() {
  close();
}

bool RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::send_end() const {
  ::shutdown(descriptor_, SHUT_WR);
}

std::string RawClient::receive_until(std::string_view end) const {
  std::string text;
  std::array<char, 65536> piece{};
  while (!text.ends_with(end) || end.empty()) {
    if (!wait_readable(descriptor_, patience_milliseconds)) {
      return text + "…";
    }
    const ssize_t size = ::recv(descriptor_, piece.data(), piece.size(), 0);
    if (size <= 0) {
      return text;
    }
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
  return text;
}

std::string RawClient::receive_all() const {
  return receive_until("");
}

bool RawClient::is_closed() const {
  std::array<char, 65536> piece{};
  while (wait_readable(descriptor_, 0)) {
    if (::recv(descriptor_, piece.data(), piece.size(), 0) <= 0) {
      return true;
    }
  }
  return false;
}

std::string RawClient::get(std::string_view path, std::string_view end) const {
  send("GET " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n\r\n");
  return receive_until(end);
}

void RawClient::close() {
  if (descriptor_ >= 0) {
    ::close(std::exchange(descriptor_, -1));
  }
}

}  // namespace reeve::http
