#pragma once

// A running agent, asked over its control listener: where it is, what it is asked, what it says.

#include <string>

#include "reeve/base/clock.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"
#include "reeve/base/secret.h"

namespace reeve::cli {

struct AgentPeer {
  base::Endpoint endpoint;
  base::Secret token;  ///< empty: none is sent
  base::Duration timeout = std::chrono::seconds(30);
};

struct AgentRequest {
  enum class Method { get, post, put, del };
  Method method = Method::get;
  std::string target;  ///< path and query
  std::string body;    ///< JSON; may be empty
  friend bool operator==(const AgentRequest&, const AgentRequest&) = default;
};

struct AgentAnswer {
  int status = 0;
  std::string body;
};

}  // namespace reeve::cli
