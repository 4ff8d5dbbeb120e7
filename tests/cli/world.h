#pragma once

// A command line with fake supervisords, an environment and streams of its own.

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/execute.h"
#include "cli/parse.h"
#include "cli/settings.h"
#include "support/fake_substrate.h"
#include "support/temporary_folder.h"

namespace reeve::tests {

class World {
 public:
  World() {
    surroundings.console = {&out, &err, false, false};
    surroundings.clock = &clock;
    surroundings.variable = [this](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    surroundings.connect = [this](const supervisor::Options& options) -> cli::Peer {
      connected.push_back(options);
      auto& fake = fakes[options.name];
      if (!fake) {
        fake = std::make_shared<FakeSubstrate>(clock);
      }
      return {fake, fake, fake, fake};
    };
    surroundings.system_config = folder.path() + "/system.yaml";
    surroundings.working_folder = folder.path();
    surroundings.usual_sockets = {};
    static_cast<void>(surroundings.connect({}));
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

  /// Several supervisords, which a configuration file names.
  void have_supervisors(const std::vector<std::string>& names) {
    std::string text = "supervisors:\n";
    for (const std::string& name : names) {
      text += "  - {name: " + name + ", url: 'http://" + name + ":9001'}\n";
      fakes[name] = std::make_shared<FakeSubstrate>(clock);
    }
    static_cast<void>(folder.write("system.yaml", text));
  }

  /// The exit code; what was said is in `out` and `err`.
  int run(const std::vector<std::string>& arguments) {
    out.str("");
    err.str("");
    const auto invocation = cli::parse(arguments);
    if (!invocation) {
      (invocation.error().exit_code == 0 ? out : err) << invocation.error().text;
      return invocation.error().exit_code;
    }
    return cli::execute(*invocation, surroundings, stop.get_token());
  }

  ManualClock clock;
  TemporaryFolder folder;
  std::map<std::string, std::string> variables;
  std::map<std::string, std::shared_ptr<FakeSubstrate>> fakes;
  std::vector<supervisor::Options> connected;
  std::ostringstream out;
  std::ostringstream err;
  std::stop_source stop;
  cli::Surroundings surroundings;
};

}  // namespace reeve::tests
