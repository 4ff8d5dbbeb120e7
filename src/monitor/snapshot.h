#pragma once

// What the agent knows at one moment: immutable values that everybody may read for as long as
// they like. Metrics, JSON and control are views of these.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/process_list.h"
#include "monitor/usage.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// What feeds the counters, best first; supervisord_counters_source's labels.
enum class CounterSource { events, log, polls };
inline constexpr std::array all_counter_sources = {CounterSource::events, CounterSource::log,
                                                   CounterSource::polls};

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

struct EventCount {
  std::string_view type;  ///< events::type_labels
  std::uint64_t count = 0;
  friend bool operator==(const EventCount&, const EventCount&) = default;
};

/// What a supervisord's listener has delivered.
struct EventStream {
  bool up = false;                 ///< an event, a TICK at least, within event_stream_patience
  std::vector<EventCount> counts;  ///< of all types, always in one order
  std::uint64_t lost = 0;          ///< events known to be lost
  friend bool operator==(const EventStream&, const EventStream&) = default;
};

/// Six of supervisord's shortest ticks.
inline constexpr base::Duration event_stream_patience = std::chrono::seconds(30);

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
  /// Nothing before its first event, unless one was to be expected: see Member.
  std::optional<EventStream> event_stream;
  /// Null while it is not up, or not proven to run on this host. Of runs that may have ended since.
  Usages usages;

  [[nodiscard]] const ProcessSnapshot* find(const substrate::InstanceName& process) const {
    return processes.find(process);
  }
  friend bool operator==(const SupervisorSnapshot&, const SupervisorSnapshot&) = default;
};

struct Snapshot {
  std::uint64_t generation = 0;                 ///< grows with each publication
  std::vector<SupervisorSnapshot> supervisors;  ///< in the order of the configuration
  /// Every supervisord has been tried once, with any result.
  bool complete = false;

  [[nodiscard]] const SupervisorSnapshot* find(std::string_view supervisor) const;
};

}  // namespace reeve::monitor
