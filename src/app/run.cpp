#include "app/run.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <poll.h>
#include <sys/stat.h>
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

/// Ends a command that follows a log or the audit when nothing reads its output any more, as tail
/// does, though there may be nothing to write for hours.
class PipeWatch {
 public:
  PipeWatch() {
    struct stat status {};
    if (::fstat(STDOUT_FILENO, &status) != 0 || !S_ISFIFO(status.st_mode)) {
      return;
    }
    thread_ = std::jthread([](const std::stop_token& stop) {
      constexpr int pause_ms = 200;
      pollfd pipe{STDOUT_FILENO, 0, 0};
      while (!stop.stop_requested()) {
        if (::poll(&pipe, 1, pause_ms) == 1 && (pipe.revents & POLLERR) != 0) {
          ::_exit(cli::exit_broken_pipe);
        }
      }
    });
  }

 private:
  std::jthread thread_;
};

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
  const auto* const tail = std::get_if<cli::Tail>(&invocation.command);
  const auto* const audit = std::get_if<cli::ShowAudit>(&invocation.command);
  const bool follows = (tail != nullptr && tail->follow) || (audit != nullptr && audit->follow);
  const auto watch = follows ? std::make_unique<PipeWatch>() : nullptr;
  return cli::run_command(invocation, environment, stop);
}

int run_invocation(const cli::Invocation& invocation) {
  adapt_to_system();
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
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const std::string program = argc > 0 ? argv[0] : "";
    if (program.substr(program.rfind('/') + 1) == "supervisorctl") {  // npos + 1 is 0
      return run_invocation({{}, cli::Supervisorctl{program, words}});
    }
    const auto invocation = cli::parse(words);
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
