#include "cli/execute.h"

#include <type_traits>
#include <variant>

#include "cli/commands.h"

namespace reeve::cli {
namespace {

int refuse(const SettingsError& error, const Output& output) {
  for (const config::ConfigError& each : error.errors) {
    output.config_error(each);
  }
  return error.usage ? exit_usage : exit_failed;
}

template <class Command, class = void>
constexpr bool asks_an_agent = false;
template <class Command>
constexpr bool asks_an_agent<Command, std::void_t<decltype(Command::agent)>> = true;

template <class ForAgent>
int ask(const ForAgent& command, const CommonOptions& options, const Surroundings& surroundings,
        const std::stop_token& stop) {
  auto peer = find_agent(command.agent, options, surroundings);
  if (!peer) {
    return refuse(peer.error(), Output(surroundings, options));
  }
  AgentSession session{*std::move(peer), Output(surroundings, options), options, surroundings,
                       stop};
  return run(session, command);
}

template <class OneShot>
int talk(const OneShot& command, const CommonOptions& options, const Surroundings& surroundings,
         const std::stop_token& stop) {
  auto settings = settle(options, Purpose::one_shot, surroundings);
  if (!settings) {
    return refuse(settings.error(), Output(surroundings, options));
  }
  try_usual_sockets(*settings, surroundings, options);
  Session session(*settings, options, surroundings, stop);
  return run(session, command);
}

}  // namespace

int execute(const Invocation& invocation, const Surroundings& surroundings,
            const std::stop_token& stop) {
  const CommonOptions& options = invocation.options;
  const Output output(surroundings, options);
  const int code = std::visit(
      [&](const auto& command) {
        using Chosen = std::decay_t<decltype(command)>;
        if constexpr (std::is_same_v<Chosen, Serve> || std::is_same_v<Chosen, RelayEvents>) {
          return exit_failed;  // the composition root's
        } else if constexpr (std::is_same_v<Chosen, CheckConfig>) {
          return run(command, options, surroundings);
        } else if constexpr (std::is_same_v<Chosen, ShowVersion> ||
                             std::is_same_v<Chosen, Completion>) {
          return run(command, output);
        } else if constexpr (asks_an_agent<Chosen>) {
          return ask(command, options, surroundings, stop);
        } else {
          return talk(command, options, surroundings, stop);
        }
      },
      invocation.command);
  if (!output.finish() && code == exit_done) {
    output.problem({{base::ErrorKind::internal, "standard output took not all that was written"}});
    return exit_failed;
  }
  return code;
}

}  // namespace reeve::cli
