#include "http/resolver.h"

#include <cstring>
#include <memory>
#include <utility>

#include <netdb.h>

namespace reeve::http {
namespace {

base::Result<SocketAddresses> ask_system(const std::string& host, const std::string& port,
                                         int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &first);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
  if (error != 0) {
    return base::failure(base::ErrorKind::unreachable,
                         "cannot find the host " + host + ": " + ::gai_strerror(error));
  }
  SocketAddresses addresses;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
  }
  return addresses;
}

}  // namespace

Resolver::Resolver(std::string host, std::uint16_t port)
    : host_(std::move(host)), port_(std::to_string(port)) {
  // supervisord listens on IPv4 alone, so that address of localhost comes first.
  const std::vector<std::string> literals =
      host_ == "localhost" ? std::vector<std::string>{"127.0.0.1", "::1"} : std::vector{host_};
  for (const std::string& literal : literals) {
    const auto addresses = ask_system(literal, port_, AI_NUMERICHOST);
    if (addresses) {
      known_.insert(known_.end(), addresses->begin(), addresses->end());
    }
  }
}

base::Result<SocketAddresses> Resolver::resolve(const base::Deadline& deadline) {
  if (!known_.empty()) {
    return known_;
  }
  std::unique_lock lock(mutex_);
  if (!running_) {
    running_ = true;
    worker_ = std::jthread([this] { look_up(); });
  }
  const std::uint64_t before = lookups_finished_;
  const bool finished = finished_.wait_until(lock, deadline.stop(), deadline.at(),
                                             [&] { return lookups_finished_ != before; });
  if (finished) {
    return found_;
  }
  return base::failure(deadline.cancelled() ? base::ErrorKind::cancelled : base::ErrorKind::timeout,
                       "the system's resolver has not found the host " + host_ + " yet");
}

void Resolver::look_up() {
  base::Result<SocketAddresses> found = ask_system(host_, port_, 0);
  {
    const std::scoped_lock lock(mutex_);
    found_ = std::move(found);
    running_ = false;
    ++lookups_finished_;
  }
  finished_.notify_all();
}

}  // namespace reeve::http
