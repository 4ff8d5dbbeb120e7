#pragma once

// A request to a running agent's API, from its arguments to its JSON or to why there is none. Pure
// but for the request itself, which Environment::send_to_agent sends on the caller's thread.

#include <optional>
#include <stop_token>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/agent_client.h"
#include "cli/environment.h"
#include "reeve/base/error.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::cli {

/// Why an agent did not do what was asked.
struct AgentRefusal {
  base::Error
      error;         ///< the message is the agent's own, with what to do where that does not say it
  std::string word;  ///< of its problem's type, like in_flight; empty: it was not asked, or
                     ///< answered with something else
  int status = 0;    ///< 0: it did not answer

  /// The problem is one of supervisord or of the process, which would be the same without an agent.
  [[nodiscard]] bool is_of_supervisord() const;
};

/// The response's JSON, null for 204. Every status but 200, 202 and 204 is a refusal.
[[nodiscard]] tl::expected<nlohmann::ordered_json, AgentRefusal> call_agent(
    const Environment& environment, const AgentAddress& address, const AgentRequest& request,
    const std::stop_token& stop);

/// A member's value as text; empty for null and for a member that this version of the agent lacks.
[[nodiscard]] std::string text_of(const nlohmann::ordered_json& object, const char* member);
[[nodiscard]] bool is_true(const nlohmann::ordered_json& object, const char* member);

/// A process as the API shows it; nothing if a member that each has is missing or wrong. Without a
/// state, as while supervisord cannot be read, it is unknown.
[[nodiscard]] std::optional<substrate::InstanceDetail> process_from(
    const nlohmann::ordered_json& object);

/// The supervisord of this entry of `/api/v1/supervisors` does not answer its agent.
[[nodiscard]] base::Error unanswered(const nlohmann::ordered_json& entry);

/// `[SUPERVISOR/]NAME` of an object about a process, `group:*` for a group; empty if it is about
/// none.
[[nodiscard]] std::string process_of(const nlohmann::ordered_json& object);

/// `?supervisor=NAME`, or nothing for the single, unnamed one. `separator`: what it begins with.
[[nodiscard]] std::string supervisor_query(const std::string& supervisor, char separator = '?');

}  // namespace reeve::cli
