#include "metrics/snapshot_page.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "metrics/text_writer.h"

namespace reeve::metrics {

namespace {

/// Labels of processes. Bytes that are not UTF-8 become U+FFFD, so that names may become equal to
/// each other or to one that has this character, and Prometheus refuses a page with two equal
/// samples: only the first of such names gets labels.
class ProcessLabels {
 public:
  explicit ProcessLabels(const std::string& supervisor) : supervisor_(supervisor) {}

  [[nodiscard]] std::optional<std::string> of(const substrate::InstanceName& name) {
    std::string labels =
        join_labels(supervisor_, join_labels(label("group", name.group), label("name", name.name)));
    const bool ambiguous = labels.find(replacement_character) != std::string::npos;
    if (ambiguous && !ambiguous_.insert(labels).second) {
      return std::nullopt;
    }
    return labels;
  }

 private:
  static constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

  const std::string& supervisor_;
  std::unordered_set<std::string> ambiguous_;
};

/// Finds the usage of each process's present run, when asked in the order of names.
class UsageFinder {
 public:
  explicit UsageFinder(const monitor::SupervisorSnapshot& supervisor) {
    if (supervisor.up && supervisor.usages) {
      next_ = supervisor.usages->data();
      end_ = next_ + supervisor.usages->size();
    }
  }

  /// Null if it is not known.
  [[nodiscard]] const procfs::TreeUsage* of(const substrate::InstanceDetail& process) {
    while (next_ != end_ && next_->name < process.name) {
      ++next_;
    }
    const bool known = next_ != end_ && next_->name == process.name && next_->pid == process.pid;
    return known ? &next_->tree : nullptr;
  }

 private:
  const monitor::ProcessUsage* next_ = nullptr;
  const monitor::ProcessUsage* end_ = nullptr;
};

SupervisorView make_view(const monitor::SupervisorSnapshot& supervisor, const Filter& filter) {
  SupervisorView view;
  view.snapshot = &supervisor;
  view.labels = supervisor.name.empty() ? "" : label("supervisor", supervisor.name);
  view.processes.reserve(supervisor.processes.size());
  view.counters.reserve(supervisor.processes.size() + supervisor.removed.size());
  view.usages.reserve(supervisor.usages ? supervisor.usages->size() : 0);
  UsageFinder usages(supervisor);
  ProcessLabels labels(view.labels);
  const auto labels_of = [&](const substrate::InstanceName& name) {
    if (!filter.admits(name)) {
      return std::optional<std::string>();
    }
    auto text = labels.of(name);
    view.indistinguishable += text ? 0U : 1U;
    return text;
  };
  for (const monitor::ProcessSnapshot& process : supervisor.processes) {
    if (auto text = labels_of(process.detail.name)) {
      view.counters.push_back({&process.counters, *text});
      if (const auto* const usage = usages.of(process.detail)) {
        view.usages.push_back({usage, *text});
      }
      if (supervisor.up) {
        view.processes.push_back({&process, std::move(*text)});
      }
    }
  }
  for (const monitor::RemovedProcess& removed : supervisor.removed) {
    if (auto text = labels_of(removed.name)) {
      view.counters.push_back({&removed.counters, std::move(*text)});
    }
  }
  return view;
}

}  // namespace

Filter::Filter(const Options& options)
    : include_(parse(options.include)), exclude_(parse(options.exclude)) {}

Filter::Expressions Filter::parse(const std::vector<std::string>& texts) {
  Expressions expressions;
  std::transform(texts.begin(), texts.end(), std::back_inserter(expressions),
                 base::RegularExpression::parse);
  return expressions;
}

bool Filter::admits(const substrate::InstanceName& name) const {
  if (include_.empty() && exclude_.empty()) {
    return true;
  }
  const std::string full = name.full();
  const auto matches = [&](const auto& expression) {
    return expression && expression->full_match(full);
  };
  return (include_.empty() || std::any_of(include_.begin(), include_.end(), matches)) &&
         std::none_of(exclude_.begin(), exclude_.end(), matches);
}

SnapshotView make_view(const monitor::Snapshot& snapshot, const Filter& filter) {
  SnapshotView view;
  view.reserve(snapshot.supervisors.size());
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    view.push_back(make_view(supervisor, filter));
  }
  return view;
}

namespace {

using monitor::ProcessSnapshot;
using procfs::TreeUsage;
using substrate::InstanceDetail;
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

std::optional<std::int64_t> unix_seconds(const std::optional<substrate::ManagerTime>& time) {
  return time ? std::optional<std::int64_t>(time->time_since_epoch().count()) : std::nullopt;
}

std::optional<double> unix_seconds(const std::optional<base::SystemTime>& time) {
  if (!time) {
    return std::nullopt;
  }
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time->time_since_epoch());
  return static_cast<double>(since.count()) / 1000;
}

double seconds(base::Duration span) {
  return std::chrono::duration<double>(span).count();
}

/// The exit status as other exporters show it: 0 where supervisord's record has none. Nothing for
/// an EXITED process that only an event has reported so far: its status is in the log, if anywhere.
std::optional<int> compatible_exit_status(const ProcessSnapshot& process) {
  if (!process.detail.exit_status && process.detail.state == InstanceState::exited) {
    return process.exit_status;
  }
  return process.detail.exit_status.value_or(0);
}

/// What node_exporter takes for up.
bool is_up_for_node_exporter(const InstanceDetail& detail) {
  return detail.state == InstanceState::starting || detail.state == InstanceState::running ||
         detail.state == InstanceState::stopping;
}

/// Writes the families of one view, in the order of the page. In all `each_…`, `value` makes a
/// number, a bool or an optional of either of one part of the view; nothing gives no sample.
class SnapshotPage {
 public:
  SnapshotPage(const SnapshotView& view, const Options& options, std::size_t expected_bytes)
      : view_(view), options_(options), out_(expected_bytes) {}

  [[nodiscard]] std::string render() {
    write_supervisors();
    write_process_gauges();
    write_process_counters();
    write_resources();
    write_event_streams();
    if (options_.node_exporter_names) {
      write_node_exporter_names();
    }
    if (options_.supervisord_exporter_names) {
      write_supervisord_exporter_names();
    }
    return out_.take();
  }

 private:
  template <class Value>
  void each_supervisor(const Family& of, Value value) {
    out_.begin(of);
    for (const SupervisorView& each : view_) {
      out_.sample({each.labels}, value(*each.snapshot));
    }
  }
  /// One sample for each of the enumerators; `value` takes the supervisord and an index of `names`.
  template <class Names, class Value>
  void each_label(const Family& of, std::string_view name, const Names& names, Value value) {
    out_.begin(of);
    for (const SupervisorView& each : view_) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        out_.sample({each.labels, label(name, to_string(names[i]))}, value(*each.snapshot, i));
      }
    }
  }
  /// Of processes, counters or usages.
  template <class Part, class Write>
  void each_part(const Family& of, std::vector<Labelled<Part>> SupervisorView::*parts,
                 Write write) {
    out_.begin(of);
    for (const SupervisorView& supervisor : view_) {
      for (const Labelled<Part>& part : supervisor.*parts) {
        write(part.labels, *part.value);
      }
    }
  }
  template <class Value>
  void each_process(const Family& of, Value value) {
    each_part(of, &SupervisorView::processes, [&](const auto& labels, const auto& process) {
      out_.sample({labels}, value(process));
    });
  }
  template <class Value>
  void each_counter(const Family& of, Value value) {
    each_part(of, &SupervisorView::counters, [&](const auto& labels, const auto& counters) {
      out_.sample({labels}, value(counters));
    });
  }
  template <class Value>
  void each_usage(const Family& of, Value value) {
    each_part(of, &SupervisorView::usages,
              [&](const auto& labels, const auto& usage) { out_.sample({labels}, value(usage)); });
  }

  void write_supervisors();
  void write_info();
  void write_polls();
  void write_process_sums();
  void write_states(std::string_view labels, const StateCounts& counts);
  void write_process_gauges();
  void write_process_states();
  void write_process_counters();
  void write_resources();
  void write_event_streams();
  void write_node_exporter_names();
  void write_supervisord_exporter_names();

  const SnapshotView& view_;
  const Options& options_;
  TextWriter out_;
};

void SnapshotPage::write_info() {
  out_.begin(family("supervisord_info"));
  for (const SupervisorView& each : view_) {
    if (each.snapshot->up && each.snapshot->description) {
      const substrate::ManagerDescription& is = *each.snapshot->description;
      const std::string labels = join_labels(label("version", is.version),
                                             join_labels(label("identification", is.identification),
                                                         label("api_version", is.api_version)));
      out_.sample({each.labels, labels}, 1);
    }
  }
}

void SnapshotPage::write_polls() {
  out_.begin(family("supervisord_poll_duration_seconds"));
  for (const SupervisorView& each : view_) {
    const monitor::PollStatistics& polls = each.snapshot->polls;
    out_.histogram(each.labels,
                   {monitor::poll_duration_bounds, polls.durations, polls.duration_sum_seconds});
  }
  each_label(family("supervisord_poll_failures_total"), "reason", monitor::all_poll_failures,
             [](const auto& supervisor, std::size_t i) { return supervisor.polls.failures[i]; });
  each_supervisor(family("supervisord_rejected_records_total"),
                  [](const auto& supervisor) { return supervisor.polls.rejected_records; });
}

void SnapshotPage::write_states(std::string_view labels, const StateCounts& counts) {
  for (std::size_t i = 0; i < states; ++i) {
    out_.sample({labels, state_labels().at(i)}, counts.at(i));
  }
}

/// Sums count every process, also those that the filter does not admit.
void SnapshotPage::write_process_sums() {
  std::map<const SupervisorView*, std::map<std::string, StateCounts>> groups;
  out_.begin(family("supervisord_processes"));
  for (const SupervisorView& each : view_) {
    if (!each.snapshot->up) {
      continue;
    }
    StateCounts all{};
    for (const ProcessSnapshot& process : each.snapshot->processes) {
      const auto state = static_cast<std::size_t>(process.detail.state);
      ++all.at(state);
      if (options_.group_summary) {
        ++groups[&each][label("group", process.detail.name.group)].at(state);
      }
    }
    write_states(each.labels, all);
  }
  out_.begin(family("supervisord_group_processes"));
  for (const SupervisorView& each : view_) {
    for (const auto& [group, counts] : groups[&each]) {
      write_states(join_labels(each.labels, group), counts);
    }
  }
}

void SnapshotPage::write_supervisors() {
  each_supervisor(family("supervisord_up"), [](const auto& supervisor) { return supervisor.up; });
  each_supervisor(family("supervisord_shutting_down"),
                  [](const auto& supervisor) { return supervisor.shutting_down; });
  each_supervisor(family("supervisord_restarts_total"),
                  [](const auto& supervisor) { return supervisor.restarts; });
  write_info();
  each_supervisor(family("supervisord_snapshot_timestamp_seconds"),
                  [](const auto& supervisor) { return unix_seconds(supervisor.snapshot_at); });
  write_polls();
  write_process_sums();
  out_.begin(family("supervisord_indistinguishable_processes"));
  for (const SupervisorView& each : view_) {
    out_.sample({each.labels}, each.indistinguishable);
  }
  each_supervisor(family("supervisord_removed_processes_dropped_total"),
                  [](const auto& supervisor) { return supervisor.removed_dropped; });
  each_label(family("supervisord_counters_source"), "source", monitor::all_counter_sources,
             [](const auto& supervisor, std::size_t i) {
               return supervisor.counter_source == monitor::all_counter_sources.at(i);
             });
  each_label(family("supervisord_counters_gaps_total"), "source", monitor::all_counter_sources,
             [](const auto& supervisor, std::size_t i) { return supervisor.counter_gaps[i]; });
  each_supervisor(family("supervisord_event_listener_not_ready_total"),
                  [](const auto& supervisor) { return supervisor.listeners_not_ready; });
}

void SnapshotPage::write_process_states() {
  if (!options_.process_state_set) {
    each_process(family("supervisord_process_state_code"),
                 [](const auto& process) { return substrate::state_code(process.detail.state); });
    return;
  }
  each_part(family("supervisord_process_state"), &SupervisorView::processes,
            [&](const auto& labels, const auto& process) {
              StateCounts one_hot{};
              one_hot.at(static_cast<std::size_t>(process.detail.state)) = 1;
              write_states(labels, one_hot);
            });
}

void SnapshotPage::write_process_gauges() {
  each_process(family("supervisord_process_up"),
               [](const auto& process) { return process.detail.state == InstanceState::running; });
  write_process_states();
  each_process(family("supervisord_process_start_time_seconds"),
               [](const auto& process) { return unix_seconds(process.detail.start_time); });
  each_process(family("supervisord_process_stop_time_seconds"),
               [](const auto& process) { return unix_seconds(process.detail.stop_time); });
  each_process(family("supervisord_process_pid"), [](const auto& process) {
    const auto& pid = process.detail.pid;
    return pid ? std::optional(pid->value) : std::nullopt;
  });
  each_process(family("supervisord_process_exit_status"),
               [](const auto& process) { return process.exit_status; });
  each_process(family("supervisord_process_exit_signal"),
               [](const auto& process) { return process.exit_signal; });
  each_process(family("supervisord_process_last_exit_expected"),
               [](const auto& process) { return process.last_exit_expected; });
  each_part(family("supervisord_process_log_bytes"), &SupervisorView::processes,
            [&](const auto& labels, const auto& process) {
              out_.sample({labels, R"(stream="stdout")"}, process.stdout_log_bytes);
              out_.sample({labels, R"(stream="stderr")"}, process.stderr_log_bytes);
            });
}

void SnapshotPage::write_process_counters() {
  each_counter(family("supervisord_process_starts_total"),
               [](const auto& counters) { return counters.starts; });
  each_counter(family("supervisord_process_restarts_total"),
               [](const auto& counters) { return counters.restarts; });
  each_counter(family("supervisord_process_unexpected_exits_total"),
               [](const auto& counters) { return counters.unexpected_exits; });
  if (options_.transitions) {
    each_part(family("supervisord_process_transitions_total"), &SupervisorView::counters,
              [&](const auto& labels, const auto& counters) {
                write_states(labels, counters.transitions);
              });
  }
}

void SnapshotPage::write_resources() {
  each_part(family("supervisord_process_cpu_seconds_total"), &SupervisorView::usages,
            [&](const auto& labels, const TreeUsage& usage) {
              out_.sample({labels, R"(mode="user")"}, seconds(usage.cpu.user));
              out_.sample({labels, R"(mode="system")"}, seconds(usage.cpu.system));
            });
  each_usage(family("supervisord_process_resident_memory_bytes"),
             [](const TreeUsage& usage) { return usage.resident_bytes; });
  each_usage(family("supervisord_process_proportional_memory_bytes"),
             [](const TreeUsage& usage) { return usage.proportional_bytes; });
  each_usage(family("supervisord_process_open_fds"),
             [](const TreeUsage& usage) { return usage.open_fds; });
  each_usage(family("supervisord_process_max_fds"),
             [](const TreeUsage& usage) { return usage.max_fds; });
  each_usage(family("supervisord_process_threads"),
             [](const TreeUsage& usage) { return usage.threads; });
  each_usage(family("supervisord_process_tree_size"),
             [](const TreeUsage& usage) { return usage.processes; });
  each_usage(family("supervisord_process_read_bytes_total"), [](const TreeUsage& usage) {
    return usage.io ? std::optional(usage.io->read) : std::nullopt;
  });
  each_usage(family("supervisord_process_written_bytes_total"), [](const TreeUsage& usage) {
    return usage.io ? std::optional(usage.io->written) : std::nullopt;
  });
}

void SnapshotPage::write_event_streams() {
  each_supervisor(family("reeve_event_stream_up"), [](const auto& supervisor) {
    const auto& stream = supervisor.event_stream;
    return stream ? std::optional(stream->up) : std::nullopt;
  });
  out_.begin(family("reeve_events_total"));
  for (const SupervisorView& each : view_) {
    if (const auto& stream = each.snapshot->event_stream) {
      for (const monitor::EventCount& of : stream->counts) {
        out_.sample({each.labels, label("type", of.type)}, of.count);
      }
    }
  }
  each_supervisor(family("reeve_events_lost_total"), [](const auto& supervisor) {
    const auto& stream = supervisor.event_stream;
    return stream ? std::optional(stream->lost) : std::nullopt;
  });
}

void SnapshotPage::write_node_exporter_names() {
  each_process(family("node_supervisord_up"),
               [](const auto& process) { return is_up_for_node_exporter(process.detail); });
  each_process(family("node_supervisord_state"),
               [](const auto& process) { return substrate::state_code(process.detail.state); });
  each_process(family("node_supervisord_exit_status"), compatible_exit_status);
  each_process(family("node_supervisord_start_time_seconds"), [](const auto& process) {
    return is_up_for_node_exporter(process.detail) ? unix_seconds(process.detail.start_time)
                                                   : std::nullopt;
  });
}

void SnapshotPage::write_supervisord_exporter_names() {
  each_part(family("supervisor_process_info"), &SupervisorView::processes,
            [&](const auto& labels, const auto& process) {
              if (const auto status = compatible_exit_status(process)) {
                const InstanceState state = process.detail.state;
                const std::string more = join_labels(label("state", to_string(state)),
                                                     label("exit_status", std::to_string(*status)));
                out_.sample({labels, more}, state == InstanceState::running);
              }
            });
  each_process(family("supervisor_process_uptime"),
               [](const auto& process) -> std::optional<std::int64_t> {
                 const auto uptime = process.detail.uptime();
                 return uptime && process.detail.state == InstanceState::running
                            ? std::optional<std::int64_t>(uptime->count())
                            : std::nullopt;
               });
}

}  // namespace

std::string render_snapshot(const monitor::Snapshot& snapshot, const Options& options,
                            const Filter& filter, std::size_t expected_bytes) {
  const SnapshotView view = make_view(snapshot, filter);
  return SnapshotPage(view, options, expected_bytes).render();
}

}  // namespace reeve::metrics
