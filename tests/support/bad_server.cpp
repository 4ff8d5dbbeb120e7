#include "support/bad_server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

namespace reeve::tests {
namespace {

using namespace std::chrono_literals;

// How often a wait looks whether the server is to end.
constexpr std::chrono::milliseconds glance = 20ms;

bool ready(int socket, short events, std::chrono::milliseconds time) {
  pollfd wanted{socket, events, 0};
  return ::poll(&wanted, 1, static_cast<int>(time.count())) > 0;
}

void listen_at(int socket, const sockaddr* address, socklen_t size) {
  constexpr int backlog = 1024;
  if (::bind(socket, address, size) != 0 || ::listen(socket, backlog) != 0) {
    throw std::runtime_error("the bad server cannot listen");
  }
}

std::size_t announced_bytes(std::string_view header) {
  constexpr std::string_view field = "Content-Length: ";
  const std::size_t found = header.find(field);
  if (found == std::string_view::npos) {
    return 0;
  }
  const std::string_view rest = header.substr(found + field.size());
  return base::parse_number<std::size_t>(rest.substr(0, rest.find('\r'))).value_or(0);
}

struct Visit {
  std::atomic<bool> over = false;
  std::jthread thread;
};

}  // namespace

BadConnection::BadConnection(BadServer& server, int socket, std::stop_token stop)
    : server_(server), socket_(socket), stop_(std::move(stop)) {}

BadConnection::~BadConnection() {
  ::close(socket_);
}

bool BadConnection::read_request() {
  std::string request;
  std::size_t wanted = std::string::npos;
  while (request.size() < wanted) {
    if (stop_.stop_requested()) {
      return false;
    }
    if (!ready(socket_, POLLIN, glance)) {
      continue;
    }
    char block[4096];
    const ssize_t got = ::recv(socket_, block, sizeof block, 0);
    if (got <= 0) {
      return false;
    }
    request.append(block, static_cast<std::size_t>(got));
    const std::size_t end = request.find("\r\n\r\n");
    if (end != std::string::npos) {
      wanted = end + 4 + announced_bytes(request.substr(0, end));
    }
  }
  server_.requests_.with([&](auto& requests) { requests.push_back(request); });
  request_ = std::move(request);
  return true;
}

bool BadConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (stop_.stop_requested()) {
      return false;
    }
    if (!ready(socket_, POLLOUT, glance)) {
      continue;
    }
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
  return true;
}

bool BadConnection::closed_within(std::chrono::milliseconds time) {
  if (!ready(socket_, POLLIN, time)) {
    return stop_.stop_requested();
  }
  char block[4096];
  return ::recv(socket_, block, sizeof block, MSG_DONTWAIT) <= 0;
}

void BadConnection::wait_until_closed() {
  while (!closed_within(glance)) {
  }
}

void BadConnection::reset_on_close() {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

BadServer::BadServer(Script script) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  listen_at(listener_, generic, size);
  ::getsockname(listener_, generic, &size);
  url_ = "http://127.0.0.1:" + std::to_string(::ntohs(address.sin_port)) + "/RPC2";
  start(std::move(script));
}

BadServer::BadServer(Script script, const std::string& socket_path)
    : url_("unix://" + socket_path) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  listen_at(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  start(std::move(script));
}

BadServer::~BadServer() {
  acceptor_.request_stop();
  acceptor_.join();
  ::close(listener_);
}

void BadServer::start(Script script) {
  acceptor_ = std::jthread(
      [this, script = std::move(script)](const std::stop_token& stop) { serve(script, stop); });
}

void BadServer::serve(const Script& script, const std::stop_token& stop) {
  std::list<Visit> visits;
  while (!stop.stop_requested()) {
    if (!ready(listener_, POLLIN, glance)) {
      continue;
    }
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      continue;
    }
    visits.remove_if([](const Visit& visit) { return visit.over.load(); });
    Visit& visit = visits.emplace_back();
    visit.thread = std::jthread([this, &script, &visit, socket, stop] {
      {
        BadConnection connection(*this, socket, stop);
        script(connection);
      }
      visit.over = true;
    });
  }
}

std::string http_ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nContent-Type: text/xml\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

BadServer::Script answers(std::string bytes) {
  return [bytes = std::move(bytes)](BadConnection& connection) {
    if (connection.read_request()) {
      connection.send(bytes);
    }
  };
}

BadServer::Script answers_and_stays(std::string bytes) {
  return [bytes = std::move(bytes)](BadConnection& connection) {
    if (connection.read_request() && connection.send(bytes)) {
      connection.wait_until_closed();
    }
  };
}

BadServer::Script drips(std::string bytes) {
  return [bytes = std::move(bytes)](BadConnection& connection) {
    if (!connection.read_request()) {
      return;
    }
    for (const char& byte : bytes) {
      if (connection.closed_within(1ms) || !connection.send({&byte, 1})) {
        return;
      }
    }
  };
}

BadServer::Script floods(std::string head, std::size_t bytes) {
  return [head = std::move(head), bytes](BadConnection& connection) {
    if (!connection.read_request() || !connection.send(head)) {
      return;
    }
    const std::string block(std::size_t{64} * 1024, 'x');
    for (std::size_t sent = 0; sent < bytes && connection.send(block); sent += block.size()) {
    }
  };
}

BadServer::Script resets(std::string bytes) {
  return [bytes = std::move(bytes)](BadConnection& connection) {
    connection.reset_on_close();
    if (connection.read_request()) {
      connection.send(bytes);
    }
  };
}

BadServer::Script stays_silent() {
  return [](BadConnection& connection) {
    connection.read_request();
    connection.wait_until_closed();
  };
}

BadServer::Script closes_at_once() {
  return [](BadConnection&) {};
}

}  // namespace reeve::tests
