#pragma once

// What the agent and the relay say of settings that they cannot run with.

#include <ostream>

#include "cli/execute.h"
#include "cli/settings.h"

namespace reeve::app {

/// Prints every error with its place; returns the exit code.
inline int refuse(const cli::SettingsError& error, std::ostream& err) {
  for (const config::ConfigError& each : error.errors) {
    err << "reeve: " << config::to_string(each) << '\n';
  }
  return error.usage ? 2 : cli::exit_bad_configuration;
}

}  // namespace reeve::app
