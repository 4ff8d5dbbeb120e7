#pragma once

// The one JSON form of each thing that the API and the command line show: members and their order
// as in docs/http-api.md; times are RFC 3339 in UTC, those of supervisord's clock Unix seconds;
// what is not known is null. Pure functions. None throws on bytes that are not UTF-8: they become
// U+FFFD.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "reeve/substrate/instance.h"

namespace reeve::alerts {
struct AlertDecision;
struct WaitingAlert;
}  // namespace reeve::alerts
namespace reeve::control {
struct AuditEntry;
struct Operation;
}  // namespace reeve::control
namespace reeve::coordination {
struct LimitState;
struct Member;
struct MemberInfo;
}  // namespace reeve::coordination
namespace reeve::guards {
struct GuardStats;
struct MaintenanceWindow;
}  // namespace reeve::guards
namespace reeve::monitor {
struct PastTransition;
struct ProcessSnapshot;
struct SupervisorSnapshot;
}  // namespace reeve::monitor

namespace reeve::json {

/// `supervisor` is null where it is empty: the single supervisord without a name.
[[nodiscard]] nlohmann::ordered_json to_json(std::string_view supervisor,
                                             const substrate::InstanceDetail& detail);
/// The same members, with the counters and the last exit that the agent observed, and with
/// `resources`.
[[nodiscard]] nlohmann::ordered_json to_json(const monitor::SupervisorSnapshot& supervisor,
                                             const monitor::ProcessSnapshot& process);
/// `by`: the operation that caused it; null: none is known.
[[nodiscard]] nlohmann::ordered_json to_json(const monitor::PastTransition& transition,
                                             const control::Operation* by);
[[nodiscard]] nlohmann::ordered_json to_json(const monitor::SupervisorSnapshot& supervisor);
/// `id` is null for a dry run.
[[nodiscard]] nlohmann::ordered_json to_json(const control::Operation& operation);
[[nodiscard]] nlohmann::ordered_json to_json(const control::AuditEntry& entry);
[[nodiscard]] nlohmann::ordered_json to_json(const alerts::AlertDecision& decision);
/// A list: one object for each process that the guards have a state of, or an alert waits for. Of
/// two states of a process the first counts.
[[nodiscard]] nlohmann::ordered_json to_json(const guards::GuardStats& stats,
                                             const std::vector<alerts::WaitingAlert>& pending);
[[nodiscard]] nlohmann::ordered_json to_json(const guards::MaintenanceWindow& window);

/// `self`: it is this agent's own.
[[nodiscard]] nlohmann::ordered_json to_json(const coordination::Member& member, bool self);
[[nodiscard]] nlohmann::ordered_json to_json(const coordination::LimitState& limit);
/// What Prometheus' http_sd reads: a target for each member whose metrics can be reached.
[[nodiscard]] std::string targets_text(const std::vector<coordination::MemberInfo>& members,
                                       const std::string& cluster);

[[nodiscard]] nlohmann::ordered_json null_if_empty(std::string_view text);
[[nodiscard]] nlohmann::ordered_json or_null(const std::optional<substrate::Pid>& pid);

/// On one line. C0 and C1 control characters are escaped: a terminal may obey them.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& value);
/// Indented by two blanks, for people.
[[nodiscard]] std::string to_indented_text(const nlohmann::ordered_json& value);
/// Appends text of JSON, its C1 control characters escaped.
void append_escaping_c1(std::string& text, std::string_view utf8);

}  // namespace reeve::json
