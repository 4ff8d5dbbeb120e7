#pragma once

// Something that carries XML-RPC calls to a peer and brings the answers back. Client does it
// over HTTP; tests answer from captured bytes. Thread-safe; never throws.
//
// Errors: unreachable (refused, reset, closed early), socket_missing, timeout, cancelled,
// denied (401, the socket's permissions, a certificate that is not trusted), not_found (the URL
// leads to a server that does not speak XML-RPC there), malformed (not HTTP, not XML-RPC, beyond
// a bound), fault (another HTTP status; a 500 from supervisord is an exception inside the call),
// invalid_argument (text that XML cannot express).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
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

  /// GETs `path` (percent-encoded) and hands on the body's bytes as they come, until the consumer
  /// says false or the peer ends it. not_found for a 404.
  [[nodiscard]] virtual base::Result<void> stream(
      const std::string& path, const std::function<bool(std::string_view)>& consumer,
      const base::Deadline& deadline) = 0;
};

}  // namespace reeve::xmlrpc
