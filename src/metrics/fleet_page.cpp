#include "metrics/fleet_page.h"

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "metrics/compatibility_page.h"
#include "metrics/resource_page.h"
#include "metrics/shown.h"

namespace reeve::metrics {
namespace {

using monitor::ProcessCounters;
using monitor::ProcessSnapshot;
using monitor::SupervisorSnapshot;
using substrate::InstanceState;

constexpr std::size_t states = substrate::all_instance_states.size();
using StateCounts = std::array<std::uint64_t, states>;

const std::array<std::string, states>& state_labels() {
  static const auto labels = [] {
    std::array<std::string, states> made;
    for (std::size_t i = 0; i < states; ++i) {
      made.at(i) = label("state", to_string(substrate::all_instance_states.at(i)));
    }
    return made;
  }();
  return labels;
}

std::optional<int> as_number(const std::optional<bool>& truth) {
  return truth ? std::optional(*truth ? 1 : 0) : std::nullopt;
}

std::optional<std::int64_t> as_number(const std::optional<substrate::ManagerTime>& time) {
  return time ? std::optional<std::int64_t>(time->time_since_epoch().count()) : std::nullopt;
}

std::optional<double> as_seconds(const std::optional<base::SystemTime>& time) {
  using Milliseconds = std::chrono::milliseconds;
  return time ? std::optional(
                    static_cast<double>(
                        std::chrono::floor<Milliseconds>(*time).time_since_epoch().count()) /
                    1000)
              : std::nullopt;
}

StateCounts count_states(const SupervisorSnapshot& seen) {
  StateCounts counts{};
  for (const ProcessSnapshot& process : seen.processes) {
    ++counts.at(static_cast<std::size_t>(process.detail.state));
  }
  return counts;
}

void write_info(TextWriter& out, const Shows& shows) {
  out.begin(family("supervisord_info"));
  for (const ShownSupervisor& each : shows) {
    if (each.seen->up && each.seen->description) {
      const substrate::ManagerDescription& is = *each.seen->description;
      const std::string labels = join_labels(label("version", is.version),
                                             join_labels(label("identification", is.identification),
                                                         label("api_version", is.api_version)));
      out.sample({each.labels, labels}, 1);
    }
  }
}

void write_polls(TextWriter& out, const Shows& shows) {
  out.begin(family("supervisord_poll_duration_seconds"));
  for (const ShownSupervisor& each : shows) {
    const monitor::PollStatistics& polls = each.seen->polls;
    out.histogram(each.labels,
                  {monitor::poll_duration_bounds, polls.durations, polls.duration_sum_seconds});
  }
  for_each_label(out, family("supervisord_poll_failures_total"), shows, "reason",
                 monitor::all_poll_failures,
                 [](const auto& seen, std::size_t i) { return seen.polls.failures[i]; });
  for_each_supervisor(out, family("supervisord_rejected_records_total"), shows,
                      [](const auto& seen) { return std::optional(seen.polls.rejected_records); });
}

void write_states(TextWriter& out, std::string_view labels, const StateCounts& counts) {
  for (std::size_t i = 0; i < states; ++i) {
    out.sample({labels, state_labels().at(i)}, counts.at(i));
  }
}

/// Sums count every process, shown or not.
void write_sums(TextWriter& out, const Shows& shows, const Options& options) {
  out.begin(family("supervisord_processes"));
  for (const ShownSupervisor& each : shows) {
    if (each.seen->up) {
      write_states(out, each.labels, count_states(*each.seen));
    }
  }
  if (!options.group_summary) {
    return;
  }
  out.begin(family("supervisord_group_processes"));
  for (const ShownSupervisor& each : shows) {
    if (!each.seen->up) {
      continue;
    }
    std::map<std::string, StateCounts> groups;
    for (const ProcessSnapshot& process : each.seen->processes) {
      ++groups[label("group", process.detail.name.group)].at(
          static_cast<std::size_t>(process.detail.state));
    }
    for (const auto& [group, counts] : groups) {
      write_states(out, join_labels(each.labels, group), counts);
    }
  }
}

void write_supervisors(TextWriter& out, const Shows& shows, const Options& options) {
  for_each_supervisor(out, family("supervisord_up"), shows,
                      [](const auto& seen) { return std::optional(seen.up ? 1 : 0); });
  for_each_supervisor(out, family("supervisord_shutting_down"), shows,
                      [](const auto& seen) { return std::optional(seen.shutting_down ? 1 : 0); });
  for_each_supervisor(out, family("supervisord_restarts_total"), shows,
                      [](const auto& seen) { return std::optional(seen.restarts); });
  write_info(out, shows);
  for_each_supervisor(out, family("supervisord_snapshot_timestamp_seconds"), shows,
                      [](const auto& seen) { return as_seconds(seen.snapshot_at); });
  write_polls(out, shows);
  write_sums(out, shows, options);
  for_each_label(out, family("supervisord_counters_source"), shows, "source",
                 monitor::all_counter_sources, [](const auto& seen, std::size_t i) {
                   return seen.counter_source == monitor::all_counter_sources.at(i) ? 1 : 0;
                 });
  for_each_label(out, family("supervisord_counters_gaps_total"), shows, "source",
                 monitor::all_counter_sources,
                 [](const auto& seen, std::size_t i) { return seen.counter_gaps[i]; });
}

void write_process_states(TextWriter& out, const Shows& shows, const Options& options) {
  if (!options.process_state_set) {
    for_each_process(out, family("supervisord_process_state_code"), shows, [](const auto& process) {
      return std::optional(substrate::state_code(process.detail.state));
    });
    return;
  }
  out.begin(family("supervisord_process_state"));
  for (const ShownSupervisor& each : shows) {
    if (!each.seen->up) {
      continue;
    }
    for (const auto& process : each.processes) {
      StateCounts one_hot{};
      one_hot.at(static_cast<std::size_t>(process.thing->detail.state)) = 1;
      write_states(out, process.labels, one_hot);
    }
  }
}

void write_log_sizes(TextWriter& out, const Shows& shows) {
  out.begin(family("supervisord_process_log_bytes"));
  for (const ShownSupervisor& each : shows) {
    if (!each.seen->up) {
      continue;
    }
    for (const auto& process : each.processes) {
      if (process.thing->stdout_log_bytes) {
        out.sample({process.labels, R"(stream="stdout")"}, *process.thing->stdout_log_bytes);
      }
      if (process.thing->stderr_log_bytes) {
        out.sample({process.labels, R"(stream="stderr")"}, *process.thing->stderr_log_bytes);
      }
    }
  }
}

void write_process_gauges(TextWriter& out, const Shows& shows, const Options& options) {
  for_each_process(out, family("supervisord_process_up"), shows, [](const auto& process) {
    return std::optional(process.detail.state == InstanceState::running ? 1 : 0);
  });
  write_process_states(out, shows, options);
  for_each_process(out, family("supervisord_process_start_time_seconds"), shows,
                   [](const auto& process) { return as_number(process.detail.start_time); });
  for_each_process(out, family("supervisord_process_stop_time_seconds"), shows,
                   [](const auto& process) { return as_number(process.detail.stop_time); });
  for_each_process(out, family("supervisord_process_pid"), shows, [](const auto& process) {
    const auto& pid = process.detail.pid;
    return pid ? std::optional(pid->value) : std::nullopt;
  });
  for_each_process(out, family("supervisord_process_exit_status"), shows,
                   [](const auto& process) { return process.exit_status; });
  for_each_process(out, family("supervisord_process_exit_signal"), shows,
                   [](const auto& process) { return process.exit_signal; });
  for_each_process(out, family("supervisord_process_last_exit_expected"), shows,
                   [](const auto& process) { return as_number(process.last_exit_expected); });
  write_log_sizes(out, shows);
}

void write_process_counters(TextWriter& out, const Shows& shows, const Options& options) {
  for_each_counter(out, family("supervisord_process_starts_total"), shows,
                   [](const ProcessCounters& counters) { return std::optional(counters.starts); });
  for_each_counter(
      out, family("supervisord_process_restarts_total"), shows,
      [](const ProcessCounters& counters) { return std::optional(counters.restarts); });
  for_each_counter(out, family("supervisord_process_unexpected_exits_total"), shows,
                   [](const ProcessCounters& counters) { return counters.unexpected_exits; });
  if (!options.transitions) {
    return;
  }
  out.begin(family("supervisord_process_transitions_total"));
  for (const ShownSupervisor& each : shows) {
    for (const auto& counters : each.counters) {
      write_states(out, counters.labels, counters.thing->transitions);
    }
  }
}

void write_event_streams(TextWriter& out, const Shows& shows) {
  for_each_supervisor(out, family("reeve_event_stream_up"), shows, [](const auto& seen) {
    return seen.event_stream ? std::optional(seen.event_stream->up ? 1 : 0) : std::nullopt;
  });
  out.begin(family("reeve_events_total"));
  for (const ShownSupervisor& each : shows) {
    if (const auto& stream = each.seen->event_stream) {
      for (const monitor::EventCount& of : stream->counts) {
        out.sample({each.labels, label("type", of.type)}, of.count);
      }
    }
  }
  for_each_supervisor(out, family("reeve_events_lost_total"), shows, [](const auto& seen) {
    return seen.event_stream ? std::optional(seen.event_stream->lost) : std::nullopt;
  });
}

}  // namespace

std::string render_fleet(const monitor::Snapshot& snapshot, const Options& options, Filter& filter,
                         std::size_t expected_bytes) {
  const Shows shows = show(snapshot, filter);
  TextWriter out(expected_bytes);
  write_supervisors(out, shows, options);
  write_process_gauges(out, shows, options);
  write_process_counters(out, shows, options);
  write_resources(out, shows);
  write_event_streams(out, shows);
  write_compatibility(out, shows, options);
  return out.take();
}

}  // namespace reeve::metrics
