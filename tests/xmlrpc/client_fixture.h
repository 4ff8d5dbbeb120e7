#pragma once

// What the client's tests share: short ways to a client, a deadline, and an error.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reeve/base/deadline.h"
#include "support/bad_server.h"
#include "support/catch.h"
#include "support/fixture.h"
#include "xmlrpc/client.h"

namespace reeve::xmlrpc {

using base::ErrorKind;
using tests::answers;
using tests::answers_and_stays;
using tests::BadServer;
using tests::fixture;
using tests::http_ok;

inline const Call get_state{"supervisor.getState", {}};

[[nodiscard]] ClientOptions options_for(const std::string& url);
[[nodiscard]] base::Deadline after(base::Duration span, std::stop_token stop = {});
/// Longer than any test lasts: who needs it has failed.
[[nodiscard]] base::Deadline patient();
/// The error of a call that must fail.
[[nodiscard]] base::Error failure(const ClientOptions& options,
                                  const base::Deadline& deadline = patient());

/// A unix socket with a full queue, at which nobody accepts.
class UnacceptedSocket {
 public:
  explicit UnacceptedSocket(const std::string& path);
  ~UnacceptedSocket();
  UnacceptedSocket(const UnacceptedSocket&) = delete;
  UnacceptedSocket& operator=(const UnacceptedSocket&) = delete;

 private:
  std::vector<int> sockets_;
};

/// Listens on ::1 alone and never accepts. No port where there is no IPv6.
class Ipv6Listener {
 public:
  Ipv6Listener();
  ~Ipv6Listener();
  Ipv6Listener(const Ipv6Listener&) = delete;
  Ipv6Listener& operator=(const Ipv6Listener&) = delete;
  [[nodiscard]] std::optional<std::uint16_t> port() const { return port_; }

 private:
  int socket_;
  std::optional<std::uint16_t> port_;
};

}  // namespace reeve::xmlrpc
