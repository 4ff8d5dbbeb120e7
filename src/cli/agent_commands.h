#pragma once

// What every command that is sent to a running agent uses: the agent's address and token, one
// request with its JSON response, and how to report an error. One command, one thread, one session.

#include <stop_token>

#include <nlohmann/json_fwd.hpp>

#include "cli/agent_client.h"
#include "cli/output.h"

namespace reeve::cli {

/// The agent that --agent or $REEVE_AGENT names, else the control listener of the configuration if
/// it is on this machine, else the default port.
[[nodiscard]] tl::expected<AgentAddress, config::SettingsError> find_agent(
    const AgentOptions& agent, const config::SettingsOptions& options,
    const config::SettingsSources& sources);

struct AgentSession {
  AgentAddress address;
  Output output;
  CommonOptions options;
  const Environment& environment;
  std::stop_token stop;

  /// The response's JSON, null for 204. Every status but 200 and 204 is an error whose message says
  /// what to do.
  [[nodiscard]] base::Result<nlohmann::ordered_json> send(const AgentRequest& request) const;
  /// Prints the error and returns its exit code.
  [[nodiscard]] int report(const base::Error& error) const;
};

}  // namespace reeve::cli
