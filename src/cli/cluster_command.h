#pragma once

// The commands about what the members of an agent's cluster share, and how an agent is named.
// Values; part of command.h.

#include <cstddef>
#include <optional>
#include <string>

namespace reeve::cli {

/// The running agent that a command is sent to, and the token sent with it.
struct AgentOptions {
  std::optional<std::string> url;  ///< none: $REEVE_AGENT, else the configuration says which
  std::optional<std::string> token_file;
  friend bool operator==(const AgentOptions&, const AgentOptions&) = default;
};

struct ShowMembers {
  AgentOptions agent;
  friend bool operator==(const ShowMembers&, const ShowMembers&) = default;
};
/// The members as Prometheus' file_sd_configs read them.
struct ShowTargets {
  AgentOptions agent;
  friend bool operator==(const ShowTargets&, const ShowTargets&) = default;
};
struct ForgetMember {
  AgentOptions agent;
  std::string name;
  friend bool operator==(const ForgetMember&, const ForgetMember&) = default;
};
struct ShowLimits {
  AgentOptions agent;
  friend bool operator==(const ShowLimits&, const ShowLimits&) = default;
};
struct SetLimit {
  AgentOptions agent;
  std::string name;
  std::size_t at_once = 1;
  std::optional<std::string> budget = {};       ///< like 5/1h
  std::optional<std::string> hold_failed = {};  ///< like 15m
  friend bool operator==(const SetLimit&, const SetLimit&) = default;
};
struct DeleteLimit {
  AgentOptions agent;
  std::string name;
  friend bool operator==(const DeleteLimit&, const DeleteLimit&) = default;
};
struct ReleaseSlot {
  AgentOptions agent;
  std::string limit;
  std::string holder;  ///< a host, or an operation's id
  friend bool operator==(const ReleaseSlot&, const ReleaseSlot&) = default;
};

}  // namespace reeve::cli
