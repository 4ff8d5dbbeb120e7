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

/// The configuration of the user who runs Reeve, by the rules of the XDG base directories: a path
/// that is not absolute would start from the working folder.
std::optional<std::string> user_config(const SettingsSources& sources) {
  const auto folder = sources.variable("XDG_CONFIG_HOME");
  if (folder && folder->starts_with('/')) {
    return *folder + "/reeve/config.yaml";
  }
  const auto home = sources.variable("HOME");
  return home && home->starts_with('/') ? std::optional(*home + "/.config/reeve/config.yaml")
                                        : std::nullopt;
}

/// Why the working folder's file, which may name any host, is not used; empty if it is.
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
    found.in_working_folder = true;
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

std::optional<OptionValue> given_url(const SettingsOptions& options,
                                     const SettingsSources& sources) {
  return option_or_env("--url", options.url, "REEVE_URL", sources);
}

/// A URL from the command line or the environment replaces the configured supervisords together
/// with their credentials, which are not sent to another host.
Applied apply_url(const SettingsOptions& options, const SettingsSources& sources,
                  Settings& settings) {
  Config& config = settings.config;
  if (const auto url = given_url(options, sources)) {
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

/// The variables that supervisord's children are given for it (superlance reads them), if neither
/// option nor configuration names a user: sent to the supervisord that runs this process alone.
void apply_parent_credentials(const SettingsSources& sources, supervisor::Options& supervisord) {
  const auto url = sources.variable("SUPERVISOR_SERVER_URL");
  const auto username = sources.variable("SUPERVISOR_USERNAME");
  if (!url || !username || !supervisord.username.empty()) {
    return;
  }
  const auto parent = supervisor::options_for(*url);
  if (parent && parent->endpoint == supervisord.endpoint) {
    supervisord.username = *username;
    supervisord.password = base::Secret(sources.variable("SUPERVISOR_PASSWORD").value_or(""));
  }
}

Applied check_credentials(const supervisor::Options& supervisord, const OptionValue& given) {
  // The configuration file never has a password without a user name.
  return supervisord.username.empty() && !supervisord.password.empty()
             ? usage_error(given.name, "a password needs a user name: --username")
             : Applied();
}

Applied apply_credentials(const SettingsOptions& options, const SettingsSources& sources,
                          const FoundConfig& found, Config& config) {
  const auto username = option_or_env("--username", options.username, "REEVE_USERNAME", sources);
  const auto file =
      option_or_env("--password-file", options.password_file, "REEVE_PASSWORD_FILE", sources);
  if (found.in_working_folder && (username || file)) {
    return usage_error((username ? username : file)->name,
                       "is not sent to a URL that " + found.path +
                           " gives: name supervisord with --url, or this file with --config");
  }
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
    if (username || file) {
      if (auto checked = check_credentials(each, username ? *username : *file); !checked) {
        return checked;
      }
    } else {
      apply_parent_credentials(sources, each);
    }
    each.timeout = options.timeout.value_or(each.timeout);
  }
  return {};
}

/// The file's configuration as far as the purpose needs it; the default one without a file.
ConfigResult load_for(Purpose purpose, const FoundConfig& found, const SettingsOptions& options,
                      const SettingsSources& sources) {
  if (found.path.empty()) {
    return default_config();
  }
  if (purpose == Purpose::agent) {
    return load(found.path);
  }
  const bool passwords =
      !option_or_env("--password-file", options.password_file, "REEVE_PASSWORD_FILE", sources);
  return load(found.path, {.part = Part::supervisors,
                           .supervisor = options.supervisor,
                           .passwords = passwords,
                           .trusted = !found.in_working_folder});
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
    return {.path = *options.config_file};
  }
  if (const auto named = sources.variable("REEVE_CONFIG")) {
    return {.path = *named};
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
  FoundConfig found;
  if (purpose == Purpose::agent || !given_url(options, sources)) {
    found = find_config(options, purpose, sources);
  }
  settings.config_file = found.path;
  settings.notices = found.notices;
  const auto with_notices = [&](SettingsError error) {
    error.notices = std::move(found.notices);
    return error;
  };
  auto config = load_for(purpose, found, options, sources);
  if (!config) {
    return tl::unexpected(with_notices({.errors = std::move(config.error())}));
  }
  settings.config = *std::move(config);
  if (auto overridden = apply_overrides(options.agent, settings.config); !overridden) {
    std::vector<ConfigError>& errors = overridden.error();
    const bool usage = std::all_of(errors.begin(), errors.end(), [&](const ConfigError& error) {
      return error.file != settings.config.web_config_file;  // its content is none of usage
    });
    return tl::unexpected(with_notices({.usage = usage, .errors = std::move(errors)}));
  }
  if (const auto notice = notice_of_other_errors(settings.config);
      notice && purpose != Purpose::agent) {
    settings.notices.push_back(*notice);
  }
  return apply_url(options, sources, settings)
      .and_then([&] { return choose_supervisor(options, settings.config); })
      .and_then([&] { return apply_credentials(options, sources, found, settings.config); })
      .map([&] { return std::move(settings); })
      .map_error(with_notices);
}

std::optional<std::string> notice_of_other_errors(const Config& config) {
  if (config.warnings.empty()) {
    return std::nullopt;
  }
  const ConfigError& first = config.warnings.front();
  const std::string more = config.warnings.size() == 1
                               ? "see"
                               : std::to_string(config.warnings.size() - 1) + " more: see";
  return "warning: " + to_string(first) + " (not needed here; " + more + " reeve check-config " +
         first.file + ")";
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
