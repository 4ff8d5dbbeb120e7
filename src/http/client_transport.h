#pragma once

// Carries requests over connections: TCP (every address of the host is tried), TLS (the peer's
// certificate is verified against the system's authorities and the host's name) or a unix socket.
// Each run() has an event loop of its own on the caller's thread, a fresh connection for each
// exchange and one deadline for them all; when it returns, they are closed. Thread-safe; never
// throws. Knows nothing of HTTP.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/deadline.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"

namespace reeve::http {

/// One connection's work: what to send, and who takes what comes back.
struct Exchange {
  std::string request;
  /// Called on run()'s thread with what has come. False: enough, close.
  std::function<bool(std::string_view)> take;
};

class Transport {
 public:
  explicit Transport(base::Endpoint peer);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// For each exchange: success when it had enough or the peer closed; unreachable,
  /// socket_missing, denied (by the socket's permissions, or the peer's certificate), malformed
  /// (no TLS there), timeout, cancelled, internal (no descriptors left).
  [[nodiscard]] std::vector<base::Result<void>> run(const std::vector<Exchange>& exchanges,
                                                    const base::Deadline& deadline);

 private:
  struct Impl;  // keeps Asio out of this header
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::http
