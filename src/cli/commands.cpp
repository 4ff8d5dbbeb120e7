#include "cli/commands.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/build_info.h"
#include "cli/agent_commands.h"
#include "cli/session.h"
#include "cli/table.h"

namespace reeve::cli {
namespace {

void print_notices(const Output& output, const std::vector<std::string>& notices) {
  for (const std::string& notice : notices) {
    output.notice(notice);
  }
}

int report_settings_error(const config::SettingsError& error, const Output& output) {
  print_notices(output, error.notices);
  for (const config::ConfigError& each : error.errors) {
    output.settings_error(each);
  }
  return error.usage ? exit_usage : exit_failure;
}

template <class Command, class = void>
constexpr bool is_agent_command = false;
template <class Command>
constexpr bool is_agent_command<Command, std::void_t<decltype(Command::agent)>> = true;

template <class AgentCommand>
int run_on_agent(const AgentCommand& command, const CommonOptions& options,
                 const Environment& environment, const std::stop_token& stop) {
  const Output output(environment, options);
  auto address = find_agent(command.agent, options.settings, environment.sources);
  if (!address) {
    return report_settings_error(address.error(), output);
  }
  AgentSession session{*std::move(address), output, options, environment, stop};
  return run(session, command);
}

template <class Command, class = void>
constexpr bool is_fleet_command = false;
template <class Command>
constexpr bool is_fleet_command<Command, std::void_t<decltype(Command::fleet)>> = true;

/// Where the agents are named, the caller's own is not needed, but its token is.
template <class FleetCommand>
int run_on_fleet(FleetCommand command, const CommonOptions& options, const Environment& environment,
                 const std::stop_token& stop) {
  const Output output(environment, options);
  FleetOptions& fleet = command.fleet;
  const auto reference = configured_agent(options.settings, environment.sources);
  if (!reference) {
    return report_settings_error(reference.error(), output);
  }
  const Names& trusted = reference->trusted_hosts;
  fleet.trusted_hosts.insert(fleet.trusted_hosts.end(), trusted.begin(), trusted.end());
  AgentOptions agent = fleet.agent;
  if (fleet.agents || fleet.agents_file) {
    agent.url = "http://localhost";
  }
  auto address = find_agent(agent, options.settings, environment.sources);
  if (!address) {
    return report_settings_error(address.error(), output);
  }
  AgentSession session{*std::move(address), output, options, environment, stop};
  return run(session, command);
}

template <class SupervisordCommand>
int run_on_supervisord(const SupervisordCommand& command, const CommonOptions& options,
                       const Environment& environment, const std::stop_token& stop) {
  const Output output(environment, options);
  auto settings =
      config::load_settings(options.settings, config::Purpose::one_shot, environment.sources);
  if (!settings) {
    return report_settings_error(settings.error(), output);
  }
  print_notices(output, settings->notices);
  const base::SteadyTime begun = environment.clock->steady_now();
  const auto is_unreachable = [&](const supervisor::Options& supervisord) {
    const auto pid =
        environment.connect(supervisord)
            .substrate->connect(base::Deadline::after(*environment.clock, supervisord.timeout));
    return !pid && pid.error().kind == base::ErrorKind::unreachable;
  };
  if (const auto notice =
          config::try_usual_sockets(*settings, environment.sources, is_unreachable)) {
    output.notice(*notice);
  }
  std::vector<Supervisord> supervisords;
  const auto& configured = settings->config.supervisors;
  std::transform(configured.begin(), configured.end(), std::back_inserter(supervisords),
                 environment.connect);
  Session session(std::move(supervisords), options, environment, stop);
  session.looks_begin(begun);
  return run(session, command);
}

template <class Action>
int run_action(const Action& command, const CommonOptions& options, const Environment& environment,
               const std::stop_token& stop) {
  const Output output(environment, options);
  auto agent = agent_for_action(command.action, options.settings, environment.sources);
  if (!agent) {
    return report_settings_error(agent.error(), output);
  }
  if (!*agent) {
    return run_on_supervisord(command, options, environment, stop);
  }
  const AgentSession agent_session{**std::move(agent), output, options, environment, stop};
  auto supervisords = supervisords_of(agent_session, command.action.reason.value_or(""));
  if (!supervisords) {
    return supervisords.error();
  }
  Session session(*std::move(supervisords), options, environment, stop);
  return run(session, command);
}

}  // namespace

int run_command(const Invocation& invocation, const Environment& environment,
                const std::stop_token& stop) {
  const CommonOptions& options = invocation.options;
  const Output output(environment, options);
  const int code = std::visit(
      [&](const auto& command) {
        using Chosen = std::decay_t<decltype(command)>;
        if constexpr (std::is_same_v<Chosen, Serve> || std::is_same_v<Chosen, RelayEvents>) {
          return exit_failure;  // run by the composition root
        } else if constexpr (std::is_same_v<Chosen, Complete> ||
                             std::is_same_v<Chosen, Supervisorctl>) {
          return run(command, environment, stop);
        } else if constexpr (std::is_same_v<Chosen, CheckConfig>) {
          return run(command, options, environment);
        } else if constexpr (std::is_same_v<Chosen, ShowVersion> ||
                             std::is_same_v<Chosen, Completion>) {
          return run(command, output);
        } else if constexpr (is_agent_command<Chosen>) {
          return run_on_agent(command, options, environment, stop);
        } else if constexpr (is_fleet_command<Chosen>) {
          return run_on_fleet(command, options, environment, stop);
        } else if constexpr (is_action<Chosen>) {
          return run_action(command, options, environment, stop);
        } else {
          return run_on_supervisord(command, options, environment, stop);
        }
      },
      invocation.command);
  if (!output.flush() && output.is_pipe_broken()) {
    return exit_broken_pipe;
  }
  if (!output.flush() && code == exit_success) {
    output.problem(
        {{base::ErrorKind::internal, "standard output could not be written completely"}});
    return exit_failure;
  }
  return code;
}

int run(const CheckConfig& command, const CommonOptions& options, const Environment& environment) {
  const Output output(environment, options);
  const config::FoundConfig found =
      config::find_config(options.settings, config::Purpose::agent, environment.sources);
  const std::string file = command.file.value_or(found.path);
  if (file.empty()) {
    output.message(output.json() ? checked_json(file)
                                 : "no configuration file: the defaults are valid");
    return exit_success;
  }
  const auto config = config::load(file);
  if (!config) {
    for (const config::ConfigError& error : config.error()) {
      output.config_error(error);
    }
    return exit_failure;
  }
  for (const config::ConfigError& warning : config->warnings) {
    output.config_warning(warning);
  }
  output.message(output.json() ? checked_json(file) : escaped(file) + ": valid");
  return exit_success;
}

int run(const ShowVersion&, const Output& output) {
  const base::BuildInfo info = base::build_info();
  output.write(output.json()
                   ? version_json() + '\n'
                   : "reeve " + std::string(info.version) + " (" + std::string(info.revision) +
                         ", " + std::string(info.compiler) + ")\n");
  return exit_success;
}

}  // namespace reeve::cli
