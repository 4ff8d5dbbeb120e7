#include "metrics/compatibility_page.h"

#include <optional>

namespace reeve::metrics {
namespace {

using monitor::ProcessSnapshot;
using substrate::InstanceDetail;
using substrate::InstanceState;

/// supervisord says 0 where it does not say anything, and so do they. Only an exit that an event
/// told it has not said anything about yet: the log has, or nobody.
std::optional<int> exit_status(const ProcessSnapshot& process) {
  if (!process.detail.exit_status && process.detail.state == InstanceState::exited) {
    return process.exit_status;
  }
  return process.detail.exit_status.value_or(0);
}

/// What node_exporter takes for up.
bool is_up(const InstanceDetail& detail) {
  return detail.state == InstanceState::starting || detail.state == InstanceState::running ||
         detail.state == InstanceState::stopping;
}

void write_node_exporter(TextWriter& out, const Shows& shows) {
  for_each_process(out, family("node_supervisord_up"), shows, [](const ProcessSnapshot& process) {
    return std::optional(is_up(process.detail) ? 1 : 0);
  });
  for_each_process(out, family("node_supervisord_state"), shows,
                   [](const ProcessSnapshot& process) {
                     return std::optional(substrate::state_code(process.detail.state));
                   });
  for_each_process(out, family("node_supervisord_exit_status"), shows, exit_status);
  for_each_process(out, family("node_supervisord_start_time_seconds"), shows,
                   [](const ProcessSnapshot& process) -> std::optional<std::int64_t> {
                     const auto& start = process.detail.start_time;
                     return start && is_up(process.detail)
                                ? std::optional(std::int64_t{start->time_since_epoch().count()})
                                : std::nullopt;
                   });
}

void write_supervisord_exporter(TextWriter& out, const Shows& shows) {
  out.begin(family("supervisor_process_info"));
  for (const ShownSupervisor& each : shows) {
    for (const auto& process : each.processes) {
      const auto status = exit_status(*process.thing);
      if (each.seen->up && status) {
        const InstanceDetail& detail = process.thing->detail;
        const std::string labels = join_labels(label("state", to_string(detail.state)),
                                               label("exit_status", std::to_string(*status)));
        out.sample({process.labels, labels}, detail.state == InstanceState::running ? 1 : 0);
      }
    }
  }
  for_each_process(out, family("supervisor_process_uptime"), shows,
                   [](const ProcessSnapshot& process) -> std::optional<std::int64_t> {
                     const auto uptime = process.detail.uptime();
                     return uptime && process.detail.state == InstanceState::running
                                ? std::optional(std::int64_t{uptime->count()})
                                : std::nullopt;
                   });
}

}  // namespace

void write_compatibility(TextWriter& out, const Shows& shows, const Options& options) {
  if (options.node_exporter_names) {
    write_node_exporter(out, shows);
  }
  if (options.supervisord_exporter_names) {
    write_supervisord_exporter(out, shows);
  }
}

}  // namespace reeve::metrics
