#pragma once

// A small HTTP/1.1 client: over TCP (every address of the host is tried), TLS (the server's
// certificate is verified against the system's authorities, or those of a file, and the host's
// name) or a unix socket. Each send has an event loop of its own on the caller's thread, a fresh
// connection for each request and one deadline for all of them; when it returns, they are closed.
// It follows no redirect and keeps no state. Thread-safe; never throws. The destructor may have to
// wait for the system's resolver to give up on a host name.

#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "http/options.h"
#include "http/parsers.h"
#include "reeve/base/deadline.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"

namespace reeve::http {

/// What the errors of connecting add for a person: what to look at on this kind of server.
struct ConnectHints {
  std::string refused = {};         ///< nothing listens on the TCP port
  std::string socket_missing = {};  ///< the unix socket's file does not exist
  std::string socket_stale = {};    ///< nothing listens on the unix socket
  std::string socket_denied = {};   ///< the unix socket's permissions
  std::string socket_busy = {};     ///< the unix socket's queue is full
};

struct ClientRequest {
  std::string method;
  std::string path;
  /// Written in this order and spelling, after Host. Content-Length is added.
  std::vector<Header> headers;
  std::string body;
};

class Client {
 public:
  explicit Client(base::Endpoint server, ConnectHints hints = {}, ClientTls tls = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Any status is a success: what it means is the caller's. unreachable, socket_missing, denied
  /// (by the socket's permissions, or the server's certificate), malformed (not HTTP, no TLS, or
  /// beyond a bound), timeout, cancelled, internal (no descriptors left), invalid_argument (a line
  /// break in the request's head, or a file of ClientTls cannot be used). Messages name the server.
  [[nodiscard]] base::Result<ClientResponse> send(const ClientRequest& request,
                                                  const ResponseLimits& limits,
                                                  const base::Deadline& deadline,
                                                  const BodyConsumer& consumer = nullptr);
  /// All of them side by side; a result for each, in their order.
  [[nodiscard]] std::vector<base::Result<ClientResponse>> send_all(
      const std::vector<ClientRequest>& requests, const ResponseLimits& limits,
      const base::Deadline& deadline);

 private:
  struct Impl;  // keeps Asio out of this header
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::http
