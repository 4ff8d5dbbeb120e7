#pragma once

// Many hosts at once: the agents that `reeve fleet` asks, and whether each may be sent the caller's
// token. That list is either the caller's own, or the members that the own agent knows: they come
// from etcd, where another may have written them, so that a member is trusted with the token only
// if the caller names its host. On the caller's thread.

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "cli/agent_client.h"
#include "cli/agent_commands.h"
#include "cli/command.h"
#include "reeve/base/error.h"

namespace reeve::cli {

struct FleetHost {
  std::string name;
  AgentAddress address = {};
  /// Why it is not asked; nothing: it is.
  std::optional<base::Error> problem = std::nullopt;
};

/// `*.example.org` is every host below it, anything else one host.
[[nodiscard]] bool is_trusted(const std::string& host, const std::vector<std::string>& patterns);

/// The error has been printed; it is the exit code. `own` is the caller's agent, which knows the
/// members if the options name no agents, and has the token.
[[nodiscard]] tl::expected<std::vector<FleetHost>, int> find_hosts(const FleetOptions& options,
                                                                   const AgentSession& own);

}  // namespace reeve::cli
