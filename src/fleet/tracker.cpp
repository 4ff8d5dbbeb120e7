#include "fleet/tracker.h"

#include <algorithm>
#include <utility>

namespace reeve::fleet {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceName;
using substrate::InstanceState;

/// Whether `now` belongs to a later spawn than `before`. Two spawns can share a second, so
/// that a pid that was not there counts too; a failed spawn has a start time and no pid.
bool is_new_run(const InstanceDetail& before, const InstanceDetail& now) {
  const bool entered_starting =
      now.state == InstanceState::starting && before.state != InstanceState::starting;
  const bool new_pid = now.pid && now.pid != before.pid;
  const bool new_start = now.start_time && now.start_time != before.start_time;
  return new_start || new_pid || entered_starting;
}

/// From these states supervisord starts nothing by itself: somebody asked for it.
bool needs_somebody_to_start(InstanceState state) {
  return state == InstanceState::stopped || state == InstanceState::stopping ||
         state == InstanceState::fatal;
}

void count_entry(ProcessCounters& counters, InstanceState state) {
  ++counters.transitions.at(static_cast<std::size_t>(state));
}

void count_start(ProcessCounters& counters, InstanceState state) {
  ++counters.starts;
  count_entry(counters, InstanceState::starting);
  if (state != InstanceState::starting) {
    count_entry(counters, state);
  }
}

void count(ProcessSnapshot& process, const InstanceDetail& before, bool same_daemon) {
  const InstanceDetail& now = process.detail;
  if (is_new_run(before, now)) {
    count_start(process.counters, now.state);
    if (same_daemon && !needs_somebody_to_start(before.state)) {
      ++process.counters.restarts;
    }
  } else if (now.state != before.state) {
    count_entry(process.counters, now.state);
  }
}

/// The end of the most recent finished run: from this record, or from the one before if no
/// other run has ended since.
void note_end(ProcessSnapshot& process, const ProcessSnapshot* before) {
  const InstanceDetail& now = process.detail;
  if (now.exit_status) {
    process.exit_status = now.exit_status;
    if (now.state == InstanceState::exited) {
      process.last_exit_expected = now.spawn_error.empty();
    }
    return;
  }
  // In BACKOFF and FATAL the run that started last may be the one that ended last.
  const bool ended_untold = !now.pid && now.start_time <= now.stop_time;
  if (before != nullptr && now.stop_time && now.stop_time == before->detail.stop_time &&
      !ended_untold) {
    process.exit_status = before->exit_status;
    process.exit_signal = before->exit_signal;
    process.last_exit_expected = before->last_exit_expected;
  }
}

bool is_remembered(const RemovedProcess& removed, base::SteadyTime now) {
  return now - removed.at < removed_process_memory;
}

const RemovedProcess* find(const std::vector<RemovedProcess>& removed, const InstanceName& name) {
  const auto found = std::lower_bound(
      removed.begin(), removed.end(), name,
      [](const RemovedProcess& each, const auto& wanted) { return each.name < wanted; });
  return found != removed.end() && found->name == name ? &*found : nullptr;
}

ProcessSnapshot follow(const Tracked& before, InstanceDetail detail, const Poll& poll) {
  ProcessSnapshot process;
  process.detail = std::move(detail);
  const ProcessSnapshot* const known = before.processes.find(process.detail.name);
  if (known != nullptr) {
    process.counters = known->counters;
    count(process, known->detail, poll.same_daemon);
  } else if (const RemovedProcess* const back = find(before.removed, process.detail.name);
             back != nullptr && is_remembered(*back, poll.at)) {
    process.counters = back->counters;
    if (process.detail.start_time) {
      count_start(process.counters, process.detail.state);
    }
  }
  note_end(process, known);
  return process;
}

std::vector<RemovedProcess> remember(const Tracked& before, const ProcessList& now,
                                     base::SteadyTime at) {
  std::vector<RemovedProcess> removed;
  for (const RemovedProcess& each : before.removed) {
    if (is_remembered(each, at) && now.find(each.name) == nullptr) {
      removed.push_back(each);
    }
  }
  for (const ProcessSnapshot& each : before.processes) {
    if (now.find(each.detail.name) == nullptr) {
      removed.push_back({each.detail.name, each.counters, at});
    }
  }
  std::sort(removed.begin(), removed.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return removed;
}

}  // namespace

Tracked track(const Tracked& before, Poll poll) {
  Tracked tracked;
  tracked.rejected = poll.listing.rejected;
  std::vector<ProcessSnapshot> processes;
  processes.reserve(poll.listing.instances.size());
  for (std::size_t i = 0; i < poll.listing.instances.size(); ++i) {
    InstanceDetail& detail = poll.listing.instances[i];
    if (!processes.empty() && processes.back().detail.name == detail.name) {
      ++tracked.rejected;
      continue;
    }
    processes.push_back(follow(before, std::move(detail), poll));
    if (i < poll.log_sizes.size()) {
      processes.back().stdout_log_bytes = poll.log_sizes[i].standard_output;
      processes.back().stderr_log_bytes = poll.log_sizes[i].standard_error;
    }
  }
  tracked.processes = std::move(processes);
  tracked.removed = remember(before, tracked.processes, poll.at);
  return tracked;
}

bool some_run_survived(const ProcessList& before, const substrate::Listing& listing) {
  return std::any_of(listing.instances.begin(), listing.instances.end(), [&](const auto& now) {
    const ProcessSnapshot* const known = before.find(now.name);
    return known != nullptr && now.incarnation() &&
           now.incarnation() == known->detail.incarnation();
  });
}

}  // namespace reeve::fleet
