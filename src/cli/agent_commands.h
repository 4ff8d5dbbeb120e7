#pragma once

// What every command that is sent to a running agent uses: the agent's address and token, one
// request with its JSON response, and how to report an error. One command, one thread, one session.

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/agent_client.h"
#include "cli/output.h"
#include "cli/table.h"

namespace reeve::cli {

struct AgentRefusal;

/// `agent` of the configuration; nothing in it if there is none. The working folder's file is not
/// asked: it is not trusted with a token.
[[nodiscard]] tl::expected<config::AgentReference, config::SettingsError> configured_agent(
    const config::SettingsOptions& options, const config::SettingsSources& sources);

/// The agent that --agent, $REEVE_AGENT or `agent` of the configuration names, else the control
/// listener of the configuration if it is on this machine, else the default port.
[[nodiscard]] tl::expected<AgentAddress, config::SettingsError> find_agent(
    const AgentOptions& agent, const config::SettingsOptions& options,
    const config::SettingsSources& sources);

/// The agent that is to carry out an action: that of --agent, $REEVE_AGENT or `agent` of the
/// configuration. Nothing: supervisord itself is called, because --url or $REEVE_URL says so or
/// none of the others does. An option comes before the variables; where both ways are named alike
/// it is an error.
[[nodiscard]] tl::expected<std::optional<AgentAddress>, config::SettingsError> agent_for_action(
    const ActionOptions& action, const config::SettingsOptions& options,
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
  [[nodiscard]] base::Error error_of(const AgentRefusal& refusal) const;
  /// Prints the error and returns its exit code.
  [[nodiscard]] int report(const base::Error& error) const;
};

using RowsOf = std::vector<Row> (*)(const nlohmann::ordered_json& list);
/// Prints the response as JSON, or as the rows of a table, or `none` if it is empty.
[[nodiscard]] int print_list(const AgentSession& session, const std::string& target,
                             const std::string& none, RowsOf rows);
/// Sends the request and prints the response as JSON, or `done`.
[[nodiscard]] int send_change(const AgentSession& session, const AgentRequest& request,
                              const std::string& done);

/// The agent's supervisords, or that of --supervisor, each behind the agent. A token that may not
/// read has the one that --supervisor names, or the only one. The error has been printed; it is the
/// exit code. `reason` is for the audit.
[[nodiscard]] tl::expected<std::vector<Supervisord>, int> supervisords_of(
    const AgentSession& session, const std::string& reason);

}  // namespace reeve::cli
