#pragma once

// The words and options of the commands that ask a running agent.

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "cli/command.h"
#include "cli/parse_options.h"

namespace reeve::cli {

struct AgentWords {
  AgentOptions agent;
  std::vector<std::string> words;
  std::optional<std::string> ttl;
  std::optional<std::string> reason;
  std::optional<std::string> since;
  std::optional<std::string> limit;
};

struct AgentCommand {
  const char* name;
  const char* description;
  const char* examples;
  void (*add_options)(CLI::App& command, AgentWords& words);
  /// The error is what is wrong with the words.
  tl::expected<Command, std::string> (*make)(const AgentWords& words);
};

[[nodiscard]] const std::vector<AgentCommand>& agent_commands();

}  // namespace reeve::cli
