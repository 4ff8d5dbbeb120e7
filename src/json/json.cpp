#include "json/json.h"

#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "alerts/responder.h"
#include "base/text.h"
#include "control/audit.h"
#include "control/operation.h"
#include "coordination/coordinator.h"
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

double cpu_seconds(base::Duration span) {
  return std::chrono::duration<double>(span).count();
}

/// What the process's metrics show.
ordered_json resources_of(const procfs::TreeUsage& usage) {
  ordered_json object;
  object["cpu_seconds_total"] = cpu_seconds(usage.cpu.user + usage.cpu.system);
  object["cpu_user_seconds_total"] = cpu_seconds(usage.cpu.user);
  object["cpu_system_seconds_total"] = cpu_seconds(usage.cpu.system);
  object["resident_memory_bytes"] = usage.resident_bytes;
  object["proportional_memory_bytes"] = value_or_null(usage.proportional_bytes);
  object["open_fds"] = value_or_null(usage.open_fds);
  object["max_fds"] = value_or_null(usage.max_fds);
  object["threads"] = usage.threads;
  object["tree_size"] = usage.processes;
  object["read_bytes_total"] = usage.io ? ordered_json(usage.io->read) : ordered_json();
  object["written_bytes_total"] = usage.io ? ordered_json(usage.io->written) : ordered_json();
  return object;
}

std::string dump(const ordered_json& value, int indent) {
  std::string text;
  append_escaping_c1(text, value.dump(indent, ' ', false, ordered_json::error_handler_t::replace));
  return text;
}

}  // namespace

ordered_json null_if_empty(std::string_view text) {
  return text.empty() ? ordered_json() : ordered_json(base::to_utf8(text));
}

ordered_json or_null(const std::optional<substrate::Pid>& pid) {
  return pid ? ordered_json(pid->value) : ordered_json();
}

void append_escaping_c1(std::string& text, std::string_view utf8) {
  constexpr char lead = '\xC2';
  for (std::size_t at = utf8.find(lead); at != std::string_view::npos && at + 1 < utf8.size();
       at = utf8.find(lead)) {
    const auto low = static_cast<unsigned char>(utf8[at + 1]);
    text += utf8.substr(0, at);
    if (low < 0xA0) {
      (text += low < 0x90 ? "\\u008" : "\\u009") += "0123456789abcdef"[low % 16];
    } else {
      text += utf8.substr(at, 2);
    }
    utf8.remove_prefix(at + 2);
  }
  text += utf8;
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

ordered_json to_json(const monitor::SupervisorSnapshot& supervisor,
                     const monitor::ProcessSnapshot& process) {
  ordered_json object = to_json(supervisor.name, process.detail);
  object["exit_status"] = value_or_null(process.exit_status);
  object["exit_signal"] = value_or_null(process.exit_signal);
  object["last_exit_expected"] = value_or_null(process.last_exit_expected);
  object["starts"] = process.counters.starts;
  object["restarts"] = process.counters.restarts;
  const procfs::TreeUsage* const usage = supervisor.usage_of(process);
  object["resources"] = usage != nullptr ? resources_of(*usage) : ordered_json();
  return object;
}

ordered_json to_json(const monitor::PastTransition& transition, const control::Operation* by) {
  ordered_json object;
  object["at"] = base::to_rfc3339(transition.at);
  object["from"] = to_string(transition.from);
  object["to"] = to_string(transition.to);
  object["pid"] = or_null(transition.pid());
  object["start_time"] = or_null(transition.start_time());
  object["exit_status"] = value_or_null(transition.exit_status());
  object["exit_signal"] = value_or_null(transition.exit_signal());
  object["expected"] = value_or_null(transition.expected());
  const bool is_own = by == nullptr && transition.is_of_supervisord();
  object["cause"] = null_if_empty(by != nullptr ? "operation" : is_own ? "supervisord" : "");
  object["operation"] = null_if_empty(by != nullptr ? by->id : "");
  object["actor"] = null_if_empty(by != nullptr ? by->command.actor : "");
  object["source"] = null_if_empty(by != nullptr ? to_string(by->command.source) : "");
  object["reason"] = null_if_empty(by != nullptr ? by->command.reason : "");
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
  object["group"] = null_if_empty(command.target.name.group);
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
  object["members"] = texts_of(operation.members);
  object["processes"] = ordered_json();
  for (const guards::Target& each : command.batch) {
    object["processes"].push_back(base::to_utf8(each.text()));
  }
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
  object["count"] = entry.count;
  object["first"] = or_null(entry.first);
  object["last"] = or_null(entry.last);
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

ordered_json to_json(const alerts::WaitingAlert& pending) {
  ordered_json object;
  object["rule"] = pending.rule;
  object["fingerprint"] = pending.fingerprint;
  object["alertname"] = base::to_utf8(pending.alertname);
  object["reason"] = to_string(pending.obstacle.reason);
  object["detail"] = base::to_utf8(pending.obstacle.detail);
  object["since"] = base::to_rfc3339(pending.since);
  object["until"] = base::to_rfc3339(pending.until);
  object["retry_at"] = base::to_rfc3339(pending.retry_at);
  return object;
}

ordered_json to_json(const guards::GuardStats& stats,
                     const std::vector<alerts::WaitingAlert>& pending) {
  std::map<guards::Target, guards::GuardState> guards;
  for (const guards::GuardState& guard : stats.guards) {
    guards.emplace(guard.target, guard);
  }
  std::map<guards::Target, ordered_json> waiting;
  for (const alerts::WaitingAlert& each : pending) {
    guards.try_emplace(each.target).first->second.target = each.target;
    auto& list = waiting.try_emplace(each.target, ordered_json::array()).first->second;
    list.push_back(to_json(each));
  }
  ordered_json list = ordered_json::array();
  for (const auto& [target, guard] : guards) {
    ordered_json object;
    object["supervisor"] = null_if_empty(target.supervisor);
    object["group"] = base::to_utf8(target.name.group);
    object["name"] = base::to_utf8(target.name.name);
    object["cooldown_until"] = or_null(guard.cooldown_until);
    object["attempts"] = guard.attempts;
    object["budget_used"] = guard.budget_used;
    object["budget_limit"] = guard.budget_limit;
    object["gave_up"] = guard.gave_up;
    object["breaker_open"] = stats.breaker_open;
    object["breaker_until"] = or_null(stats.breaker_until);
    object["pending"] = waiting.contains(target) ? waiting.at(target) : ordered_json::array();
    list.push_back(std::move(object));
  }
  return list;
}

ordered_json to_json(const coordination::Member& member, bool self) {
  const coordination::MemberReport report = member.report.value_or(coordination::MemberReport{});
  ordered_json object;
  object["name"] = member.info.name;
  object["alive"] = member.alive;
  object["control"] = null_if_empty(member.info.control);
  object["metrics"] = null_if_empty(member.info.metrics);
  object["labels"] = member.info.labels;
  object["version"] = null_if_empty(member.info.version);
  object["groups"] = report.groups;
  object["problems"] = ordered_json::array();
  for (const coordination::ProblemReport& each : report.problems) {
    object["problems"].push_back({{"process", each.process}, {"problem", each.problem}});
  }
  object["guards"] = report.guards;
  object["configuration_revision"] = null_if_empty(report.configuration_revision);
  object["self"] = self;
  return object;
}

std::string targets_text(const std::vector<coordination::MemberInfo>& members,
                         const std::string& cluster) {
  ordered_json list = ordered_json::array();
  for (const coordination::MemberInfo& each : members) {
    if (each.metrics.empty()) {
      continue;
    }
    ordered_json labels;
    labels["__meta_reeve_cluster"] = cluster;
    labels["__meta_reeve_member"] = each.name;
    labels["__meta_reeve_control"] = each.control;
    labels["__meta_reeve_version"] = each.version;
    for (const auto& [name, value] : each.labels) {
      labels["__meta_reeve_label_" + name] = value;
    }
    ordered_json target;
    target["targets"] = ordered_json::array({each.metrics});
    target["labels"] = std::move(labels);
    list.push_back(std::move(target));
  }
  return to_text(list);
}

ordered_json to_json(const coordination::LimitState& limit) {
  ordered_json object;
  object["name"] = limit.name;
  object["at_once"] = limit.limit.at_once;
  object["budget"] = nullptr;
  if (const auto& budget = limit.limit.budget) {
    object["budget"] = std::to_string(budget->count) + "/" + base::format_duration(budget->window);
  }
  object["budget_used"] = limit.budget_used;
  object["hold_failed"] = base::format_duration(limit.limit.hold_failed);
  object["holders"] = ordered_json::array();
  for (const coordination::HeldSlot& each : limit.held) {
    object["holders"].push_back({{"host", each.holder.host},
                                 {"process", each.holder.process},
                                 {"operation", each.holder.operation},
                                 {"since", base::to_rfc3339(each.holder.since)},
                                 {"failed", each.holder.failed}});
  }
  return object;
}

ordered_json to_json(const guards::MaintenanceWindow& window) {
  ordered_json object;
  object["scope"] = base::to_utf8(window.scope);
  object["until"] = base::to_rfc3339(window.until);
  object["reason"] = null_if_empty(window.reason);
  object["actor"] = base::to_utf8(window.actor);
  object["fleet"] = window.fleet;
  return object;
}

}  // namespace reeve::json
