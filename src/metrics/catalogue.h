#pragma once

// The one list of the metric families that the agent exports. Every page takes HELP and TYPE from
// here; a test holds docs/metrics.md equal to it.

#include <array>
#include <cstdint>
#include <string_view>

#include "reeve/base/enumeration.h"

namespace reeve::metrics {

enum class Type : std::uint8_t { counter, gauge, histogram };
inline constexpr auto all_types = base::all_of<Type, Type::histogram>();
[[nodiscard]] constexpr std::string_view to_string(Type type) {
  return base::name_of<all_types>(type, {"counter", "gauge", "histogram"});
}

/// A family of metrics: what the lines before its samples say.
struct Family {
  std::string_view name;
  Type type;
  /// Comma-separated. Families of one supervisord have the label `supervisor` before these where
  /// the configuration gives it a name.
  std::string_view labels;
  std::string_view help;  ///< neither backslash nor newline
};

inline constexpr std::array catalogue = {
    // One supervisord.
    Family{"supervisord_up", Type::gauge, "",
           "Whether supervisord answers and its processes could be listed."},
    Family{"supervisord_shutting_down", Type::gauge, "",
           "Whether supervisord says that it is shutting down or restarting."},
    Family{"supervisord_restarts_total", Type::counter, "",
           "Restarts of supervisord itself that were seen."},
    Family{"supervisord_info", Type::gauge, "version,identification,api_version",
           "What supervisord says of itself, always 1."},
    Family{"supervisord_snapshot_timestamp_seconds", Type::gauge, "",
           "Unix time at which the data shown were last confirmed by a full poll."},
    Family{"supervisord_poll_duration_seconds", Type::histogram, "",
           "Time that successful full polls took."},
    Family{"supervisord_poll_failures_total", Type::counter, "reason",
           "Full polls that failed, or were left out because supervisord does not answer."},
    Family{"supervisord_rejected_records_total", Type::counter, "",
           "Process records in full polls that were not whole."},
    Family{"supervisord_processes", Type::gauge, "state", "Processes in each state."},
    Family{"supervisord_group_processes", Type::gauge, "group,state",
           "Processes of a group in each state."},
    Family{"supervisord_indistinguishable_processes", Type::gauge, "",
           "Processes without metrics: in UTF-8 their names are those of other processes."},
    Family{"supervisord_removed_processes_dropped_total", Type::counter, "",
           "Removed processes whose counters were dropped early, since too many are remembered."},
    // "counters": promtool refuses names with the word for a type in them.
    Family{"supervisord_counters_source", Type::gauge, "source",
           "What feeds the counters now: 1 for one of the sources."},
    Family{"supervisord_counters_gaps_total", Type::counter, "source",
           "Gaps in a source of the counters."},
    Family{"supervisord_event_listener_not_ready_total", Type::counter, "",
           "Event listeners that broke the event protocol and get no more events, as supervisord's "
           "log tells it."},
    // One process.
    Family{"supervisord_process_up", Type::gauge, "group,name", "Whether the process is RUNNING."},
    Family{"supervisord_process_state", Type::gauge, "group,name,state",
           "State of the process: 1 for one of the states."},
    Family{"supervisord_process_state_code", Type::gauge, "group,name",
           "Number of the state of the process: 0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, "
           "40 STOPPING, 100 EXITED, 200 FATAL, 1000 UNKNOWN."},
    Family{"supervisord_process_start_time_seconds", Type::gauge, "group,name",
           "Unix time of the last spawn, by the clock of supervisord."},
    Family{"supervisord_process_stop_time_seconds", Type::gauge, "group,name",
           "Unix time of the last death, by the clock of supervisord."},
    Family{"supervisord_process_pid", Type::gauge, "group,name", "Process id."},
    Family{"supervisord_process_exit_status", Type::gauge, "group,name",
           "Exit code of the most recent finished run, -1 for a death by a signal."},
    Family{"supervisord_process_exit_signal", Type::gauge, "group,name",
           "Number of the signal that ended the most recent finished run."},
    Family{"supervisord_process_last_exit_expected", Type::gauge, "group,name",
           "Whether the last exit was one that the configuration expects."},
    Family{"supervisord_process_starts_total", Type::counter, "group,name",
           "Entries into STARTING, whoever asked for them."},
    Family{"supervisord_process_restarts_total", Type::counter, "group,name",
           "Automatic restarts; as far as polls show them while they feed the counters."},
    Family{"supervisord_process_unexpected_exits_total", Type::counter, "group,name",
           "Exits that the configuration does not expect, and runs that ended too soon."},
    Family{"supervisord_process_transitions_total", Type::counter, "group,name,state",
           "Entries into each state."},
    Family{"supervisord_process_log_bytes", Type::gauge, "group,name,stream",
           "Size of the log file."},
    // Resources of a process, on the same host.
    Family{"supervisord_process_cpu_seconds_total", Type::counter, "group,name,mode",
           "CPU time of the run, of all processes of its tree."},
    Family{"supervisord_process_resident_memory_bytes", Type::gauge, "group,name",
           "Resident memory of the tree of processes."},
    Family{"supervisord_process_proportional_memory_bytes", Type::gauge, "group,name",
           "Memory of the tree of processes, what is shared divided by those who share it."},
    Family{"supervisord_process_open_fds", Type::gauge, "group,name",
           "Open file descriptors of the main process."},
    Family{"supervisord_process_max_fds", Type::gauge, "group,name",
           "File descriptors that the main process may open."},
    Family{"supervisord_process_threads", Type::gauge, "group,name",
           "Threads of the tree of processes."},
    Family{"supervisord_process_tree_size", Type::gauge, "group,name",
           "Processes of the tree: the main process and all its descendants."},
    Family{"supervisord_process_read_bytes_total", Type::counter, "group,name",
           "Bytes that the run read from storage, with all processes of its tree."},
    Family{"supervisord_process_written_bytes_total", Type::counter, "group,name",
           "Bytes that the run wrote to storage, with all processes of its tree."},
    // The agent, of one supervisord.
    Family{"reeve_event_stream_up", Type::gauge, "",
           "Whether an event of supervisord came within the last 30 seconds; absent if none is "
           "expected."},
    Family{"reeve_events_total", Type::counter, "type", "Events that supervisord told of."},
    Family{"reeve_events_lost_total", Type::counter, "",
           "Events that are known to be lost on their way."},
    // The agent.
    Family{"reeve_build_info", Type::gauge, "version,revision,compiler",
           "What this agent was built from, always 1."},
    Family{"reeve_config_last_reload_successful", Type::gauge, "",
           "Whether the configuration could be used when it was last read."},
    Family{"reeve_config_last_reload_success_timestamp_seconds", Type::gauge, "",
           "Unix time at which the configuration was last read with success."},
    Family{"reeve_http_requests_total", Type::counter, "handler,code", "Requests answered."},
    Family{"reeve_http_request_duration_seconds", Type::histogram, "handler",
           "Time from a whole request to its answer."},
    Family{"reeve_http_rejected_connections_total", Type::counter, "listener,cause",
           "New connections refused because all that a limit counts had a request in work."},
    Family{"reeve_http_evicted_connections_total", Type::counter, "listener,cause",
           "Connections closed to make room for new ones, by what they were doing."},
    Family{"reeve_actions_total", Type::counter, "action,source",
           "Operations on processes that ended, whatever their result."},
    Family{"reeve_action_failures_total", Type::counter, "action,source,reason",
           "Operations on processes that did not do what was asked for, refused ones aside."},
    Family{"reeve_action_duration_seconds", Type::histogram, "action",
           "Time that operations on processes took."},
    Family{"reeve_actions_refused_total", Type::counter, "action,source,reason",
           "Commands on processes that were refused, at once or just before acting."},
    Family{"reeve_last_action_timestamp_seconds", Type::gauge, "group,name,action",
           "Unix time at which an action on the process last ended."},
    Family{"reeve_last_action_failed", Type::gauge, "group,name,action,source,reason",
           "Whether the last such action on the process failed; its reason is empty if not."},
    Family{"reeve_alert_decisions_total", Type::counter, "rule,decision",
           "Decisions on alerts that were posted."},
    Family{"reeve_alerts_pending", Type::gauge, "rule,reason",
           "Alerts that wait for an obstacle which passes by itself."},
    Family{"reeve_guard_gave_up", Type::gauge, "group,name",
           "Whether alerts gave up on the process, until a person resets its guard."},
    Family{"reeve_guard_breaker_open", Type::gauge, "",
           "Whether so many processes have a firing alert that nothing is done for any."},
    Family{"reeve_maintenance", Type::gauge, "scope",
           "Always 1: alerts do nothing in this scope for the time being."},
    Family{"reeve_coordination_up", Type::gauge, "",
           "Whether etcd answered when it was last asked."},
    Family{"reeve_coordination_last_contact_timestamp_seconds", Type::gauge, "",
           "Unix time at which etcd last answered."},
    Family{"reeve_coordination_requests_total", Type::counter, "call,result", "Requests to etcd."},
    Family{"reeve_coordination_members", Type::gauge, "alive",
           "Members of the cluster, by whether their agents are alive."},
    Family{"reeve_limit_slots", Type::gauge, "limit",
           "How many hosts may act at once under the limit."},
    Family{"reeve_limit_slots_held", Type::gauge, "limit", "Slots of the limit that are held."},
    Family{"reeve_limit_budget_left", Type::gauge, "limit",
           "Actions that are left of the budget of the limit."},
    Family{"reeve_limit_claims_total", Type::counter, "limit,result",
           "Claims of a slot by this agent."},
    Family{"reeve_limit_wait_seconds", Type::histogram, "limit",
           "How long this agent's actions waited for their slot."},
    // The agent's own process.
    Family{"process_cpu_seconds_total", Type::counter, "",
           "CPU time of the agent, user and system."},
    Family{"process_resident_memory_bytes", Type::gauge, "", "Resident memory of the agent."},
    Family{"process_virtual_memory_bytes", Type::gauge, "", "Virtual memory of the agent."},
    Family{"process_open_fds", Type::gauge, "", "Open file descriptors of the agent."},
    Family{"process_max_fds", Type::gauge, "", "File descriptors that the agent may open."},
    Family{"process_start_time_seconds", Type::gauge, "",
           "Unix time at which the agent was started."},
    // Under the names of other exporters.
    Family{"node_supervisord_up", Type::gauge, "group,name",
           "Whether the process is STARTING, RUNNING or STOPPING."},
    Family{"node_supervisord_state", Type::gauge, "group,name",
           "Number of the state of the process."},
    Family{"node_supervisord_exit_status", Type::gauge, "group,name",
           "Exit code as supervisord tells it, 0 where it does not."},
    Family{"node_supervisord_start_time_seconds", Type::gauge, "group,name",
           "Unix time of the last spawn of a process that is up."},
    Family{"supervisor_process_info", Type::gauge, "group,name,state,exit_status",
           "Whether the process is RUNNING."},
    Family{"supervisor_process_uptime", Type::gauge, "group,name",
           "Seconds for which a RUNNING process had run when supervisord was last asked."},
};

/// The family with this name; a name that is not in the catalogue does not compile.
[[nodiscard]] consteval const Family& family(std::string_view name) {
  for (const Family& each : catalogue) {
    if (each.name == name) {
      return each;
    }
  }
  throw "no such family in the catalogue";
}

}  // namespace reeve::metrics
