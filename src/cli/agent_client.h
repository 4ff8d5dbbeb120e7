#pragma once

// One request to a running agent, on the caller's thread. The one place that knows cpp-httplib.

#include <stop_token>

#include "cli/agent.h"

namespace reeve::cli {

/// unreachable, socket_missing, timeout, cancelled, malformed (no HTTP, or a longer answer than an
/// agent gives). Any status is an answer.
[[nodiscard]] base::Result<AgentAnswer> ask_agent(const AgentPeer& peer,
                                                  const AgentRequest& request,
                                                  const std::stop_token& stop);

}  // namespace reeve::cli
