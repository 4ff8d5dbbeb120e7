#include "config/settings.h"

#include <algorithm>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

namespace reeve::config {
namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

/// The configuration of the user who runs Reeve, by the rules of the XDG base directories.
std::optional<std::string> user_config(const SettingsSources& sources) {
  if (const auto folder = sources.variable("XDG_CONFIG_HOME")) {
    return *folder + "/reeve/config.yaml";
  }
  if (const auto home = sources.variable("HOME")) {
    return *home + "/.config/reeve/config.yaml";
  }
  return std::nullopt;
}

/// Why the working folder's file, which may name any host and password file, is not used; empty if
/// it is.
std::string why_untrusted(const std::string& path, const SettingsSources& sources) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return "its owner and mode cannot be read";
  }
  if (sources.is_root) {
    return "root does not take a configuration from the working folder";
  }
  if (status.st_uid != ::geteuid()) {
    return "it belongs to another user";
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "other users may write it";
  }
  return {};
}

void try_working_folder(const SettingsSources& sources, FoundConfig& found) {
  const std::string path = sources.working_folder + "/config.yaml";
  if (!names_supervisor(path)) {
    return;
  }
  const std::string why = why_untrusted(path, sources);
  if (why.empty()) {
    found.path = path;
    found.notices.push_back("using the configuration " + path);
  } else {
    found.notices.push_back("not using " + path + ": " + why + " (--config overrides this)");
  }
}

using Applied = tl::expected<void, SettingsError>;

Applied set_endpoint(const OptionValue& url, supervisor::Options& supervisord) {
  auto parsed = supervisor::options_for(url.value);
  if (!parsed) {
    return usage_error(url.name, parsed.error().message);
  }
  supervisord.endpoint = std::move(parsed->endpoint);
  return {};
}

/// A URL from the command line or the environment replaces the configured supervisords together
/// with their credentials, which are not sent to another host.
Applied apply_url(const SettingsOptions& options, const SettingsSources& sources,
                  Settings& settings) {
  Config& config = settings.config;
  if (const auto url = option_or_env("--url", options.url, "REEVE_URL", sources)) {
    if (options.supervisor) {
      return usage_error("--supervisor", "chooses from the configuration, which " + url->name +
                                             " replaces: use one of them");
    }
    config.supervisors.assign(1, supervisor::Options{});
    return set_endpoint(*url, config.supervisors.front());
  }
  const bool url_from_file = config.supervisor_url_given;
  if (config.supervisors.empty()) {
    config.supervisors.emplace_back();
    static_cast<void>(
        set_endpoint({"", std::string(supervisor::default_url)}, config.supervisors.front()));
  }
  if (url_from_file) {
    return {};
  }
  if (const auto url = sources.variable("SUPERVISOR_SERVER_URL")) {
    return set_endpoint({"SUPERVISOR_SERVER_URL", *url}, config.supervisors.front());
  }
  settings.url_is_default = true;
  return {};
}

Applied choose_supervisor(const SettingsOptions& options, Config& config) {
  if (!options.supervisor) {
    return {};
  }
  auto& all = config.supervisors;
  const auto chosen = std::find_if(all.begin(), all.end(), [&](const supervisor::Options& each) {
    return each.name == *options.supervisor;
  });
  if (chosen == all.end()) {
    const std::string names = base::join(all, ", ", &supervisor::Options::name);
    return usage_error("--supervisor", "'" + *options.supervisor + "' is not configured" +
                                           (names.empty() ? "" : "; there are " + names));
  }
  all = {*chosen};
  return {};
}

Applied apply_credentials(const SettingsOptions& options, const SettingsSources& sources,
                          Config& config) {
  const auto username = option_or_env("--username", options.username, "REEVE_USERNAME", sources);
  const auto file =
      option_or_env("--password-file", options.password_file, "REEVE_PASSWORD_FILE", sources);
  base::Secret password;
  if (file) {
    auto read = base::read_secret_file(file->value);
    if (!read) {
      return usage_error(file->name, read.error().message);
    }
    password = *std::move(read);
  }
  for (supervisor::Options& each : config.supervisors) {
    if (username) {
      each.username = username->value;
    }
    if (file) {
      each.password = password;
    }
    if (each.username.empty() && !each.password.empty()) {
      // The configuration file never has a password without a user name.
      const std::string& wrong_option = username ? username->name : file->name;
      return usage_error(wrong_option, "a password needs a user name: --username");
    }
    each.timeout = options.timeout.value_or(each.timeout);
  }
  return {};
}

}  // namespace

std::optional<OptionValue> option_or_env(const std::string& option,
                                         const std::optional<std::string>& value,
                                         const std::string& variable,
                                         const SettingsSources& sources) {
  if (value) {
    return OptionValue{option, *value};
  }
  const auto found = sources.variable(variable);
  return found ? std::optional(OptionValue{variable, *found}) : std::nullopt;
}

tl::unexpected<SettingsError> usage_error(const std::string& name, const std::string& message) {
  return tl::unexpected(
      SettingsError{.usage = true, .errors = {{.file = name, .message = message}}});
}

FoundConfig find_config(const SettingsOptions& options, Purpose purpose,
                        const SettingsSources& sources) {
  if (options.config_file) {
    return {*options.config_file, {}};
  }
  if (const auto named = sources.variable("REEVE_CONFIG")) {
    return {*named, {}};
  }
  FoundConfig found;
  for (const auto& path : {user_config(sources), std::optional(sources.system_config)}) {
    if (!path || !exists(*path)) {
      continue;
    }
    if (purpose == Purpose::agent || ::access(path->c_str(), R_OK) == 0) {
      found.path = *path;
      return found;
    }
    found.notices.push_back("ignoring " + *path + ": this user may not read it");
  }
  if (purpose == Purpose::one_shot) {
    try_working_folder(sources, found);
  }
  return found;
}

tl::expected<Settings, SettingsError> load_settings(const SettingsOptions& options, Purpose purpose,
                                                    const SettingsSources& sources) {
  Settings settings;
  FoundConfig found = find_config(options, purpose, sources);
  settings.config_file = found.path;
  settings.notices = found.notices;
  const auto with_notices = [&](SettingsError error) {
    error.notices = std::move(found.notices);
    return error;
  };
  auto config = found.path.empty() ? default_config() : load(found.path);
  if (!config) {
    return tl::unexpected(with_notices({.errors = std::move(config.error())}));
  }
  settings.config = *std::move(config);
  return apply_url(options, sources, settings)
      .and_then([&] { return choose_supervisor(options, settings.config); })
      .and_then([&] { return apply_credentials(options, sources, settings.config); })
      .map([&] { return std::move(settings); })
      .map_error(with_notices);
}

std::optional<std::string> try_usual_sockets(
    Settings& settings, const SettingsSources& sources,
    const std::function<bool(const supervisor::Options& options)>& is_unreachable) {
  if (!settings.url_is_default) {
    return std::nullopt;
  }
  supervisor::Options& supervisord = settings.config.supervisors.front();
  if (!is_unreachable(supervisord)) {
    return std::nullopt;
  }
  base::Endpoint& endpoint = supervisord.endpoint;
  for (const std::string& path : sources.usual_sockets) {
    std::error_code ignored;
    if (std::filesystem::is_socket(path, ignored)) {
      std::string notice = "nothing listens at " + endpoint.url() + ": using unix://" + path;
      endpoint.scheme = base::Endpoint::Scheme::unix_socket;
      endpoint.socket_path = path;
      return notice;
    }
  }
  supervisord.usual_sockets = sources.usual_sockets;
  return std::nullopt;
}

}  // namespace reeve::config
