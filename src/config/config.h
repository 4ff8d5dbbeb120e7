#pragma once

// The configuration file as a value made of the parts' own options. Read at the start and at each
// reload, on the caller's thread. An invalid file yields all its errors at once, each with file,
// line and column, and changes nothing.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "alerts/options.h"
#include "api/options.h"
#include "base/log.h"
#include "coordination/options.h"
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

/// The agent that the command line sends its commands to.
struct AgentReference {
  std::string url;         ///< checked; empty: none
  std::string token_file;  ///< empty: none
  /// Hosts of other agents to which the token may be sent.
  std::vector<std::string> trusted_hosts;
  friend bool operator==(const AgentReference&, const AgentReference&) = default;
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
  /// metrics.listen after its first: they have the listener's other options.
  std::vector<base::ListenAddress> further_metrics_addresses;
  std::string web_config_file;  ///< metrics.web_config_file; empty: none
  bool systemd_socket = false;  ///< the metrics listener is the sockets that systemd passes
  api::MetricsOptions metrics_api;
  bool control_enabled = false;
  http::ListenerOptions control_listener;
  api::ControlOptions control_api;
  guards::Options control;
  std::string state_dir = "/var/lib/reeve";  ///< used if control is enabled
  alerts::Options alerts;
  guards::GuardOptions guards;  ///< alerts.budget and alerts.breaker
  /// Nothing: this host agrees with no other. An empty member name is the host's, an empty address
  /// of its metrics is that name with the port of the metrics listener.
  std::optional<coordination::Options> coordination = std::nullopt;
  base::LogOptions log;
  AgentReference agent;
  /// Settings that can be used, but are probably not what was meant.
  std::vector<ConfigError> warnings;
  friend bool operator==(const Config&, const Config&) = default;
};

/// `file:line:column: message`.
[[nodiscard]] std::string to_string(const ConfigError& error);

using ConfigResult = tl::expected<Config, std::vector<ConfigError>>;

/// The options of an empty file.
[[nodiscard]] Config default_config();

/// The part of a configuration that a command needs.
enum class Part {
  everything,
  supervisors,  ///< supervisor or supervisors
  control,      ///< where the agent's control listener is
  relay,        ///< events and log
  agent,        ///< the agent that actions are sent to
};

/// What `serve` takes from its options, over the configuration, as Prometheus's exporters do.
struct AgentOverrides {
  std::vector<std::string> listen_addresses;  ///< none: metrics.listen
  std::optional<std::string> web_config_file;
  std::optional<std::string> telemetry_path;
  bool systemd_socket = false;
  std::optional<base::LogLevel> log_level;
  std::optional<base::LogFormat> log_format;
  friend bool operator==(const AgentOverrides&, const AgentOverrides&) = default;
};

/// The errors have the option in the place of the file.
[[nodiscard]] tl::expected<void, std::vector<ConfigError>> apply_overrides(
    const AgentOverrides& overrides, Config& config);

/// Reads config.web_config_file again into the metrics listener's TLS, users and headers. Errors,
/// or nothing; after errors the configuration is not to be used.
[[nodiscard]] std::vector<ConfigError> reread_web_config(Config& config);

/// How much of a file is read, and how far it is trusted.
struct LoadOptions {
  Part part = Part::everything;
  /// Of Part::supervisors, the only one that is needed.
  std::optional<std::string> supervisor = {};
  /// False: the password files are not needed.
  bool passwords = true;
  /// False: the file may give URLs and nothing else. Credentials and files in it are errors.
  bool trusted = true;
};

/// Reads a file of at most 1 MB and the password, token and web configuration files it names.
/// Errors are sorted by file and position. Where a part is wanted, errors outside of it are
/// warnings, and only Part::supervisors opens further files: the password files.
[[nodiscard]] ConfigResult load(const std::string& path, const LoadOptions& options = {});

/// The same for a text. The errors name `file_name`, and relative file names start from its folder.
[[nodiscard]] ConfigResult parse(std::string_view text, const std::string& file_name);

/// True if the file is a map with a key `supervisor` or `supervisors`, however wrong otherwise.
[[nodiscard]] bool names_supervisor(const std::string& path);

}  // namespace reeve::config
