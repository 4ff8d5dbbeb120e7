#include "app/run.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include <unistd.h>

#include "app/relay_events.h"
#include "app/serve.h"
#include "app/signals.h"
#include "cli/execute.h"
#include "cli/parse.h"

namespace reeve::app {
namespace {

int dispatch(const std::vector<std::string>& arguments) {
  const auto invocation = cli::parse(arguments);
  if (!invocation) {
    (invocation.error().exit_code == 0 ? std::cout : std::cerr) << invocation.error().text;
    return invocation.error().exit_code;
  }
  block_signals();
  const base::SystemClock clock;
  const cli::Surroundings surroundings = cli::real_surroundings(clock);
  if (std::holds_alternative<cli::Serve>(invocation->command)) {
    return serve(invocation->options, surroundings);
  }
  std::stop_source stop;
  const SignalThread signals([&](int signal) {
    if (stop.stop_requested()) {
      ::_exit(128 + signal);  // asked twice: now, whatever is half done
    }
    stop.request_stop();
  });
  if (const auto* const relay = std::get_if<cli::RelayEvents>(&invocation->command)) {
    return relay_events(*relay, invocation->options, surroundings, stop.get_token());
  }
  return cli::execute(*invocation, surroundings, stop.get_token());
}

}  // namespace

int run(int argc, char** argv) {
  try {
    return dispatch({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "reeve: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace reeve::app
