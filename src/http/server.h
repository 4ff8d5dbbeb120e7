#pragma once

// One HTTP/1.1 listener with bounds on everything: connections in all and per address, header
// and body sizes, total deadlines for header, body, response and idleness. One transport thread;
// handlers run on it or on a few workers behind a bounded queue. When it is full, a client that
// does not get on is closed for a new one (see ConnectionTable). What the kernel keeps of a
// connection is bounded, too, and no next request of one is read while its response is not written.
// It knows no route, decodes no Content-Encoding, and no handler delays a client of another
// listener.

#include <cstdint>
#include <functional>
#include <memory>

#include "base/log.h"
#include "http/message.h"
#include "http/options.h"
#include "http/stats.h"
#include "reeve/base/deadline.h"
#include "reeve/base/result.h"

namespace reeve::http {

class Server {
 public:
  /// Binds and reads the certificates, so that errors are known before anything runs: conflict
  /// (address in use), denied, not_found (a file), invalid_argument. A host name is bound on
  /// its first IPv4 address, or IPv6 if it has no other. A unix socket gets mode 0660; a
  /// stale socket file is replaced.
  [[nodiscard]] static base::Result<std::unique_ptr<Server>> open(const ListenerOptions& options,
                                                                  Handler handler, base::Log log,
                                                                  HeadCheck head_check = nullptr);
  ~Server();  ///< stops at once
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Starts the transport thread and the workers.
  void start();
  /// Accepts no more, lets requests in progress finish until the deadline (or its stop), then
  /// closes and joins. Twice is harmless; it is not started again.
  void stop(const base::Deadline& deadline);

  /// The bound port (useful after asking for port 0); 0 on a unix socket.
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] Stats stats() const;
  /// Reads the certificate files again. Nothing changes until the returned function is
  /// called: from then on new connections use them, and those whose client they do not vouch for
  /// are ended, after the response to a request in progress. It cannot fail, and must not outlive
  /// the server. invalid_argument on a listener that was opened without TLS.
  [[nodiscard]] base::Result<std::function<void()>> prepare_tls(const TlsOptions& options);

 private:
  struct Impl;  // keeps Boost out of this header
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::http
