#include "xmlrpc/client_fixture.h"

#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace reeve::xmlrpc {

ClientOptions options_for(const std::string& url) {
  const auto endpoint = base::Endpoint::parse(url, "/RPC2");
  if (!endpoint) {
    throw std::runtime_error(endpoint.error().message);
  }
  ClientOptions options;
  options.endpoint = *endpoint;
  return options;
}

base::Deadline after(base::Duration span, std::stop_token stop) {
  static const base::SystemClock clock;
  return base::Deadline::after(clock, span, std::move(stop));
}

base::Deadline patient() {
  return after(std::chrono::seconds(60));
}

base::Error failure(const ClientOptions& options, const base::Deadline& deadline) {
  const auto answer = Client(options).call(get_state, deadline);
  if (answer) {
    throw std::runtime_error("the call has not failed");
  }
  return answer.error();
}

UnacceptedSocket::UnacceptedSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const auto open = [&] {
    return sockets_.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  };
  const int listener = open();
  if (::bind(listener, generic, sizeof address) != 0 || ::listen(listener, 0) != 0) {
    throw std::runtime_error("cannot listen on " + path);
  }
  while (::connect(open(), generic, sizeof address) == 0) {
  }
}

UnacceptedSocket::~UnacceptedSocket() {
  for (const int socket : sockets_) {
    ::close(socket);
  }
}

Ipv6Listener::Ipv6Listener() : socket_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket_, generic, size) == 0 && ::listen(socket_, 1) == 0 &&
      ::getsockname(socket_, generic, &size) == 0) {
    port_ = ::ntohs(address.sin6_port);
  }
}

Ipv6Listener::~Ipv6Listener() {
  ::close(socket_);
}

}  // namespace reeve::xmlrpc
