#include "cli/surroundings.h"

#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "cli/agent_client.h"
#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"

namespace reeve::cli {
namespace {

std::optional<std::string> variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

Peer connect(const supervisor::Options& options) {
  const auto substrate = supervisor::connect_to(options);
  return {substrate, substrate, substrate,
          std::make_shared<supervisor::SupervisorPollSource>(*substrate)};
}

}  // namespace

Surroundings real_surroundings(const base::Clock& clock) {
  Surroundings surroundings;
  surroundings.console = {&std::cout, &std::cerr, ::isatty(STDOUT_FILENO) == 1,
                          ::isatty(STDERR_FILENO) == 1};
  surroundings.clock = &clock;
  surroundings.variable = variable;
  surroundings.connect = connect;
  surroundings.ask_agent = ask_agent;
  surroundings.is_root = ::geteuid() == 0;
  return surroundings;
}

}  // namespace reeve::cli
