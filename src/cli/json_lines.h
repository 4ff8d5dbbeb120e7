#pragma once

// What commands print under --output json, each one line without its end.

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"

namespace reeve::cli {

struct Manager;
struct Problem;

struct Listed {
  const Manager* manager = nullptr;
  substrate::InstanceDetail detail;
};

[[nodiscard]] std::string notice_json(const std::string& text);
[[nodiscard]] std::string problem_json(const Problem& problem);
[[nodiscard]] std::string config_error_json(const config::ConfigError& error);
[[nodiscard]] std::string config_warning_json(const config::ConfigError& warning);
/// An array of processes in the form of the HTTP API.
[[nodiscard]] std::string processes_json(const std::vector<Listed>& processes);
[[nodiscard]] std::string health_json(bool healthy, const std::vector<Listed>& sick);
[[nodiscard]] std::string result_json(const std::string& supervisor,
                                      const substrate::InstanceName& name, std::string_view result);
[[nodiscard]] std::string group_result_json(const std::string& supervisor, const std::string& group,
                                            std::string_view result);
/// `name` is nothing for supervisord itself.
[[nodiscard]] std::string pid_json(const std::string& supervisor,
                                   const std::optional<substrate::InstanceName>& name,
                                   const std::optional<substrate::Pid>& pid);
[[nodiscard]] std::string changes_json(const std::string& supervisor,
                                       const substrate::ConfigChanges& changes);
[[nodiscard]] std::string checked_json(const std::string& file);
[[nodiscard]] std::string version_json();

}  // namespace reeve::cli
