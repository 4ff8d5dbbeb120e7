#pragma once

// From argv to a command value. Pure: reads nothing but its arguments and prints nothing.

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "cli/command.h"

namespace reeve::cli {

/// Nothing to execute: help was asked for (exit code 0, the text is for standard output), or
/// the arguments make no command (the text, with its last newline, is for standard error).
struct ParseEnd {
  int exit_code = 0;
  std::string text;
  friend bool operator==(const ParseEnd&, const ParseEnd&) = default;
};

/// `arguments` without the program's name.
[[nodiscard]] tl::expected<Invocation, ParseEnd> parse(const std::vector<std::string>& arguments);

/// The names of all commands.
[[nodiscard]] std::vector<std::string> command_names();

}  // namespace reeve::cli
