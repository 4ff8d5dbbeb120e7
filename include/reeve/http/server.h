#pragma once

// One HTTP/1.1 listener with bounds on everything: connections in all and per address, header
// and body sizes, total deadlines for header, body and answer. One transport thread; handlers
// run on it or on a few workers behind a bounded queue. Keep-alive; no pipelining.

#include <memory>
#include <optional>

#include "reeve/base/deadline.h"
#include "reeve/base/log.h"
#include "reeve/base/result.h"
#include "reeve/http/message.h"
#include "reeve/http/options.h"
#include "reeve/http/stats.h"

namespace reeve::http {

class Server {
 public:
  /// Binds, so that errors (address in use, no such file) are known before anything runs:
  /// invalid_argument, conflict (in use), denied. `clock` must outlive the server.
  [[nodiscard]] static base::Result<std::unique_ptr<Server>> open(const ListenerOptions& options,
                                                                  Handler handler, base::Log log);
  ~Server();  ///< stops at once
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Starts the transport thread and the workers.
  void start();
  /// Accepts no more, lets what is under way finish until the deadline, then closes. Twice is
  /// harmless.
  void stop(const base::Deadline& deadline);

  /// The bound port (useful after asking for port 0); 0 on a unix socket.
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] Stats stats() const;
  /// Reads the certificate files again, for new connections; an error changes nothing.
  [[nodiscard]] base::Result<void> reload_tls(const TlsOptions& options);

 private:
  struct Impl;  // keeps Boost out of this header
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::http
