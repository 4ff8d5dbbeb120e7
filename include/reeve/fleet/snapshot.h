#pragma once

// What the agent knows at one moment: immutable values that everybody may read for as long as
// they like. Metrics, JSON and control are views of these.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"

namespace reeve::fleet {

/// What feeds the counters, best first; supervisord_counters_source's labels.
enum class CounterSource { events, log, polls };
inline constexpr std::array all_counter_sources = {CounterSource::events, CounterSource::log,
                                                   CounterSource::polls};

/// What happened to one process since the agent first saw it.
struct ProcessCounters {
  std::uint64_t starts = 0;    ///< supervisord_process_starts_total
  std::uint64_t restarts = 0;  ///< supervisord_process_restarts_total
  /// Nothing while polls are the only source.
  std::optional<std::uint64_t> unexpected_exits;
  /// Entries into each state, in the order of substrate::all_instance_states.
  std::array<std::uint64_t, substrate::all_instance_states.size()> transitions{};
  friend bool operator==(const ProcessCounters&, const ProcessCounters&) = default;
};

struct ProcessSnapshot {
  substrate::InstanceDetail detail;
  ProcessCounters counters;
  /// Of the most recent finished run; nothing if that run's end is unknown.
  std::optional<int> exit_status;
  std::optional<int> exit_signal;
  std::optional<bool> last_exit_expected;  ///< with exit_status, for an exit nobody asked for
  /// Sizes of the log files, where they can be looked at from here.
  std::optional<std::uint64_t> stdout_log_bytes;
  std::optional<std::uint64_t> stderr_log_bytes;
  friend bool operator==(const ProcessSnapshot&, const ProcessSnapshot&) = default;
};

/// An immutable list, shared by all snapshots between two polls: copying a snapshot is cheap
/// however many processes there are.
class ProcessList {
 public:
  ProcessList() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a vector that is shared from here on
  ProcessList(std::vector<ProcessSnapshot> processes)
      : processes_(std::make_shared<const std::vector<ProcessSnapshot>>(std::move(processes))) {}

  [[nodiscard]] std::size_t size() const { return processes_ ? processes_->size() : 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] const ProcessSnapshot* begin() const {
    return processes_ ? processes_->data() : nullptr;
  }
  [[nodiscard]] const ProcessSnapshot* end() const { return begin() + size(); }
  [[nodiscard]] const ProcessSnapshot& operator[](std::size_t at) const {
    return (*processes_)[at];
  }
  [[nodiscard]] const ProcessSnapshot* find(const substrate::InstanceName& name) const;
  friend bool operator==(const ProcessList& a, const ProcessList& b);

 private:
  std::shared_ptr<const std::vector<ProcessSnapshot>> processes_;
};

/// A process that is gone from supervisord's configuration: its counters stay for an hour.
struct RemovedProcess {
  substrate::InstanceName name;
  ProcessCounters counters;
  base::SteadyTime at;  ///< the poll that missed it
  friend bool operator==(const RemovedProcess&, const RemovedProcess&) = default;
};

/// Why a full poll failed; supervisord_poll_failures_total's labels, in this order.
enum class PollFailure { unreachable, timeout, denied, malformed, fault, shutting_down };
inline constexpr std::array all_poll_failures = {
    PollFailure::unreachable, PollFailure::timeout, PollFailure::denied,
    PollFailure::malformed,   PollFailure::fault,   PollFailure::shutting_down,
};
[[nodiscard]] std::string_view to_string(PollFailure failure);
[[nodiscard]] std::string_view to_string(CounterSource source);

/// Upper bounds in seconds of supervisord_poll_duration_seconds.
inline constexpr std::array poll_duration_bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                    0.25,  0.5,    1.0,   2.5,  5.0,   10.0, 30.0};

struct PollStatistics {
  /// Durations per bound of poll_duration_bounds, not cumulated; the last is +Inf.
  std::array<std::uint64_t, poll_duration_bounds.size() + 1> durations{};
  double duration_sum_seconds = 0;
  std::array<std::uint64_t, all_poll_failures.size()> failures{};
  std::uint64_t rejected_records = 0;
  friend bool operator==(const PollStatistics&, const PollStatistics&) = default;
};

struct SupervisorSnapshot {
  std::string name;  ///< empty for the single, unnamed supervisord
  std::string url;   ///< redacted
  bool up = false;
  bool shutting_down = false;
  std::string last_error;  ///< why it is not up; empty while it is
  std::optional<substrate::Pid> pid;
  std::optional<substrate::ManagerDescription> description;
  std::uint64_t restarts = 0;  ///< of the daemon, as far as the agent saw them
  /// When `processes` was last confirmed by a full poll; nothing before the first.
  std::optional<base::SystemTime> snapshot_at;
  /// Sorted by name. While `up` is false these are the last known: their counters go on, their
  /// states are not to be shown as fresh.
  ProcessList processes;
  std::vector<RemovedProcess> removed;  ///< sorted by name
  PollStatistics polls;
  CounterSource counter_source = CounterSource::polls;
  /// Per CounterSource, in its order.
  std::array<std::uint64_t, all_counter_sources.size()> counter_gaps{};

  [[nodiscard]] const ProcessSnapshot* find(const substrate::InstanceName& process) const {
    return processes.find(process);
  }
  friend bool operator==(const SupervisorSnapshot&, const SupervisorSnapshot&) = default;
};

struct FleetSnapshot {
  std::uint64_t generation = 0;                 ///< grows with each publication
  std::vector<SupervisorSnapshot> supervisors;  ///< in the order of the configuration
  /// Every supervisord has been tried once, with any result.
  bool complete = false;

  [[nodiscard]] const SupervisorSnapshot* find(std::string_view supervisor) const;
};

}  // namespace reeve::fleet
