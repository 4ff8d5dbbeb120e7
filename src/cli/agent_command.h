#pragma once

// What a person asked of a running agent, as values.

#include <optional>
#include <string>

#include "reeve/base/clock.h"

namespace reeve::cli {

/// Which running agent is asked, and who asks.
struct AgentOptions {
  std::optional<std::string> url;
  std::optional<std::string> token_file;
  friend bool operator==(const AgentOptions&, const AgentOptions&) = default;
};
struct ShowMaintenance {
  AgentOptions agent;
  friend bool operator==(const ShowMaintenance&, const ShowMaintenance&) = default;
};
struct SetMaintenance {
  AgentOptions agent;
  std::string scope;
  base::Duration ttl{0};
  std::string reason;
  friend bool operator==(const SetMaintenance&, const SetMaintenance&) = default;
};
struct ClearMaintenance {
  AgentOptions agent;
  std::string scope;
  friend bool operator==(const ClearMaintenance&, const ClearMaintenance&) = default;
};
struct ShowGuards {
  AgentOptions agent;
  friend bool operator==(const ShowGuards&, const ShowGuards&) = default;
};
struct ResetGuards {
  AgentOptions agent;
  std::string name;  ///< of a process, or `*`
  friend bool operator==(const ResetGuards&, const ResetGuards&) = default;
};
struct ShowAudit {
  AgentOptions agent;
  std::optional<std::string> since;
  std::optional<std::string> limit;
  friend bool operator==(const ShowAudit&, const ShowAudit&) = default;
};

}  // namespace reeve::cli
