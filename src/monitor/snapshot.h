#pragma once

// What the agent knows at one moment, as immutable values that any thread may read and keep:
// processes with their records and counters, supervisords, and what their programs use of this
// host. SupervisorMonitor makes them, Monitor publishes them; metrics, JSON and control are views
// of these.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/recent_past.h"
#include "procfs/process_trees.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// The element of that name in a list sorted by name; nullptr if there is none. `name_of` gives the
/// name of an element.
template <class List, class NameOf>
[[nodiscard]] auto find_by_name(List& sorted, const substrate::InstanceName& name, NameOf name_of) {
  const auto found = std::lower_bound(
      std::begin(sorted), std::end(sorted), name,
      [&](const auto& each, const auto& wanted) { return name_of(each) < wanted; });
  return found != std::end(sorted) && name_of(*found) == name ? &*found : nullptr;
}

/// What happened to one process since the agent first saw it.
struct ProcessCounters {
  std::uint64_t starts = 0;    ///< supervisord_process_starts_total
  std::uint64_t restarts = 0;  ///< supervisord_process_restarts_total
  /// Nothing before events or the log have been a source.
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
  std::optional<bool> last_exit_expected;  ///< with exit_status, for an exit that was not requested
  /// Sizes of the log files, where they are accessible from this host.
  std::optional<std::uint64_t> stdout_log_bytes;
  std::optional<std::uint64_t> stderr_log_bytes;
  /// Null until it has been listed.
  std::shared_ptr<const RecentPast> past = nullptr;
  /// When `detail` was read; nothing if that is not known.
  std::optional<base::SteadyTime> read_at;

  /// The record as it would be read now if nothing happened since: supervisord's clock has gone on.
  [[nodiscard]] substrate::InstanceDetail detail_at(base::SteadyTime now) const;
  friend bool operator==(const ProcessSnapshot&, const ProcessSnapshot&) = default;
};

/// An immutable list, shared by all snapshots between two changes. Its records are shared with the
/// lists before and after it, so that copying a snapshot is cheap, and so is a list with few
/// changes.
class ProcessList {
 public:
  using Record = std::shared_ptr<const ProcessSnapshot>;

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = ProcessSnapshot;
    using difference_type = std::ptrdiff_t;
    using pointer = const ProcessSnapshot*;
    using reference = const ProcessSnapshot&;

    explicit Iterator(const Record* at = nullptr) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const Record* at_;
  };
  using const_iterator = Iterator;

  ProcessList() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): takes over a vector
  ProcessList(std::vector<ProcessSnapshot> processes);
  explicit ProcessList(std::vector<Record> records);

  [[nodiscard]] std::size_t size() const { return records_ ? records_->size() : 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Iterator begin() const { return Iterator(records_ ? records_->data() : nullptr); }
  [[nodiscard]] Iterator end() const {
    return Iterator(records_ ? records_->data() + records_->size() : nullptr);
  }
  [[nodiscard]] const ProcessSnapshot& operator[](std::size_t at) const { return *(*records_)[at]; }
  [[nodiscard]] const ProcessSnapshot* find(const substrate::InstanceName& name) const;
  /// For the next list, which shares the records that it does not replace.
  [[nodiscard]] std::vector<Record> records() const;
  friend bool operator==(const ProcessList& a, const ProcessList& b);

 private:
  std::shared_ptr<const std::vector<Record>> records_;
};

/// Of a program with all its descendants.
struct ProcessUsage {
  substrate::InstanceName name;
  substrate::Pid pid;  ///< of the run that was measured
  procfs::TreeUsage tree;
  friend bool operator==(const ProcessUsage&, const ProcessUsage&) = default;
};

/// Sorted by name; null where nothing is measured.
using Usages = std::shared_ptr<const std::vector<ProcessUsage>>;

/// What feeds the counters, best first; supervisord_counters_source's labels.
enum class CounterSource { events, log, polls };
inline constexpr auto all_counter_sources = base::all_of<CounterSource, CounterSource::polls>();

/// A process that is gone from supervisord's configuration: its counters are kept for an hour.
struct RemovedProcess {
  substrate::InstanceName name;
  ProcessCounters counters;
  base::SteadyTime at;  ///< the poll that missed it
  friend bool operator==(const RemovedProcess&, const RemovedProcess&) = default;
};

/// Why a full poll failed; supervisord_poll_failures_total's labels, in this order.
enum class PollFailure { unreachable, timeout, denied, malformed, fault, shutting_down };
inline constexpr auto all_poll_failures = base::all_of<PollFailure, PollFailure::shutting_down>();
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

/// What the listeners of a supervisord have delivered.
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
  std::uint64_t restarts = 0;  ///< of the daemon, as far as polls saw them
  /// When `processes` was last confirmed by a full poll; nothing before the first.
  std::optional<base::SystemTime> snapshot_at;
  /// Sorted by name. While `up` is false these are the last known: their counters remain valid,
  /// their states are not current.
  ProcessList processes;
  std::vector<RemovedProcess> removed;  ///< sorted by name
  std::uint64_t removed_dropped = 0;    ///< of these, since they were too many
  PollStatistics polls;
  CounterSource counter_source = CounterSource::polls;
  /// Per CounterSource, in its order.
  std::array<std::uint64_t, all_counter_sources.size()> counter_gaps{};
  /// Nothing before its first event, unless a stream is configured: Member::expects_events.
  std::optional<EventStream> event_stream;
  /// How often a listener stopped being ready for good (UNKNOWN), as the log tells it.
  std::uint64_t listeners_not_ready = 0;
  /// Null while it is not up, or not proven to run on this host. The runs may have ended since.
  Usages usages;

  [[nodiscard]] const ProcessSnapshot* find(const substrate::InstanceName& process) const {
    return processes.find(process);
  }
  /// Of the process's present run; nullptr if that was not measured.
  [[nodiscard]] const procfs::TreeUsage* usage_of(const ProcessSnapshot& process) const;
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
