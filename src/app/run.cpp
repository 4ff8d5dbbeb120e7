#include "app/run.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include <unistd.h>

#include "app/process.h"
#include "app/serve.h"
#include "cli/commands.h"
#include "cli/parse.h"
#include "reeve/supervisor/supervisor_substrate.h"

namespace reeve::app {
namespace {

cli::Supervisord connect(const supervisor::Options& options) {
  const auto substrate = supervisor::connect_to(options);
  return {options, substrate, substrate, substrate};
}

int run_one_shot(const cli::Invocation& invocation, const ServiceContext& context,
                 const std::stop_token& stop) {
  const cli::Environment environment{
      .console = {.out = &std::cout,
                  .err = &std::cerr,
                  .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                  .err_is_terminal = ::isatty(STDERR_FILENO) == 1},
      .clock = context.clock,
      .sources = context.sources,
      .connect = connect,
      .send_to_agent = cli::send_to_agent,
  };
  return cli::run_command(invocation, environment, stop);
}

int run_invocation(const cli::Invocation& invocation) {
  block_signals();
  const base::SystemClock clock;
  const ServiceContext context{
      .options = invocation.options.settings,
      .sources = {.variable = environment_variable, .is_root = ::geteuid() == 0},
      .clock = &clock,
  };
  if (std::holds_alternative<cli::Serve>(invocation.command)) {
    return serve(context);
  }
  std::stop_source stop;
  const SignalThread signals([&](int signal) {
    if (stop.stop_requested()) {
      ::_exit(128 + signal);  // the second signal ends the process at once
    }
    stop.request_stop();
  });
  if (const auto* const relay = std::get_if<cli::RelayEvents>(&invocation.command)) {
    return relay_events(relay->socket, context, stop.get_token());
  }
  return run_one_shot(invocation, context, stop.get_token());
}

}  // namespace

int run(int argc, char** argv) {
  try {
    const auto invocation = cli::parse({argv + std::min(argc, 1), argv + argc});
    if (invocation) {
      return run_invocation(*invocation);
    }
    (invocation.error().exit_code == 0 ? std::cout : std::cerr) << invocation.error().text;
    return invocation.error().exit_code;
  } catch (const std::exception& error) {
    std::cerr << "reeve: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace reeve::app
