#pragma once

// Snapshots to be rendered.

#include <string>

#include "monitor/snapshot.h"

namespace reeve::metrics {

inline substrate::ManagerTime manager_time(int seconds) {
  return substrate::ManagerTime(std::chrono::seconds(seconds));
}

inline monitor::ProcessSnapshot process(const std::string& name, substrate::InstanceState state) {
  monitor::ProcessSnapshot process;
  process.detail.name = *substrate::InstanceName::parse(name);
  process.detail.state = state;
  return process;
}

inline monitor::ProcessSnapshot running_process(const std::string& name, int pid, int start) {
  monitor::ProcessSnapshot running = process(name, substrate::InstanceState::running);
  running.detail.pid = substrate::Pid{pid};
  running.detail.start_time = manager_time(start);
  return running;
}

/// A supervisord that is up, and has been polled at 1700000000.5.
inline monitor::SupervisorSnapshot supervisord(std::vector<monitor::ProcessSnapshot> processes) {
  monitor::SupervisorSnapshot supervisor;
  supervisor.up = true;
  supervisor.snapshot_at = base::SystemTime(std::chrono::milliseconds(1'700'000'000'500));
  supervisor.processes = std::move(processes);
  return supervisor;
}

inline monitor::Snapshot fleet_of(std::vector<monitor::SupervisorSnapshot> supervisors) {
  return {1, std::move(supervisors), true};
}

inline procfs::TreeUsage everything_used() {
  using std::chrono::milliseconds;
  procfs::TreeUsage usage;
  usage.cpu = {milliseconds(12'340), milliseconds(50)};
  usage.resident_bytes = 5'000'000'000;
  usage.proportional_bytes = 4096;
  usage.threads = 17;
  usage.processes = 3;
  usage.open_fds = 9;
  usage.max_fds = 1024;
  usage.io = procfs::IoBytes{8192, 512};
  return usage;
}

inline monitor::Usages usages_of(std::vector<monitor::ProcessUsage> usages) {
  return std::make_shared<const std::vector<monitor::ProcessUsage>>(std::move(usages));
}

/// One with everything that can be known, under odd names.
inline monitor::SupervisorSnapshot odd_supervisord() {
  using substrate::InstanceState;
  auto crashed = process("worker:a\"b\\c", InstanceState::exited);
  crashed.detail.start_time = manager_time(1'699'999'000);
  crashed.detail.stop_time = manager_time(1'699'999'900);
  crashed.exit_status = 3;
  crashed.last_exit_expected = false;
  crashed.counters.starts = 4;
  crashed.counters.restarts = 2;
  crashed.counters.unexpected_exits = 1;
  crashed.counters.transitions[static_cast<std::size_t>(InstanceState::exited)] = 3;
  auto killed = process("worker:naïve-日本", InstanceState::backoff);
  killed.exit_status = -1;
  killed.exit_signal = 9;
  auto web = running_process("web", 4711, 1'699'990'000);
  web.stdout_log_bytes = 3'221'225'472;
  web.stderr_log_bytes = 0;
  auto supervisor = supervisord({process("caf\xe8:x", InstanceState::stopped),
                                 process("caf\xe9:x", InstanceState::fatal), web, crashed, killed,
                                 process("worker:tab\there\nthere", InstanceState::unknown)});
  supervisor.name = "host \"1\"";
  supervisor.description = {"4.2.5", "3.0", "my \\ supervisor"};
  supervisor.removed = {{{"gone", "gone"}, {7, 5, std::nullopt, {}}, {}}};
  supervisor.event_stream = {true, {{"TICK_5", 12}, {"other", 0}}, 4};
  supervisor.usages = usages_of({{{"web", "web"}, {4711}, everything_used()}});
  supervisor.restarts = 1;
  supervisor.polls.durations[2] = 9;
  supervisor.polls.durations.back() = 1;
  supervisor.polls.duration_sum_seconds = 31.0625;
  supervisor.polls.failures[1] = 2;
  supervisor.polls.rejected_records = 6;
  return supervisor;
}

}  // namespace reeve::metrics
