// The commands that talk to nobody.
#include "base/build_info.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/display.h"
#include "cli/json_lines.h"

namespace reeve::cli {

int run(const CheckConfig& command, const CommonOptions& options,
        const Surroundings& surroundings) {
  const Output output(surroundings, options);
  FoundConfig found = find_config(options, Purpose::agent, surroundings);
  const std::string file = command.file.value_or(found.path);
  if (file.empty()) {
    output.remark(output.json() ? checked_json(file)
                                : "no configuration file: the defaults are valid");
    return exit_done;
  }
  const auto config = config::load(file);
  if (!config) {
    for (const config::ConfigError& error : config.error()) {
      output.config_error(error);
    }
    return exit_failed;
  }
  for (const config::ConfigError& warning : config->warnings) {
    output.config_warning(warning);
  }
  output.remark(output.json() ? checked_json(file) : visible(file) + ": valid");
  return exit_done;
}

int run(const ShowVersion&, const Output& output) {
  const base::BuildInfo info = base::build_info();
  output.write(output.json()
                   ? version_json() + '\n'
                   : "reeve " + std::string(info.version) + " (" + std::string(info.revision) +
                         ", " + std::string(info.compiler) + ")\n");
  return exit_done;
}

}  // namespace reeve::cli
