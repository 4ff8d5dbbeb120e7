#pragma once

// The calls of `reeve supervisorctl`: those that supervisorctl itself sends, with an error for each
// exception that Python would raise. supervisorctl knows no timeout: a call ends with its answer or
// a stop request. Stateless; runs on the caller's thread.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "reeve/base/clock.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/secret.h"
#include "xmlrpc/value.h"

namespace reeve::cli {

/// Which supervisord, and as whom.
struct CtlServer {
  std::string url = "http://localhost:9001";
  std::optional<std::string> username;
  std::optional<base::Secret> password;
  /// The credentials are of a file of the working folder: its server.
  std::optional<std::string> credentials_only_for;

  /// There are credentials, and they may go to this server.
  [[nodiscard]] bool sends_credentials() const;
};

struct CallError {
  enum class Cause { fault, http_status, refused, missing, interrupted, other };
  Cause cause = Cause::other;
  int code = 0;                 ///< the fault's, or the HTTP status
  std::string type;             ///< the exception's class, as supervisorctl prints it
  std::string text;             ///< the exception's text
  std::string fault_text = {};  ///< supervisord's own words
};

template <class T>
using CallResult = tl::expected<T, CallError>;

/// An exception that a call does not raise.
[[nodiscard]] tl::unexpected<CallError> python_error(std::string type, std::string text);

/// `http://` or `unix://`, as supervisorctl reads it: any path of the former is ignored.
[[nodiscard]] CallResult<base::Endpoint> ctl_endpoint(const std::string& url);

class CtlClient {
 public:
  CtlClient(const base::Clock& clock, std::stop_token stop)
      : clock_(&clock), stop_(std::move(stop)) {}

  [[nodiscard]] CallResult<xmlrpc::Value> call(const CtlServer& server, std::string_view method,
                                               std::vector<xmlrpc::Value> parameters) const;
  /// GETs `path` until the server ends it or `stop` is requested. The HTTP status.
  [[nodiscard]] CallResult<int> stream(const CtlServer& server, const std::string& path,
                                       const std::function<bool(std::string_view)>& consumer,
                                       const std::stop_token& stop) const;
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }

 private:
  const base::Clock* clock_;
  std::stop_token stop_;
};

}  // namespace reeve::cli
