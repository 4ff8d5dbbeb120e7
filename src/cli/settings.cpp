#include "cli/settings.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "cli/given.h"
#include "cli/output.h"

namespace reeve::cli {
namespace {

using config::ConfigError;

tl::unexpected<SettingsError> usage_error(const std::string& name, const std::string& message) {
  return tl::unexpected(SettingsError{true, {ConfigError{name, 0, 0, message}}});
}

using Settled = tl::expected<void, SettingsError>;

Settled set_endpoint(const Given& url, supervisor::Options& options) {
  auto parsed = supervisor::options_for(url.value);
  if (!parsed) {
    return usage_error(url.name, parsed.error().message);
  }
  options.endpoint = std::move(parsed->endpoint);
  return {};
}

/// A URL from the command line or the environment replaces all that the configuration says of
/// supervisords: its credentials are for its own hosts.
Settled apply_url(const CommonOptions& options, const Surroundings& surroundings,
                  Settings& settings) {
  config::Config& config = settings.config;
  if (const auto url = given("--url", options.url, "REEVE_URL", surroundings)) {
    if (options.supervisor) {
      return usage_error("--supervisor", "chooses from the configuration, which " + url->name +
                                             " replaces: use one of them");
    }
    config.supervisors.assign(1, supervisor::Options{});
    return set_endpoint(*url, config.supervisors.front());
  }
  const bool from_file = config.supervisor_url_given;
  if (config.supervisors.empty()) {
    config.supervisors.emplace_back();
    static_cast<void>(
        set_endpoint({"", std::string(supervisor::default_url)}, config.supervisors.front()));
  }
  if (from_file) {
    return {};
  }
  if (const auto url = surroundings.variable("SUPERVISOR_SERVER_URL")) {
    return set_endpoint({"SUPERVISOR_SERVER_URL", *url}, config.supervisors.front());
  }
  settings.url_is_default = true;
  return {};
}

Settled choose_supervisor(const CommonOptions& options, config::Config& config) {
  if (!options.supervisor) {
    return {};
  }
  auto& all = config.supervisors;
  const auto chosen = std::find_if(all.begin(), all.end(), [&](const supervisor::Options& each) {
    return each.name == *options.supervisor;
  });
  if (chosen == all.end()) {
    // A single one without a name cannot be chosen.
    const std::string names = base::join(all, ", ", &supervisor::Options::name);
    return usage_error("--supervisor", "'" + *options.supervisor + "' is not configured" +
                                           (names.empty() ? "" : "; there are " + names));
  }
  all = {*chosen};
  return {};
}

Settled apply_credentials(const CommonOptions& options, const Surroundings& surroundings,
                          config::Config& config) {
  const auto username = given("--username", options.username, "REEVE_USERNAME", surroundings);
  const auto file =
      given("--password-file", options.password_file, "REEVE_PASSWORD_FILE", surroundings);
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
      // The configuration itself gives no password without a name.
      const std::string& to_blame = username ? username->name : file->name;
      return usage_error(to_blame, "a password needs a user name: --username");
    }
    each.timeout = options.timeout.value_or(each.timeout);
  }
  return {};
}

}  // namespace

tl::expected<Settings, SettingsError> settle(const CommonOptions& options, Purpose purpose,
                                             const Surroundings& surroundings) {
  Settings settings;
  const FoundConfig found = find_config(options, purpose, surroundings);
  for (const std::string& notice : found.notices) {
    Output(surroundings, options).notice(notice);
  }
  settings.config_file = found.path;
  auto config = found.path.empty() ? config::default_config() : config::load(found.path);
  if (!config) {
    return tl::unexpected(SettingsError{false, std::move(config.error())});
  }
  settings.config = *std::move(config);
  return apply_url(options, surroundings, settings)
      .and_then([&] { return choose_supervisor(options, settings.config); })
      .and_then([&] { return apply_credentials(options, surroundings, settings.config); })
      .map([&] { return std::move(settings); });
}

void try_usual_sockets(Settings& settings, const Surroundings& surroundings,
                       const CommonOptions& options) {
  if (!settings.url_is_default) {
    return;
  }
  supervisor::Options& guess = settings.config.supervisors.front();
  const auto answer = surroundings.connect(guess).substrate->connect(
      base::Deadline::after(*surroundings.clock, guess.timeout));
  if (answer || answer.error().kind != base::ErrorKind::unreachable) {
    return;
  }
  for (const std::string& path : surroundings.usual_sockets) {
    std::error_code ignored;
    if (std::filesystem::is_socket(path, ignored)) {
      Output(surroundings, options)
          .notice("nothing listens at " + guess.endpoint.url() + ": using unix://" + path);
      guess.endpoint.scheme = base::Endpoint::Scheme::unix_socket;
      guess.endpoint.socket_path = path;
      return;
    }
  }
  guess.usual_sockets = surroundings.usual_sockets;
}

}  // namespace reeve::cli
