#pragma once

// The state of one supervisord as the agent knows it. Fed with the results of heartbeats, polls,
// surveys and reads of single processes, with events, lines of its log, and times, it says whether
// supervisord is up, whether it restarted, what to publish, what to log and what to do next. A
// state machine without threads, locks or I/O; SupervisorMonitor drives it under its lock.
//
//   unseen ──connect──▶ answering ──poll──▶ up ──a poll fails──▶ answering, not up
//      └───── a heartbeat fails, the connection is refused, it shuts down ─────▶ unresponsive
//   unresponsive: only heartbeats are sent; the first that succeeds makes it answering again.
//
// Invariants: tried_ is set by the first result of any kind and stays; answering_ is the result of
// the last call that tells (a poll that is slow or refused says nothing about heartbeats);
// snapshot_.up implies answering_ at the last poll; restarted_ is set from the moment a restart is
// certain until the next successful poll, perhaps_restarted_ only while restarted_ is not.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "monitor/event_router.h"
#include "monitor/poll_scheduler.h"
#include "monitor/process_table.h"
#include "monitor/snapshot.h"
#include "reeve/base/result.h"

namespace reeve::monitor {

/// One moment by both clocks.
struct Moment {
  base::SteadyTime steady;
  base::SystemTime system;

  /// The wall clock minus the steady one.
  [[nodiscard]] base::Duration offset() const {
    return system.time_since_epoch() - steady.time_since_epoch();
  }
};

/// What SupervisorMonitor has to do after the state has changed.
struct Effects {
  bool publish = false;
  bool wake_poll = false;     ///< the poll thread: its inputs may have changed
  bool abandon_poll = false;  ///< supervisord does not answer the poll under way
  std::vector<base::LogRecord> log = {};
};

/// The result of reading the log.
struct LogReading {
  events::TailResult text;
  bool following = false;  ///< lines written from now on will be read
  bool trusted = false;    ///< see LogTail::trusted
  /// The listing of the same poll is applied next: it is not older than the text.
  bool listing_follows = false;
};

class SupervisorState {
 public:
  /// `url` is redacted.
  SupervisorState(std::string name, std::string url);
  /// A stream of its events is configured: until its first event it is down.
  void expect_events();

  /// The result of a connect, requested at `asked`. A cancelled call changes nothing, and so does
  /// the answer of a daemon that has been replaced since it was asked: its restart is counted.
  [[nodiscard]] Effects apply_heartbeat(const base::Result<substrate::Pid>& answer,
                                        base::SteadyTime asked, const Moment& now);
  /// A poll is answered: the same for the pid in its answer, of which the rest is applied next.
  /// Nothing if the answer is outdated, to be dropped: see apply_poll.
  [[nodiscard]] std::optional<Effects> apply_pid_of_poll(substrate::Pid pid, base::SteadyTime asked,
                                                         const Moment& now);
  /// The result of a full poll that took `took`. One that fails otherwise than a heartbeat may (it
  /// was refused or too slow) does not tell whether supervisord answers heartbeats.
  [[nodiscard]] Effects apply_poll(base::Result<PollResult> answer, base::Duration took,
                                   const Moment& now);
  /// A poll was due and was not sent, or was abandoned, because supervisord does not answer.
  [[nodiscard]] Effects skip_poll();
  [[nodiscard]] Effects apply_description(substrate::ManagerDescription description);
  [[nodiscard]] Effects apply_events(const EventBatch& batch, const Moment& now);
  [[nodiscard]] Effects apply_log(const LogReading& reading);
  /// The log has been read to its end, in the last poll's moment or since.
  [[nodiscard]] Effects compare_log_with_poll();
  /// compare_log_with_poll would find starts that the log does not have, or not yet.
  [[nodiscard]] bool log_is_behind_polls() const { return table_.counters().log_is_behind_polls(); }
  /// The log cannot be read: it is not followed until it can.
  [[nodiscard]] Effects log_unavailable();
  /// The result of reading one process.
  [[nodiscard]] Effects apply_process(const substrate::InstanceName& name,
                                      const base::Result<substrate::InstanceDetail>& answer,
                                      const ReadTime& read);
  /// A survey is about to be sent. Returns the number of its anchor.
  [[nodiscard]] std::uint64_t begin_survey();
  /// This supervisord cannot do surveys: it is only polled from now on.
  void surveys_not_implemented();
  void request_poll() { poll_soon_ = true; }
  void poll_started() { poll_soon_ = false; }
  /// For PollRequest: 0 if processes may have been added, more if events would tell that.
  [[nodiscard]] base::Duration max_name_age(base::SteadyTime now) const;

  /// It does not answer: only heartbeats are sent.
  [[nodiscard]] bool unresponsive() const { return tried_ && !answering_; }
  /// True once it has been tried, with any result.
  [[nodiscard]] bool tried() const { return tried_; }
  [[nodiscard]] bool needs_description() const { return snapshot_.up && !described_; }
  [[nodiscard]] PollInputs poll_inputs(base::SteadyTime now) const;
  [[nodiscard]] std::vector<substrate::InstanceName> changed_by_event() const;
  [[nodiscard]] const SupervisorSnapshot& snapshot() const { return snapshot_; }

 private:
  [[nodiscard]] bool is_outdated(substrate::Pid pid, base::SteadyTime asked) const {
    return asked < pid_changed_at_ && pid != snapshot_.pid;
  }
  [[nodiscard]] Effects mark_unreadable(const base::Error& error, const Moment& now);
  [[nodiscard]] Effects mark_up(PollResult poll, base::Duration took, const Moment& now);
  void record_restart();
  void record_duration(base::Duration took);
  void log_recovery(Effects& effects, const Moment& now);
  [[nodiscard]] EventStream& stream();
  void apply_backlog(const Backlog& backlog);
  void apply_event(const events::Event& event, const Moment& now);
  void apply_gap(const events::Gap& gap);
  void track_listeners(const std::vector<events::LogLine>& lines, Effects& effects);
  void add(const PollRequests& requests);
  void count_gap(CounterSource source);
  [[nodiscard]] bool stream_is_live(base::SteadyTime now) const;
  [[nodiscard]] bool mark_is_overdue(base::SteadyTime now) const;
  /// Updates what depends on time alone: whether the stream is live, and which source feeds the
  /// counters. True if that has changed.
  bool update_sources(base::SteadyTime now);
  void select_source();
  void update_counters();
  void update_lists();

  SupervisorSnapshot snapshot_;
  ProcessTable table_;
  bool answering_ = false;
  bool tried_ = false;
  bool described_ = false;
  PollFailure last_failure_ = PollFailure::unreachable;
  base::SteadyTime pid_changed_at_ = base::SteadyTime::min();  ///< when that became known
  /// It refused connections or was shutting down since the last poll: it may be another daemon.
  bool perhaps_restarted_ = false;
  bool stopping_ = false;         ///< an event says that it stops, and none since that it runs
  bool restarted_ = false;        ///< since the last poll
  bool recovery_logged_ = false;  ///< "supervisord answers" has been logged once
  std::optional<base::SteadyTime> unreadable_since_;  ///< and that has been logged

  bool poll_soon_ = false;
  bool anchor_soon_ = false;
  bool log_soon_ = false;
  bool mark_requested_ = false;  ///< by the EventRouter: the next survey's mark may bind a stream
  bool can_survey_ = true;
  bool log_followed_ = false;
  bool log_trusted_ = true;
  std::uint64_t anchors_ = 0;
  base::SteadyTime surveyed_at_{};
  std::optional<base::SteadyTime> last_event_at_;
  std::set<std::string> listeners_not_ready_;  ///< reported, and not spawned again since
};

}  // namespace reeve::monitor
