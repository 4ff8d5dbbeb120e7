#pragma once

// Where supervisord is and how Reeve is configured, out of options, environment, configuration
// file and defaults: the same for one-shot commands and for the agent, at its start and at each
// reload.

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "cli/command.h"
#include "cli/surroundings.h"
#include "config/config.h"

namespace reeve::cli {

/// What the settings are for: `./config.yaml` is read for one-shot commands alone.
enum class Purpose { agent, one_shot };

struct Settings {
  config::Config config;    ///< `supervisors` has at least one entry
  std::string config_file;  ///< the file that was read; empty if none was found
  /// Nobody said where supervisord is: if nothing listens at the default URL, its usual sockets
  /// may be tried.
  bool url_is_default = false;
};

struct SettingsError {
  /// True: an option or variable is wrong (exit code 2); false: the configuration is (1, and
  /// 78 for the agent).
  bool usage = false;
  std::vector<config::ConfigError> errors;
};

/// Says on standard error if it takes `./config.yaml`, or leaves a file out that it may not read
/// or trust.
[[nodiscard]] tl::expected<Settings, SettingsError> settle(const CommonOptions& options,
                                                           Purpose purpose,
                                                           const Surroundings& surroundings);

/// With the default URL: if nothing listens there but a socket is in one of supervisord's usual
/// places, that becomes the only supervisord of `settings`, and standard error is told. If neither
/// is there yet, whoever goes on asking finds the one that comes first.
void try_usual_sockets(Settings& settings, const Surroundings& surroundings,
                       const CommonOptions& options = {});

}  // namespace reeve::cli
