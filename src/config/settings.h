#pragma once

// Where supervisord is and how Reeve is configured, from options, environment variables, the
// configuration file and defaults. The same for one-shot commands and for the agent, at its start
// and at each reload, on the caller's thread. Reads files; prints nothing and connects to nothing.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "config/config.h"

namespace reeve::config {

/// The options of every command that decide which supervisord is meant.
struct SettingsOptions {
  std::optional<std::string> config_file;
  std::optional<std::string> url;
  std::optional<std::string> username;
  std::optional<std::string> password_file;
  std::optional<std::string> supervisor;  ///< one of the configured supervisords, by name
  std::optional<base::Duration> timeout;
  AgentOverrides agent = {};  ///< of `serve` alone
  friend bool operator==(const SettingsOptions&, const SettingsOptions&) = default;
};

/// Where settings come from when no option gives them.
struct SettingsSources {
  /// An environment variable; nothing if it is unset or empty.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::string system_config = "/etc/reeve/config.yaml";
  std::string working_folder = ".";  ///< one-shot commands may read its config.yaml
  bool is_root = false;
  /// Usual paths of supervisord's socket, in the order in which they are tried.
  std::vector<std::string> usual_sockets = {"/run/supervisor.sock", "/var/run/supervisor.sock"};
};

enum class Purpose {
  agent,       ///< needs all of the configuration
  one_shot,    ///< needs the supervisords; the working folder's config.yaml may give their URLs
  completion,  ///< of a command line: as one_shot, without the working folder
};

/// The value of an option, or of the environment variable that stands for it.
struct OptionValue {
  std::string name;  ///< of the option or the variable; error messages begin with it
  std::string value;
};

/// The option's value, else the variable's.
[[nodiscard]] std::optional<OptionValue> option_or_env(const std::string& option,
                                                       const std::optional<std::string>& value,
                                                       const std::string& variable,
                                                       const SettingsSources& sources);

struct FoundConfig {
  std::string path;                ///< empty if there is no configuration file
  bool in_working_folder = false;  ///< it may give URLs and nothing else
  std::vector<std::string> notices =
      {};  ///< files that were passed over and why, for standard error
};

/// The configuration file: the option, $REEVE_CONFIG, the user's, the system's, and for one-shot
/// commands the working folder's, if it names a supervisord and only this user can write it.
[[nodiscard]] FoundConfig find_config(const SettingsOptions& options, Purpose purpose,
                                      const SettingsSources& sources);

struct Settings {
  Config config;            ///< `supervisors` has at least one entry
  std::string config_file;  ///< the file that was read; empty if none was found
  /// No option, variable or file names supervisord's address: see try_usual_sockets().
  bool url_is_default = false;
  std::vector<std::string> notices;  ///< of find_config(), and errors that do not matter here
};

struct SettingsError {
  /// True: an option or variable is wrong (exit code 2); false: the configuration is (1, and
  /// 78 for the agent).
  bool usage = false;
  std::vector<ConfigError> errors;
  std::vector<std::string> notices = {};  ///< of find_config()
};

/// An error in the option or variable `name`.
[[nodiscard]] tl::unexpected<SettingsError> usage_error(const std::string& name,
                                                        const std::string& message);

/// For a one-shot command, errors of the file that concern no supervisord it needs are notices, and
/// with a URL from an option or variable no file is read.
[[nodiscard]] tl::expected<Settings, SettingsError> load_settings(const SettingsOptions& options,
                                                                  Purpose purpose,
                                                                  const SettingsSources& sources);

/// One sentence on errors of the file that do not matter to the command; nothing if there are none.
[[nodiscard]] std::optional<std::string> notice_of_other_errors(const Config& config);

/// If supervisord's address is the default one and `is_unreachable` says that nothing listens
/// there, the first usual socket that exists becomes the only supervisord; the result is a notice
/// that says so. If none exists yet, later calls to supervisord try the usual sockets in order.
std::optional<std::string> try_usual_sockets(
    Settings& settings, const SettingsSources& sources,
    const std::function<bool(const supervisor::Options& options)>& is_unreachable);

}  // namespace reeve::config
