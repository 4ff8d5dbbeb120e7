#pragma once

// A host's addresses. Literal addresses and `localhost` are answered at once; any other name is
// looked up by getaddrinfo on a thread of this object's own, because getaddrinfo can be neither
// bounded nor cancelled: callers wait for it no longer than their deadline, and share a lookup
// that is under way. The destructor alone waits for one that hangs, at most for the system
// resolver's own patience (resolv.conf: timeout times attempts, for each server).

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"

namespace reeve::http {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

using SocketAddresses = std::vector<SocketAddress>;

class Resolver {
 public:
  Resolver(std::string host, std::uint16_t port);

  /// At least one address, in the order in which to try them. unreachable: there is no such
  /// host; timeout, cancelled.
  [[nodiscard]] base::Result<SocketAddresses> resolve(const base::Deadline& deadline);

 private:
  void look_up();

  std::string host_;
  std::string port_;
  SocketAddresses known_;  // literal addresses and localhost

  std::mutex mutex_;
  std::condition_variable_any finished_;
  bool running_ = false;
  std::uint64_t lookups_finished_ = 0;
  base::Result<SocketAddresses> found_;
  std::jthread worker_;
};

}  // namespace reeve::http
