#pragma once

// The commands that are sent to a running agent, as parse() knows them: their options, and how they
// become command values. For parse.cpp alone, as are the helpers that it shares with it.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <tl/expected.hpp>

#include "cli/command.h"

namespace reeve::cli {

/// Put before a word that CLI11 would not pass on as it is: it takes [ab] for a list of words, and
/// drops words after `--` from names.
inline constexpr char literal_prefix = '\x01';

[[nodiscard]] std::string strip_prefix(const std::string& word);

CLI::Option* add_text(CLI::App& app, const std::string& option, std::optional<std::string>& value,
                      const std::string& type, const std::string& description);

/// --agent and --token-file.
void add_agent_options(CLI::App& command, AgentOptions& agent);

struct AgentArguments {
  AgentOptions agent;
  std::vector<std::string> words;
  std::optional<std::string> ttl;
  std::optional<std::string> reason;
  std::optional<std::string> since;
  std::optional<std::string> limit;
  std::optional<std::string> actor;
  std::optional<std::string> decision;
  bool follow = false;
  FleetOptions fleet = {};  ///< without its agent
  std::optional<std::string> at_once;
  std::optional<std::string> stop_after_failures;
  bool dry_run = false;
  std::optional<std::string> budget;
  std::optional<std::string> hold_failed;
  bool all_hosts = false;
};

struct AgentCommandSpec {
  const char* name;
  const char* description;
  const char* examples;
  void (*add_options)(CLI::App& command, AgentArguments& arguments);
  /// The error is a message.
  tl::expected<Command, std::string> (*make)(const AgentArguments& arguments);
};

[[nodiscard]] const std::vector<AgentCommandSpec>& agent_command_specs();

}  // namespace reeve::cli
