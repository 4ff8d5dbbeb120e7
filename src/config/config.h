#pragma once

// The configuration file as a value made of the parts' own options. Read at the start and at each
// reload, on the caller's thread. An invalid file yields all its errors at once, each with file,
// line and column, and changes nothing.

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "alerts/options.h"
#include "api/options.h"
#include "base/log.h"
#include "events/options.h"
#include "guards/options.h"
#include "http/options.h"
#include "metrics/options.h"
#include "monitor/options.h"
#include "reeve/supervisor/options.h"

namespace reeve::config {

/// Line and column count from 1; both are 0 if the error concerns the whole file.
struct ConfigError {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

struct Config {
  /// Empty if the file has neither `supervisor` nor `supervisors`.
  std::vector<supervisor::Options> supervisors;
  /// False: the file gives no URL; an unnamed entry above has the default one.
  bool supervisor_url_given = false;
  monitor::PollOptions poll;
  events::Options events;
  metrics::Options metrics;
  http::ListenerOptions metrics_listener;
  api::MetricsOptions metrics_api;
  bool control_enabled = false;
  http::ListenerOptions control_listener;
  api::ControlOptions control_api;
  guards::Options control;
  std::string state_dir = "/var/lib/reeve";  ///< used if control is enabled
  alerts::Options alerts;
  guards::GuardOptions guards;  ///< alerts.budget and alerts.breaker
  base::LogOptions log;
  /// Settings that can be used, but are probably not what was meant.
  std::vector<ConfigError> warnings;
  friend bool operator==(const Config&, const Config&) = default;
};

/// `file:line:column: message`.
[[nodiscard]] std::string to_string(const ConfigError& error);

using ConfigResult = tl::expected<Config, std::vector<ConfigError>>;

/// The options of an empty file.
[[nodiscard]] Config default_config();

/// Reads a file of at most 1 MB and the password, token and web configuration files it names.
/// Errors are sorted by file and position.
[[nodiscard]] ConfigResult load(const std::string& path);

/// The same for a text. The errors name `file_name`, and relative file names start from its folder.
[[nodiscard]] ConfigResult parse(std::string_view text, const std::string& file_name);

/// True if the file is a map with a key `supervisor` or `supervisors`, however wrong otherwise.
[[nodiscard]] bool names_supervisor(const std::string& path);

}  // namespace reeve::config
