#pragma once

// One HTTP request to a running agent's control listener, on the caller's thread.

#include <stop_token>
#include <string>

#include "reeve/base/clock.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"
#include "reeve/base/secret.h"

namespace reeve::cli {

struct AgentAddress {
  base::Endpoint endpoint;
  base::Secret token;                                 ///< empty: none is sent
  base::Duration timeout = std::chrono::seconds(30);  ///< of the whole request
};

struct AgentRequest {
  enum class Method { get, post, put, del };
  Method method = Method::get;
  std::string target;     ///< path and query
  std::string body = {};  ///< JSON; may be empty
  /// Requests with the same key ask for one and the same action; empty: none.
  std::string idempotency_key = {};
  friend bool operator==(const AgentRequest&, const AgentRequest&) = default;
};

struct AgentResponse {
  int status = 0;
  std::string body;
};

/// unreachable, socket_missing, timeout, cancelled, denied (TLS), malformed (not HTTP, or a longer
/// body than an agent sends). A response with any status is a result.
[[nodiscard]] base::Result<AgentResponse> send_to_agent(const AgentAddress& address,
                                                        const AgentRequest& request,
                                                        const std::stop_token& stop);

}  // namespace reeve::cli
