#pragma once

// The one JSON form of each thing that the API and the command line show: members and their order
// as in docs/http-api.md; times are RFC 3339 in UTC, those of supervisord's clock Unix seconds;
// what is not known is null. Pure functions. None throws on bytes that are not UTF-8: they become
// U+FFFD.

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "reeve/substrate/instance.h"

namespace reeve::alerts {
struct AlertDecision;
}
namespace reeve::control {
struct AuditEntry;
struct Operation;
}  // namespace reeve::control
namespace reeve::guards {
struct GuardStats;
struct MaintenanceWindow;
}  // namespace reeve::guards
namespace reeve::monitor {
struct ProcessSnapshot;
struct SupervisorSnapshot;
}  // namespace reeve::monitor

namespace reeve::json {

/// `supervisor` is null where it is empty: the single supervisord without a name.
[[nodiscard]] nlohmann::ordered_json to_json(std::string_view supervisor,
                                             const substrate::InstanceDetail& detail);
/// The same members, with the counters and the last exit that the agent observed.
[[nodiscard]] nlohmann::ordered_json to_json(std::string_view supervisor,
                                             const monitor::ProcessSnapshot& process);
[[nodiscard]] nlohmann::ordered_json to_json(const monitor::SupervisorSnapshot& supervisor);
/// `id` is null for a dry run.
[[nodiscard]] nlohmann::ordered_json to_json(const control::Operation& operation);
[[nodiscard]] nlohmann::ordered_json to_json(const control::AuditEntry& entry);
[[nodiscard]] nlohmann::ordered_json to_json(const alerts::AlertDecision& decision);
/// A list: one object for each process that the guards have a state of.
[[nodiscard]] nlohmann::ordered_json to_json(const guards::GuardStats& stats);
[[nodiscard]] nlohmann::ordered_json to_json(const guards::MaintenanceWindow& window);

[[nodiscard]] nlohmann::ordered_json null_if_empty(std::string_view text);
[[nodiscard]] nlohmann::ordered_json or_null(const std::optional<substrate::Pid>& pid);

/// On one line.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& value);
/// Indented by two blanks, for people.
[[nodiscard]] std::string to_indented_text(const nlohmann::ordered_json& value);

}  // namespace reeve::json
