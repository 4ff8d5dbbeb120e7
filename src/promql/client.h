#pragma once

// Asks Prometheus, or what has its API, whether a query has a result. Each request has one deadline
// for all of it, and its answer is bounded in bytes and depth. A server's resolver is kept between
// requests, so that no caller waits for a name that cannot be looked up. Thread-safe; never throws.

#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "http/client.h"
#include "promql/options.h"
#include "reeve/base/deadline.h"
#include "reeve/base/result.h"

namespace reeve::promql {

class Client {
 public:
  /// False: the result is empty. All other answers are errors: malformed (also a scalar or a text,
  /// which is never empty), denied (401 and 403, a certificate), fault (any other status),
  /// unreachable, socket_missing, timeout, cancelled. The deadline is that of `query.timeout` if
  /// that is earlier. Messages name the server, and hold nothing that it sent.
  [[nodiscard]] base::Result<bool> has_result(const Query& query, const base::Deadline& deadline);

 private:
  [[nodiscard]] std::shared_ptr<http::Client> server(const base::Endpoint& endpoint);

  /// By URL; the configuration bounds how many there are.
  base::Guarded<std::map<std::string, std::shared_ptr<http::Client>>> servers_;
};

}  // namespace reeve::promql
