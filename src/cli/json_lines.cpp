#include "cli/json_lines.h"

#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/session.h"
#include "json/json.h"

namespace reeve::cli {
namespace {

using nlohmann::ordered_json;

ordered_json array_of(const std::vector<Listed>& processes) {
  ordered_json array = ordered_json::array();
  for (const Listed& each : processes) {
    array.push_back(json::to_json(each.manager->options.name, each.detail));
  }
  return array;
}

}  // namespace

std::string notice_json(const std::string& text) {
  return json::to_text({{"notice", base::to_utf8(text)}});
}

std::string problem_json(const Problem& problem) {
  const auto& fault = problem.error.fault;
  return json::to_text({
      {"error", base::to_string(problem.error.kind)},
      {"message", base::to_utf8(problem.error.message)},
      {"supervisor", json::null_if_empty(problem.supervisor)},
      {"process", json::null_if_empty(problem.process)},
      {"fault_code", fault ? ordered_json(fault->code) : ordered_json()},
      {"fault_string", fault ? json::null_if_empty(fault->text) : ordered_json()},
  });
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

std::string processes_json(const std::vector<Listed>& processes) {
  return json::to_indented_text(array_of(processes));
}

std::string health_json(bool healthy, const std::vector<Listed>& sick) {
  return json::to_text({{"healthy", healthy}, {"unhealthy", array_of(sick)}});
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
