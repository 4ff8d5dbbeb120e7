#pragma once

// What happened to one process, as each source tells it: TransitionCounts are plain numbers that
// can be added and compared, LogStateMachine derives state transitions from the lines of
// supervisord's log, ProcessHistory holds both for one process. CounterMerge (process_table.h)
// decides how the sources become one number. Pure; driven under the lock of a SupervisorMonitor.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "events/event.h"
#include "events/main_log.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// Entries into each state, in the order of substrate::all_instance_states, and then:
inline constexpr std::size_t restarts_at = substrate::all_instance_states.size();
inline constexpr std::size_t unexpected_exits_at = restarts_at + 1;
/// Finished runs. A start that failed without a process counts too: events do not tell the
/// difference, and the number only serves to compare sources.
inline constexpr std::size_t ends_at = unexpected_exits_at + 1;

using TransitionCounts = std::array<std::uint32_t, ends_at + 1>;

[[nodiscard]] constexpr std::size_t entries_at(substrate::InstanceState state) {
  return static_cast<std::size_t>(state);
}

/// `from` unknown: it is not counted as a restart.
struct Transition {
  substrate::InstanceState from = substrate::InstanceState::unknown;
  substrate::InstanceState to = substrate::InstanceState::unknown;
  bool expected = true;  ///< of EXITED
};

[[nodiscard]] Transition transition_of(const events::StateChange& change);
void count(TransitionCounts& counts, const Transition& transition);

[[nodiscard]] TransitionCounts operator+(const TransitionCounts& a, const TransitionCounts& b);
/// The larger of each two numbers.
[[nodiscard]] TransitionCounts max_of(const TransitionCounts& a, const TransitionCounts& b);

/// `exits_known`: events or the log, which tell unexpected exits, have been a source.
[[nodiscard]] ProcessCounters to_counters(const TransitionCounts& counts, bool exits_known);

/// How the most recent finished run ended, as far as it is known.
struct LastExit {
  std::optional<int> exit_status;  ///< -1: by a signal
  std::optional<int> exit_signal;
  std::optional<bool> expected;  ///< for an exit that was not requested
  friend bool operator==(const LastExit&, const LastExit&) = default;
};

/// As a line of the log tells it.
[[nodiscard]] LastExit exit_of(const events::RunEnd& end, std::optional<bool> expected);

/// In STARTING, RUNNING and STOPPING the process exists.
[[nodiscard]] bool has_process(substrate::InstanceState state);

/// One process's state as the lines of supervisord's log tell it. The state is known from an
/// anchor on; from then each line is one transition or several: the log does not tell the entry
/// into STOPPING, a stop out of BACKOFF, and whether a run that ended early went to BACKOFF or,
/// with startsecs=0, to EXITED.
///
/// Invariants: state_ is `unknown` from lines_lost() to the next anchor_at() or telling line;
/// transition_missed_ is set only between two anchors.
class LogStateMachine {
 public:
  /// A process that is new to supervisord.
  LogStateMachine() = default;

  /// The state at an anchor, from the survey's listing. Counts the transitions that the log does
  /// not tell, unless the state before was unknown.
  void anchor_at(substrate::InstanceState state, TransitionCounts& counts);
  /// Another daemon, which has started nothing yet: what ran has ended, its exit is unknown.
  void daemon_restarted();
  void lines_lost();
  /// A transition happened that the log does not tell: until the next anchor it is not known
  /// whether a start is a restart.
  void miss_transition() { transition_missed_ = true; }

  void apply(const events::Spawned& line, TransitionCounts& counts);
  void apply(const events::EnteredRunning& line, TransitionCounts& counts);
  void apply(const events::Exited& line, TransitionCounts& counts);
  void apply(const events::Stopped& line, TransitionCounts& counts);
  void apply(const events::GaveUp& line, TransitionCounts& counts);
  void apply(const events::SpawnError& line, TransitionCounts& counts);

  /// How the last run ended before the log was followed; ignored once it has told an end.
  void set_earlier_exit(const LastExit& exit);

  [[nodiscard]] substrate::InstanceState state() const { return state_; }
  /// Of the last run whose end is known from the log; nothing after lines were lost.
  [[nodiscard]] const std::optional<LastExit>& last_exit() const { return last_exit_; }

 private:
  void enter(substrate::InstanceState to, TransitionCounts& counts, bool expected = true);

  substrate::InstanceState state_ = substrate::InstanceState::stopped;
  bool transition_missed_ = false;
  bool starts_at_once_ = false;  ///< its startsecs is 0
  std::optional<LastExit> last_exit_;
};

/// Which sources have told every event since the last anchor.
struct CompleteSources {
  bool events = false;
  bool log = false;
};

/// From one anchor to the next.
struct SourceCounts {
  TransitionCounts events{};
  TransitionCounts log{};
  TransitionCounts polls{};

  /// The best lower bound: what events or the log tell has happened; polls, which take each new
  /// run for a restart, are used only while both others are incomplete.
  [[nodiscard]] TransitionCounts best(const CompleteSources& complete) const;
};

[[nodiscard]] SourceCounts operator+(const SourceCounts& a, const SourceCounts& b);

/// What the last answer about a process said, as far as the next one is compared with it.
struct PreviousState {
  substrate::InstanceState state = substrate::InstanceState::unknown;
  std::optional<substrate::Pid> pid;
  std::optional<substrate::ManagerTime> start_time;
  std::optional<substrate::ManagerTime> stop_time;
};

struct ProcessHistory {
  TransitionCounts base{};  ///< up to the last anchor
  SourceCounts current;     ///< since then
  /// Up to the anchor under way, until all sources have reached it.
  std::unique_ptr<SourceCounts> closing;
  TransitionCounts published{};  ///< never falls
  /// What the event stream told before it was joined, if an agent has acknowledged all before that.
  std::unique_ptr<TransitionCounts> backlog;

  LogStateMachine log;
  std::optional<substrate::Pid> spawned_pid;  ///< of the run that `log` is in
  std::optional<PreviousState> previous;      ///< nothing before the first answer
  std::uint32_t expected_starts = 0;        ///< seen by polls: events must have told as many by now
  LastExit polled_exit;                     ///< as polls alone tell it
  std::optional<bool> event_exit_expected;  ///< of the last end told by an event, if an EXITED

  /// When a listing first missed it; nothing while it is in supervisord's configuration.
  std::optional<base::SteadyTime> removed_at;

  /// An event says that a run ended; its exit status is not yet known.
  void apply_run_end(const events::StateChange& change);
  /// Another daemon: no run has survived.
  void daemon_restarted();
  /// The counts up to the anchor under way.
  [[nodiscard]] SourceCounts& closing_counts();
  /// Counts what polls see by comparing with `previous`, and replaces that.
  void apply_poll(const substrate::InstanceDetail& detail, bool same_daemon);
  /// The anchor has been reached by all sources: `closing` becomes part of `base`.
  void close(const CompleteSources& complete);
  /// The stream has been joined: what it told before is as good as what other sources did.
  void close_backlog();
  /// The anchor was dropped: `closing` is counted on.
  void reopen();
  const TransitionCounts& update_published(const CompleteSources& complete);
  [[nodiscard]] LastExit last_exit(const CompleteSources& complete) const;
};

}  // namespace reeve::monitor
