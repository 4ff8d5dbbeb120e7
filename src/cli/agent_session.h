#pragma once

// What every command that asks a running agent needs: where it is, who asks, how to speak. One
// command, one thread, one session.

#include <stop_token>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/agent.h"
#include "cli/output.h"
#include "cli/settings.h"

namespace reeve::cli {

/// By option, variable, or the control listener of the configuration, where it is on this machine.
[[nodiscard]] tl::expected<AgentPeer, SettingsError> find_agent(const AgentOptions& agent,
                                                                const CommonOptions& options,
                                                                const Surroundings& surroundings);

struct AgentSession {
  AgentPeer peer;
  Output output;
  CommonOptions options;
  const Surroundings& surroundings;
  std::stop_token stop;

  /// The JSON that the agent answers, null if it is nothing; an error for every status but 200
  /// and 204, which says what to do.
  [[nodiscard]] base::Result<nlohmann::ordered_json> ask(const AgentRequest& request) const;
  /// Reports the error and returns its exit code.
  [[nodiscard]] int report(const base::Error& error) const;
};

}  // namespace reeve::cli
