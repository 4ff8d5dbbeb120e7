#pragma once

// Runs command lines against fake supervisords, with environment variables and streams of its own.

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/parse.h"
#include "support/fake_substrate.h"
#include "support/temporary_folder.h"

namespace reeve::tests {

class CliFixture {
 public:
  CliFixture() {
    environment.console = {&out, &err, false, false};
    environment.clock = &clock;
    environment.sources.variable = [this](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    environment.connect = [this](const supervisor::Options& options) -> cli::Supervisord {
      connected.push_back(options);
      auto& fake = fakes[options.name];
      if (!fake) {
        fake = std::make_shared<FakeSubstrate>(clock);
      }
      return {options, fake, fake, fake};
    };
    environment.sources.system_config = folder.path() + "/system.yaml";
    environment.sources.working_folder = folder.path();
    environment.sources.usual_sockets = {};
    static_cast<void>(environment.connect({}));
    connected.clear();
  }

  /// The only, unnamed supervisord.
  [[nodiscard]] FakeSubstrate& fake(const std::string& name = "") { return *fakes.at(name); }

  void add(const std::string& group, const std::string& name, bool autostart = true) {
    FakeProgram program;
    program.name = {group, name};
    program.autostart = autostart;
    fake().add(program);
    fake().tick(std::chrono::seconds(3));
  }

  /// Several supervisords, in the system's configuration file.
  void configure_supervisors(const std::vector<std::string>& names) {
    std::string text = "supervisors:\n";
    for (const std::string& name : names) {
      text += "  - {name: " + name + ", url: 'http://" + name + ":9001'}\n";
      fakes[name] = std::make_shared<FakeSubstrate>(clock);
    }
    static_cast<void>(folder.write("system.yaml", text));
  }

  /// The exit code; `out` and `err` hold what this run printed.
  int run(const std::vector<std::string>& arguments) {
    out.str("");
    err.str("");
    const auto invocation = cli::parse(arguments);
    if (!invocation) {
      (invocation.error().exit_code == 0 ? out : err) << invocation.error().text;
      return invocation.error().exit_code;
    }
    return cli::run_command(*invocation, environment, stop.get_token());
  }

  ManualClock clock;
  TemporaryFolder folder;
  std::map<std::string, std::string> variables;
  std::map<std::string, std::shared_ptr<FakeSubstrate>> fakes;
  std::vector<supervisor::Options> connected;
  std::ostringstream out;
  std::ostringstream err;
  std::stop_source stop;
  cli::Environment environment;
};

}  // namespace reeve::tests
