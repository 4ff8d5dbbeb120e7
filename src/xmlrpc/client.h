#pragma once

// XML-RPC calls. Caller is the interface: carries calls to a server and brings the answers back.
// Client does it over HTTP/1.1 on TCP, TLS or a unix socket; tests answer from captured bytes. Each
// call runs on the caller's thread with a fresh connection: that is what supervisord answers
// fastest, and no state is left behind. One deadline bounds the whole call, name resolution and
// slow servers included, and a stop ends it at once. Thread-safe; never throws. The destructor of a
// Client may have to wait for the system's resolver to give up on a host name.
//
// Errors: unreachable (refused, reset, closed early), socket_missing, timeout, cancelled,
// denied (401, the socket's permissions, a certificate that is not trusted), not_found (the URL
// leads to a server that does not speak XML-RPC there), malformed (not HTTP, not XML-RPC, beyond
// a bound), fault (another HTTP status; a 500 from supervisord is an exception inside the call),
// invalid_argument (text that XML cannot express).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "reeve/base/deadline.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"
#include "reeve/base/secret.h"
#include "xmlrpc/value.h"

namespace reeve::xmlrpc {

class Caller {
 public:
  Caller() = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  virtual ~Caller() = default;

  [[nodiscard]] virtual base::Result<Answer> call(const Call& call,
                                                  const base::Deadline& deadline) = 0;

  /// All at once, each over a connection of its own, under one deadline; answers in order.
  [[nodiscard]] virtual std::vector<base::Result<Answer>> call_parallel(
      const std::vector<Call>& calls, const base::Deadline& deadline) = 0;

  /// GETs `path` (percent-encoded, beside the path of the calls: `/x` is /a/x where that is
  /// /a/RPC2) and hands on the body's bytes as they come, until the consumer says false or the peer
  /// ends it. not_found for a 404.
  [[nodiscard]] virtual base::Result<void> stream(
      const std::string& path, const std::function<bool(std::string_view)>& consumer,
      const base::Deadline& deadline) = 0;
};

struct ClientOptions {
  base::Endpoint endpoint;
  std::string username;  ///< empty: no Authorization header
  base::Secret password;
  std::size_t max_answer_bytes = std::size_t{64} * 1024 * 1024;  ///< header and body
};

class Client final : public Caller {
 public:
  explicit Client(ClientOptions options);

  [[nodiscard]] base::Result<Answer> call(const Call& call,
                                          const base::Deadline& deadline) override;
  [[nodiscard]] std::vector<base::Result<Answer>> call_parallel(
      const std::vector<Call>& calls, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> stream(const std::string& path,
                                          const std::function<bool(std::string_view)>& consumer,
                                          const base::Deadline& deadline) override;

 private:
  ClientOptions options_;
  http::Client http_;
};

}  // namespace reeve::xmlrpc
