#pragma once

// The processes of one supervisord: their records, by the last answer about each and the events
// since, and their counters. Events change a record at once; what they do not tell is absent until
// the process has been read again. Pure; driven under the lock of a SupervisorMonitor.
//
// How three sources become one count: the event stream, supervisord's log and polls each keep
// TransitionCounts per process since the last anchor. They are not matched with each other: each
// count is a lower bound, so the largest is the best, in whatever order they arrive.
//
// An anchor is one moment that all sources know: a survey lists the processes, reads the log and
// sends a mark through the event stream, all at once. There the counts of each source are closed,
// those of the stream when the mark arrives, before the survey's answer or after it. When all have
// reached the anchor, the best of the closed counts is added to the base. From an anchor on a
// source is complete until it has a gap. The stream counts from its first mark on, the log from
// the first survey whose text reaches the log's end.
//
//   begin_anchor ─▶ requested ── apply_survey ──▶ waiting for the mark ── apply_mark, ──▶ closed
//                       │                                    mark overdue, gap in the stream
//                       └── apply_mark ──▶ waiting for the answer ── apply_survey ──▶ closed

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/main_log.h"
#include "monitor/earlier_exits.h"
#include "monitor/log_line_matcher.h"
#include "monitor/process_history.h"
#include "monitor/snapshot.h"

namespace reeve::monitor {

/// A full listing as it came back.
struct FullListing {
  std::span<const substrate::InstanceDetail> instances;  ///< sorted by name
  base::SteadyTime at;
  bool same_daemon = true;  ///< as at the listing before
};

/// How long the counters of a removed process are kept for its return. Of more than 10 000 those
/// that were removed last.
inline constexpr base::Duration removed_process_memory = std::chrono::hours(1);

/// Merges the counts of the sources; see above. Invariants: a source that is not joined is not
/// complete; at most one anchor is under way, and `closing_` belongs to it.
class CounterMerge {
 public:
  // The event stream.
  /// False: there is no room for its process, and that is a new gap.
  [[nodiscard]] bool apply_event(const events::StateChange& change);
  void apply_event(const events::GroupChange& change);
  /// Transitions from before the first event that this run of the agent counts. They are counted,
  /// and so is what the stream tells from now until it is joined.
  void apply_backlog(const std::map<substrate::InstanceName, TransitionCounts>& transitions);
  void apply_mark(std::uint64_t anchor);
  void events_lost();
  /// Whether an event arrived within event_stream_patience. A silent stream has lost nothing yet,
  /// but is not counted from.
  void set_stream_live(bool live) { stream_live_ = live; }
  /// Another daemon has other listeners.
  void daemon_replaced();

  // The log.
  struct LogOutcome {
    bool needs_listing = false;  ///< a line waits for its process to be known
    bool daemon_started = false;
    bool gap = false;
  };
  [[nodiscard]] LogOutcome apply_log(const events::TailResult& text);
  void log_lost();

  // Polls.
  struct ListingOutcome {
    bool log_gap = false;     ///< a line's process remained unknown
    bool stream_gap = false;  ///< the listener is not subscribed to all it needs
  };
  [[nodiscard]] ListingOutcome apply_listing(const FullListing& listing);
  void apply_process(const substrate::InstanceDetail& detail);
  /// After a listing, and with the log read to its end: true if the log lacks starts that polls
  /// saw, as at a level above info. That is a gap, and the log is not counted from until it tells
  /// a start. False while lines wait for the next listing.
  [[nodiscard]] bool distrust_log_if_behind();
  /// The same by what has been read of the log so far; changes nothing.
  [[nodiscard]] bool log_is_behind_polls() const;

  // Anchors.
  void begin_anchor(std::uint64_t anchor);
  /// The survey's listing and log text have been applied. `log_at_end`: the text reached the log's
  /// end, so that the log is joined.
  void apply_survey(std::span<const substrate::InstanceDetail> instances, bool log_at_end);
  void drop_anchor();
  /// The survey has been answered and its mark has not arrived.
  [[nodiscard]] bool awaits_mark() const;
  /// The mark does not arrive: the stream is left until its next mark. True if the stream was
  /// complete until now: then that is a gap.
  bool abandon_mark();

  /// Which sources are complete since the last anchor that all have reached.
  [[nodiscard]] CompleteSources complete() const;
  [[nodiscard]] bool stream_joined() const { return stream_joined_; }
  /// Events or the log have been a source.
  [[nodiscard]] bool exits_known() const { return exits_known_; }
  [[nodiscard]] ProcessHistories& histories() { return histories_; }
  /// Removed processes that were forgotten early, since so many were remembered.
  [[nodiscard]] std::uint64_t removed_dropped() const { return removed_dropped_; }

 private:
  struct Anchor {
    std::uint64_t number = 0;
    bool surveyed = false;
    bool marked = false;
  };

  [[nodiscard]] bool has_room_for(const substrate::InstanceName& name) const;
  [[nodiscard]] TransitionCounts* backlog_of(const substrate::InstanceName& name);
  void close_backlog();
  [[nodiscard]] bool match_line(const LogLineMatcher::Line& line);
  void apply_line(ProcessHistory& history, const LogLineMatcher::Line& line);
  [[nodiscard]] bool stream_lacks_starts(base::SteadyTime now);
  void close_stream();
  void close_anchor();
  void forget_removed(base::SteadyTime now);
  void bound_removed();

  ProcessHistories histories_;
  LogLineMatcher matcher_;
  EarlierExits earlier_exits_;  ///< until the log is joined
  std::optional<Anchor> anchor_;
  std::uint64_t last_anchor_ = 0;  ///< the last that was closed
  CompleteSources current_;        ///< since the anchor that each source reached last
  CompleteSources closing_;        ///< up to the anchor under way
  bool stream_joined_ = false;
  bool backlog_open_ = false;  ///< there was a backlog, and the stream is not joined yet
  bool stream_live_ = true;
  bool stream_tells_starts_ = false;  ///< it has told one
  bool stream_trusted_ = true;
  base::SteadyTime compared_at_{};  ///< the stream with polls
  bool log_joined_ = false;
  bool log_trusted_ = true;
  bool exits_known_ = false;
  std::uint64_t removed_dropped_ = 0;
};

/// Sizes in bytes of the log files of one process; nothing where the file is not accessible.
struct LogSizes {
  std::optional<std::uint64_t> standard_output;
  std::optional<std::uint64_t> standard_error;
};

struct SurveyedLog {
  events::TailResult text;
  bool at_end = false;  ///< the text was there and reached the log's end
};

/// The answer to a full poll.
struct PollResult {
  substrate::Pid pid;
  substrate::Listing listing;
  std::vector<LogSizes> log_sizes;  ///< one for each instance, or none at all
  base::SteadyTime asked;
  base::SteadyTime at;
  bool same_daemon = true;            ///< as at the poll before
  std::optional<SurveyedLog> survey;  ///< if it was a survey
};

/// When a process was read.
struct ReadTime {
  base::SteadyTime asked;
  base::SteadyTime at;  ///< answered
};

/// What follows from what was applied.
struct PollRequests {
  bool poll = false;              ///< soon
  bool anchor = false;            ///< soon
  bool log = false;               ///< to be read soon
  bool daemon_restarted = false;  ///< as the log tells it
  unsigned log_gaps = 0;
  unsigned stream_gaps = 0;
};

class ProcessTable {
 public:
  /// The wall clock minus the steady one, for the times of transitions.
  void set_clock_offset(base::Duration offset) { clock_offset_ = offset; }
  /// Records that were not whole, or a second of the same name, are counted in `rejected`.
  [[nodiscard]] PollRequests apply_listing(PollResult poll, std::size_t& rejected);
  [[nodiscard]] PollRequests apply_log(const events::TailResult& text);
  /// The answer about one process.
  void apply_process(const substrate::InstanceDetail& detail, const ReadTime& read);
  /// supervisord does not know it any more; its record stays until the next listing.
  void forget_change(const substrate::InstanceName& name) { changed_by_event_.erase(name); }
  [[nodiscard]] PollRequests apply_event(const events::StateChange& event, base::SteadyTime now);

  [[nodiscard]] CounterMerge& counters() { return counters_; }
  [[nodiscard]] const CounterMerge& counters() const { return counters_; }
  /// Since they were last read, with the time of the last event.
  [[nodiscard]] const std::map<substrate::InstanceName, base::SteadyTime>& changed_by_event()
      const {
    return changed_by_event_;
  }
  /// Brings the counters in the records up to date.
  void update_counters();
  /// supervisord cannot be read any more; it could until `at`.
  void stop_watching(base::SystemTime at);
  [[nodiscard]] const ProcessList& processes();
  [[nodiscard]] std::vector<RemovedProcess> removed();

 private:
  struct Derived {
    ProcessCounters counters;
    LastExit last_exit;
  };
  [[nodiscard]] Derived derive(ProcessHistory& history) const;
  /// Those of the listing, which it takes.
  void replace_records(PollResult& poll);
  void fill_in(ProcessSnapshot& process);
  [[nodiscard]] base::SystemTime wall_clock(base::SteadyTime at) const {
    return base::SystemTime((at + clock_offset_).time_since_epoch());
  }
  [[nodiscard]] ProcessList::Record* record_of(const substrate::InstanceName& name);
  template <class Change>
  void change(ProcessList::Record& record, Change&& apply);

  CounterMerge counters_;
  base::Duration clock_offset_{0};
  std::vector<ProcessList::Record> records_;  ///< sorted by name
  ProcessList list_;                          ///< of records_, unless list_outdated_
  bool list_outdated_ = false;
  std::map<substrate::InstanceName, base::SteadyTime> changed_by_event_;
};

/// True if some process still runs in the incarnation that was known before: a proof that its
/// supervisord did not restart, since that ends them all.
[[nodiscard]] bool some_run_survived(const ProcessList& before, const substrate::Listing& listing);

}  // namespace reeve::monitor
