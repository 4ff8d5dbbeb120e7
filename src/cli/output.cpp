#include "cli/output.h"

#include "cli/display.h"
#include "cli/json_lines.h"

namespace reeve::cli {
namespace {

bool wants_color(const Surroundings& surroundings, ColorMode mode) {
  switch (mode) {
    case ColorMode::always:
      return true;
    case ColorMode::never:
      return false;
    case ColorMode::automatic:
      return surroundings.console.out_is_terminal && !surroundings.variable("NO_COLOR");
  }
  return false;
}

}  // namespace

Output::Output(const Surroundings& surroundings, const CommonOptions& options)
    : console_(surroundings.console),
      json_(options.output == OutputForm::json),
      quiet_(options.quiet),
      colored_(wants_color(surroundings, options.color)) {}

void Output::write(std::string_view bytes) const {
  *console_.out << bytes << std::flush;
}

void Output::remark(const std::string& text) const {
  if (!quiet_) {
    write(text + '\n');
  }
}

void Output::notice(const std::string& text) const {
  if (!quiet_) {
    const std::string_view over_progress = shows_progress() ? "\r\x1B[K" : "";
    *console_.err << over_progress << (json_ ? notice_json(text) : "reeve: " + visible(text))
                  << '\n'
                  << std::flush;
  }
}

void Output::problem(const Problem& problem) const {
  const std::string where = problem.supervisor.empty() ? "" : problem.supervisor + ": ";
  *console_.err << (json_ ? problem_json(problem)
                          : "reeve: " + visible(where + problem.error.message))
                << '\n'
                << std::flush;
}

void Output::config_error(const config::ConfigError& error) const {
  *console_.err << (json_ ? config_error_json(error) : visible(config::to_string(error))) << '\n';
}

void Output::config_warning(const config::ConfigError& warning) const {
  config::ConfigError shown = warning;
  shown.message = "warning: " + shown.message;
  *console_.err << (json_ ? config_warning_json(warning) : visible(config::to_string(shown)))
                << '\n';
}

bool Output::finish() const {
  console_.out->flush();
  return console_.out->good();
}

}  // namespace reeve::cli
