#pragma once

// From argv to a command value. A pure function: reads only its arguments and prints nothing.

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "cli/command.h"

namespace reeve::cli {

/// No command to run: help was requested (exit code 0, the text is for standard output), or the
/// arguments are wrong (the text is for standard error). The text ends with a line feed.
struct EarlyExit {
  int exit_code = 0;
  std::string text;
  friend bool operator==(const EarlyExit&, const EarlyExit&) = default;
};

/// `arguments` without the program's name.
[[nodiscard]] tl::expected<Invocation, EarlyExit> parse(const std::vector<std::string>& arguments);

/// An option as completion needs it.
struct OptionInfo {
  std::vector<std::string> names;  ///< with their dashes
  std::string value;               ///< FILE, URL, a|b|c and the like; empty for a flag
};

struct CommandInfo {
  std::string name;
  std::vector<OptionInfo> options;  ///< its own and those of every command
};

/// All commands. The first has no name, and the options of every command.
[[nodiscard]] std::vector<CommandInfo> command_infos();

}  // namespace reeve::cli
