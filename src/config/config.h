#pragma once

// The configuration file as a value made of the parts' own options: read once at the start and
// again at each reload, by whoever asks, on his thread. A wrong file yields every error at once,
// each with its place, and changes nothing.

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

/// What is wrong, and where. Line and column count from 1; 0 where the file as a whole is meant.
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
  /// False: no file said where supervisord is; an unnamed entry above holds the default URL.
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
  /// What can be used as it is, and probably is not what was meant.
  std::vector<ConfigError> warnings;
  friend bool operator==(const Config&, const Config&) = default;
};

/// `file:line:column: message`.
[[nodiscard]] std::string to_string(const ConfigError& error);

using ConfigResult = tl::expected<Config, std::vector<ConfigError>>;

/// The options of a file without any key.
[[nodiscard]] Config default_config();

/// Reads a file of at most 1 MB and the password, token and web configuration files it names.
/// Errors are sorted by file and place.
[[nodiscard]] ConfigResult load(const std::string& path);

/// The same for a text; `file_name` stands in the errors, and relative file names are taken
/// from its folder.
[[nodiscard]] ConfigResult parse(std::string_view text, const std::string& file_name);

/// True if the file is a map with a key `supervisor` or `supervisors`, however wrong otherwise.
[[nodiscard]] bool names_supervisor(const std::string& path);

}  // namespace reeve::config
