#include "json/json.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "alerts/responder.h"
#include "base/text.h"
#include "control/audit.h"
#include "control/operation.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "monitor/snapshot.h"

// Objects are filled member by member: a braced list of members compiles ten times as slowly.

namespace reeve::json {

using nlohmann::ordered_json;

namespace {

template <class T>
ordered_json value_or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json or_null(const std::optional<substrate::ManagerTime>& time) {
  return time ? ordered_json(time->time_since_epoch().count()) : ordered_json();
}

ordered_json or_null(const std::optional<base::SystemTime>& time) {
  return time ? ordered_json(base::to_rfc3339(*time)) : ordered_json();
}

ordered_json or_null(const std::optional<substrate::Incarnation>& incarnation) {
  return incarnation ? ordered_json(incarnation->text()) : ordered_json();
}

ordered_json steps_of(const control::Operation& operation) {
  ordered_json steps = ordered_json::array();
  for (const control::StepRecord& step : operation.steps) {
    ordered_json object;
    object["step"] = to_string(step.step);
    object["at"] = base::to_rfc3339(step.at);
    object["detail"] = base::to_utf8(step.detail);
    steps.push_back(std::move(object));
  }
  return steps;
}

ordered_json texts_of(const std::vector<std::string>& texts) {
  ordered_json list = ordered_json::array();
  for (const std::string& text : texts) {
    list.push_back(base::to_utf8(text));
  }
  return list;
}

std::string dump(const ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

ordered_json null_if_empty(std::string_view text) {
  return text.empty() ? ordered_json() : ordered_json(base::to_utf8(text));
}

ordered_json or_null(const std::optional<substrate::Pid>& pid) {
  return pid ? ordered_json(pid->value) : ordered_json();
}

std::string to_text(const ordered_json& value) {
  return dump(value, -1);
}

std::string to_indented_text(const ordered_json& value) {
  return dump(value, 2);
}

ordered_json to_json(std::string_view supervisor, const substrate::InstanceDetail& detail) {
  const auto uptime = detail.uptime();
  ordered_json object;
  object["supervisor"] = null_if_empty(supervisor);
  object["group"] = base::to_utf8(detail.name.group);
  object["name"] = base::to_utf8(detail.name.name);
  object["state"] = to_string(detail.state);
  object["state_code"] = substrate::state_code(detail.state);
  object["pid"] = or_null(detail.pid);
  object["description"] = base::to_utf8(detail.description);
  object["start_time"] = or_null(detail.start_time);
  object["stop_time"] = or_null(detail.stop_time);
  object["now"] = detail.now.time_since_epoch().count();
  object["uptime_seconds"] = uptime ? ordered_json(uptime->count()) : ordered_json();
  object["exit_status"] = value_or_null(detail.exit_status);
  object["exit_signal"] = nullptr;
  object["last_exit_expected"] = value_or_null(detail.exit_expected());
  object["spawn_error"] = base::to_utf8(detail.spawn_error);
  object["starts"] = nullptr;
  object["restarts"] = nullptr;
  object["stdout_logfile"] = base::to_utf8(detail.stdout_log);
  object["stderr_logfile"] = base::to_utf8(detail.stderr_log);
  return object;
}

ordered_json to_json(std::string_view supervisor, const monitor::ProcessSnapshot& process) {
  ordered_json object = to_json(supervisor, process.detail);
  object["exit_status"] = value_or_null(process.exit_status);
  object["exit_signal"] = value_or_null(process.exit_signal);
  object["last_exit_expected"] = value_or_null(process.last_exit_expected);
  object["starts"] = process.counters.starts;
  object["restarts"] = process.counters.restarts;
  return object;
}

ordered_json to_json(const monitor::SupervisorSnapshot& supervisor) {
  const auto& description = supervisor.description;
  ordered_json object;
  object["name"] = null_if_empty(supervisor.name);
  object["url"] = base::to_utf8(supervisor.url);
  object["up"] = supervisor.up;
  object["shutting_down"] = supervisor.shutting_down;
  object["version"] = null_if_empty(description ? description->version : "");
  object["identification"] = null_if_empty(description ? description->identification : "");
  object["pid"] = or_null(supervisor.pid);
  object["snapshot_at"] = or_null(supervisor.snapshot_at);
  object["counter_source"] = to_string(supervisor.counter_source);
  return object;
}

ordered_json to_json(const control::Operation& operation) {
  const guards::Command& command = operation.command;
  const guards::Trigger trigger = command.trigger.value_or(guards::Trigger());
  const base::PeerFault* const fault =
      operation.error && operation.error->fault ? &*operation.error->fault : nullptr;
  ordered_json object;
  object["id"] = null_if_empty(operation.id);
  object["action"] = to_string(command.action);
  object["supervisor"] = null_if_empty(command.target.supervisor);
  object["group"] = base::to_utf8(command.target.name.group);
  object["name"] = null_if_empty(command.target.name.name);
  object["source"] = to_string(command.source);
  object["actor"] = base::to_utf8(command.actor);
  object["reason"] = null_if_empty(command.reason);
  object["rule"] = null_if_empty(trigger.rule);
  object["fingerprint"] = null_if_empty(trigger.fingerprint);
  object["state"] = to_string(operation.state);
  object["result"] = null_if_empty(operation.result ? to_string(*operation.result) : "");
  object["changed"] = value_or_null(operation.changed);
  object["decision"] =
      null_if_empty(operation.refused_for ? to_string(*operation.refused_for) : "");
  object["advice"] = texts_of(operation.advice);
  object["fault_code"] = fault != nullptr ? ordered_json(fault->code) : ordered_json();
  object["fault_string"] =
      fault != nullptr ? ordered_json(base::to_utf8(fault->text)) : ordered_json();
  object["incarnation_before"] = or_null(operation.incarnation_before);
  object["incarnation_after"] = or_null(operation.incarnation_after);
  object["created_at"] = base::to_rfc3339(operation.created_at);
  object["finished_at"] = or_null(operation.finished_at);
  object["steps"] = steps_of(operation);
  return object;
}

ordered_json to_json(const control::AuditEntry& entry) {
  const guards::Target target = entry.target.value_or(guards::Target());
  ordered_json object;
  object["at"] = base::to_rfc3339(entry.at);
  object["kind"] = to_string(entry.kind);
  object["actor"] = null_if_empty(entry.actor);
  object["source"] = to_string(entry.source);
  object["action"] = null_if_empty(entry.action);
  object["supervisor"] = null_if_empty(target.supervisor);
  object["group"] = null_if_empty(target.name.group);
  object["name"] = null_if_empty(target.name.name);
  object["rule"] = null_if_empty(entry.rule);
  object["fingerprint"] = null_if_empty(entry.fingerprint);
  object["decision"] = null_if_empty(entry.decision);
  object["reason"] = null_if_empty(entry.reason);
  object["operation"] = null_if_empty(entry.operation);
  object["incarnation_before"] = null_if_empty(entry.incarnation_before);
  object["incarnation_after"] = null_if_empty(entry.incarnation_after);
  object["result"] = null_if_empty(entry.result);
  return object;
}

ordered_json to_json(const alerts::AlertDecision& decision) {
  ordered_json object;
  object["fingerprint"] = decision.fingerprint;
  object["alertname"] = base::to_utf8(decision.alertname);
  object["status"] = to_string(decision.status);
  object["rule"] = null_if_empty(decision.rule);
  object["target"] = null_if_empty(decision.target ? decision.target->text() : "");
  object["decision"] = to_string(decision.decision.reason);
  object["reason"] = base::to_utf8(decision.decision.detail);
  object["operation"] = null_if_empty(decision.operation);
  return object;
}

ordered_json to_json(const guards::GuardStats& stats) {
  ordered_json list = ordered_json::array();
  for (const guards::GuardState& guard : stats.guards) {
    ordered_json object;
    object["supervisor"] = null_if_empty(guard.target.supervisor);
    object["group"] = base::to_utf8(guard.target.name.group);
    object["name"] = base::to_utf8(guard.target.name.name);
    object["cooldown_until"] = or_null(guard.cooldown_until);
    object["attempts"] = guard.attempts;
    object["budget_used"] = guard.budget_used;
    object["budget_limit"] = guard.budget_limit;
    object["gave_up"] = guard.gave_up;
    object["breaker_open"] = stats.breaker_open;
    list.push_back(std::move(object));
  }
  return list;
}

ordered_json to_json(const guards::MaintenanceWindow& window) {
  ordered_json object;
  object["scope"] = base::to_utf8(window.scope);
  object["until"] = base::to_rfc3339(window.until);
  object["reason"] = null_if_empty(window.reason);
  object["actor"] = base::to_utf8(window.actor);
  return object;
}

}  // namespace reeve::json
