#pragma once

// Snapshots for tests, their rendered pages, and checks of their lines.

#include <string>

#include "metrics/exposition.h"
#include "metrics/snapshot_page.h"
#include "monitor/snapshot.h"
#include "support/gunzip.h"

namespace reeve::metrics {

using tests::gunzip;

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

inline monitor::Snapshot snapshot_of(std::vector<monitor::SupervisorSnapshot> supervisors) {
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

inline std::string page(const monitor::Snapshot& snapshot, const Options& options = {}) {
  return render_snapshot(snapshot, options, Filter(options), 0);
}

/// The whole page of an agent that has done something of each kind, with every option that shows
/// more.
inline std::string whole_page(std::vector<monitor::SupervisorSnapshot> supervisors,
                              Options options = {}) {
  AgentMetrics agent({"0.1.0", "abc", "g++"});
  agent.observe_request("/metrics", 200, std::chrono::milliseconds(1));
  agent.add_listener([] { return http::Stats{.listener = "metrics"}; });
  agent.set_controller([] {
    control::Stats stats;
    stats.last_actions[{{"", {"a", "b"}}, guards::Action::stop}] = {};
    return stats;
  });
  agent.set_responder([] {
    return alerts::Stats{{{"none", {}}}, {{{"hung", guards::Reason::cooldown}, 1}}};
  });
  agent.set_guards([] {
    guards::GuardStats stats;
    stats.guards.emplace_back().target = {"", {"a", "b"}};
    stats.maintenance = {{"*", {}, "", "ops"}};
    return stats;
  });
  agent.set_coordinator([] {
    coordination::Stats stats;
    stats.last_contact = base::SystemTime(std::chrono::seconds(1'700'000'000));
    stats.requests[{"range", "success"}] = 1;
    stats.limits["web"] = {"web", {.at_once = 2, .budget = coordination::Budget{}}, {}, 0};
    stats.claims[{"web", coordination::ClaimOutcome::won}] = 1;
    stats.waits["web"].sum_seconds = 1;
    return stats;
  });
  options.transitions = true;
  options.node_exporter_names = true;
  options.supervisord_exporter_names = true;
  Exposition exposition(options, agent);
  exposition.publish(std::make_shared<const monitor::Snapshot>(
      monitor::Snapshot{1, std::move(supervisors), true}));
  const auto page = exposition.page(Encoding::plain);
  return *page[0] + *page[1];
}

inline bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace reeve::metrics
