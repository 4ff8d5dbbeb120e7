#include "cli/output.h"

#include <cerrno>

#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "base/text.h"
#include "cli/table.h"
#include "json/json.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using nlohmann::ordered_json;

/// Commands that only read: if supervisord does not answer, the state is unknown.
bool is_query(Verb verb) {
  return verb == Verb::status || verb == Verb::list || verb == Verb::healthcheck;
}

/// supervisorctl runs these without checking the connection first.
bool connects_late(Verb verb) {
  return verb == Verb::reread || verb == Verb::update;
}

bool wants_color(const Environment& environment, ColorMode mode) {
  switch (mode) {
    case ColorMode::always:
      return true;
    case ColorMode::never:
      return false;
    case ColorMode::automatic:
      return environment.console.out_is_terminal && !environment.sources.variable("NO_COLOR");
  }
  return false;
}

ordered_json array_of(const std::vector<ListedProcess>& processes) {
  ordered_json array = ordered_json::array();
  for (const ListedProcess& each : processes) {
    array.push_back(json::to_json(each.supervisord->options.name, each.detail));
  }
  return array;
}

std::string notice_json(const std::string& text) {
  return json::to_text({{"notice", base::to_utf8(text)}});
}

std::string config_error_json(const config::ConfigError& error) {
  return json::to_text({
      {"error", "invalid_configuration"},
      {"message", base::to_utf8(error.message)},
      {"file", base::to_utf8(error.file)},
      {"line", error.line},
      {"column", error.column},
  });
}

std::string config_warning_json(const config::ConfigError& warning) {
  return json::to_text({
      {"warning", base::to_utf8(warning.message)},
      {"file", base::to_utf8(warning.file)},
      {"line", warning.line},
      {"column", warning.column},
  });
}

}  // namespace

int exit_code(Verb verb, ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unreachable:
      return connects_late(verb) ? exit_failure : exit_unknown;
    case ErrorKind::socket_missing:
      return connects_late(verb) ? exit_failure : is_query(verb) ? exit_unknown : exit_spawn_failed;
    case ErrorKind::timeout:
      return is_query(verb) ? exit_unknown : exit_failure;
    case ErrorKind::not_found:
      return verb == Verb::status || verb == Verb::healthcheck ? exit_unknown : exit_failure;
    case ErrorKind::conflict:  // supervisord's NOT_RUNNING and ABNORMAL_TERMINATION
      return verb == Verb::start || verb == Verb::restart || verb == Verb::signal
                 ? exit_spawn_failed
                 : exit_failure;
    case ErrorKind::spawn_failed:
      return exit_spawn_failed;
    case ErrorKind::cancelled:
    case ErrorKind::denied:
    case ErrorKind::no_file:
    case ErrorKind::stale:
    case ErrorKind::invalid_argument:
    case ErrorKind::shutting_down:
    case ErrorKind::fault:
    case ErrorKind::malformed:
    case ErrorKind::not_implemented:
    case ErrorKind::internal:
      return exit_failure;
  }
  return exit_failure;
}

Output::Output(const Environment& environment, const CommonOptions& options)
    : console_(environment.console),
      json_(options.output == OutputForm::json),
      quiet_(options.quiet),
      colored_(wants_color(environment, options.color)) {}

void Output::write(std::string_view bytes) const {
  const std::scoped_lock lock(*mutex_);
  if (!console_.out->good()) {
    return;
  }
  errno = 0;
  *console_.out << bytes << std::flush;
  if (!console_.out->good() && errno == EPIPE) {
    *console_.pipe_broken = true;
  }
}

void Output::message(const std::string& text) const {
  if (!quiet_) {
    write(text + '\n');
  }
}

void Output::notice(const std::string& text) const {
  if (!quiet_) {
    const std::scoped_lock lock(*mutex_);
    const std::string_view clear_line = shows_progress() ? "\r\x1B[K" : "";
    *console_.err << clear_line << (json_ ? notice_json(text) : "reeve: " + escaped(text)) << '\n'
                  << std::flush;
  }
}

void Output::problem(const Problem& problem) const {
  const std::scoped_lock lock(*mutex_);
  std::string where = problem.host.empty() ? "" : problem.host + ": ";
  where += problem.supervisor.empty() ? "" : problem.supervisor + ": ";
  *console_.err << (json_ ? problem_json(problem)
                          : "reeve: " + escaped(where + problem.error.message))
                << '\n'
                << std::flush;
}

void Output::settings_error(const config::ConfigError& error) const {
  *console_.err << (json_ ? "" : "reeve: ");
  config_error(error);
}

void Output::config_error(const config::ConfigError& error) const {
  *console_.err << (json_ ? config_error_json(error) : escaped(config::to_string(error))) << '\n';
}

void Output::config_warning(const config::ConfigError& warning) const {
  config::ConfigError prefixed = warning;
  prefixed.message = "warning: " + prefixed.message;
  *console_.err << (json_ ? config_warning_json(warning) : escaped(config::to_string(prefixed)))
                << '\n';
}

bool Output::flush() const {
  console_.out->flush();
  return console_.out->good();
}

std::string problem_json(const Problem& problem) {
  const auto& fault = problem.error.fault;
  ordered_json object = {
      {"error", base::to_string(problem.error.kind)},
      {"message", base::to_utf8(problem.error.message)},
      {"supervisor", json::null_if_empty(problem.supervisor)},
      {"process", json::null_if_empty(problem.process)},
      {"fault_code", fault ? ordered_json(fault->code) : ordered_json()},
      {"fault_string", fault ? json::null_if_empty(fault->text) : ordered_json()},
  };
  if (!problem.host.empty()) {
    object["host"] = base::to_utf8(problem.host);
  }
  return json::to_text(object);
}

std::string processes_json(const std::vector<ListedProcess>& processes) {
  return json::to_indented_text(array_of(processes));
}

std::string health_json(bool healthy, const std::vector<ListedProcess>& unhealthy) {
  return json::to_text({{"healthy", healthy}, {"unhealthy", array_of(unhealthy)}});
}

std::string result_json(const std::string& supervisor, const substrate::InstanceName& name,
                        std::string_view result) {
  return json::to_text({{"supervisor", json::null_if_empty(supervisor)},
                        {"group", base::to_utf8(name.group)},
                        {"name", base::to_utf8(name.name)},
                        {"result", result}});
}

std::string group_result_json(const std::string& supervisor, const std::string& group,
                              std::string_view result) {
  return json::to_text({{"supervisor", json::null_if_empty(supervisor)},
                        {"group", base::to_utf8(group)},
                        {"result", result}});
}

std::string pid_json(const std::string& supervisor,
                     const std::optional<substrate::InstanceName>& name,
                     const std::optional<substrate::Pid>& pid) {
  return json::to_text({{"supervisor", json::null_if_empty(supervisor)},
                        {"group", name ? json::null_if_empty(name->group) : ordered_json()},
                        {"name", name ? json::null_if_empty(name->name) : ordered_json()},
                        {"pid", json::or_null(pid)}});
}

std::string changes_json(const std::string& supervisor, const substrate::ConfigChanges& changes) {
  const auto names = [](const std::vector<std::string>& groups) {
    ordered_json array = ordered_json::array();
    for (const std::string& group : groups) {
      array.push_back(base::to_utf8(group));
    }
    return array;
  };
  return json::to_text({{"supervisor", json::null_if_empty(supervisor)},
                        {"added", names(changes.added)},
                        {"changed", names(changes.changed)},
                        {"removed", names(changes.removed)}});
}

std::string checked_json(const std::string& file) {
  return json::to_text({{"file", json::null_if_empty(file)}, {"valid", true}});
}

std::string version_json() {
  const base::BuildInfo info = base::build_info();
  return json::to_text(
      {{"version", info.version}, {"revision", info.revision}, {"compiler", info.compiler}});
}

}  // namespace reeve::cli
