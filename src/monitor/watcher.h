#pragma once

// Decides what is known of one supervisord: fed with the results of heartbeats, polls, surveys and
// looks, with events and lines of its log, and with times, it says whether it is up, whether it
// restarted, what to publish, what to log and what to do next. A state machine without threads,
// locks or I/O; Watch drives it.
//
//   unseen ──connect──▶ answering ──poll──▶ up ──a poll fails──▶ answering, not up
//      └───── a heartbeat fails, the connection is refused, it shuts down ─────▶ silent
//   silent: only heartbeats are sent; the first that succeeds makes it answering again.

#include <optional>

#include "base/log.h"
#include "monitor/agenda.h"
#include "monitor/event_router.h"
#include "monitor/snapshot.h"
#include "monitor/tracker.h"
#include "reeve/base/result.h"

namespace reeve::monitor {

/// When something was learned, by both clocks.
struct Moment {
  base::SteadyTime steady;
  base::SystemTime system;
};

/// What is to be done after something was learned.
struct Step {
  bool publish = false;
  bool wake = false;     ///< the poll thread: what it has to do may have changed
  bool abandon = false;  ///< the poll under way: it does not answer
  std::optional<base::LogRecord> log = std::nullopt;
};

/// What became of reading the log.
struct LogReading {
  events::LogTail::Step step;
  bool following = false;  ///< what is written from now on will be read
  bool trusted = false;
};

class Watcher {
 public:
  /// `url` is redacted.
  Watcher(std::string name, std::string url);
  /// There is to be a stream of its events: until it speaks it is down.
  void expect_events();

  /// The answer to a connect, whoever asked. A cancelled call teaches nothing.
  [[nodiscard]] Step heartbeat(const base::Result<substrate::Pid>& answer, const Moment& now);
  /// A full poll that took `took`.
  [[nodiscard]] Step polled(base::Result<Poll> answer, base::Duration took, const Moment& now);
  /// A poll was due and was not sent, or was abandoned, since it does not answer.
  [[nodiscard]] Step poll_skipped();
  [[nodiscard]] Step described(substrate::ManagerDescription description);
  [[nodiscard]] Step hear(const Delivery& delivery, const Moment& now);
  [[nodiscard]] Step log_read(const LogReading& reading);
  /// The log has been read to its end since the last poll.
  [[nodiscard]] Step log_compared();
  /// It cannot be read: it is not followed until it can.
  [[nodiscard]] Step log_refused();
  [[nodiscard]] Step looked(const substrate::InstanceName& name,
                            const base::Result<substrate::InstanceDetail>& answer,
                            base::SteadyTime asked);
  /// A survey is about to be sent: the number of its anchor.
  [[nodiscard]] std::uint64_t begin_survey();
  /// It cannot do such a thing: polls alone then.
  void survey_not_implemented();
  /// A poll is wanted soon.
  void want_poll() { poll_soon_ = true; }
  void poll_begins() { poll_soon_ = false; }
  /// How old the names may be by which the next poll asks for the processes: only as long as
  /// nothing hints at others, and longer if such a hint would be heard.
  [[nodiscard]] base::Duration names_age(base::SteadyTime now) const;

  /// It does not answer: nothing but heartbeats is to be sent.
  [[nodiscard]] bool silent() const { return tried_ && !answering_; }
  /// True once it has been tried, with any result.
  [[nodiscard]] bool tried() const { return tried_; }
  [[nodiscard]] bool wants_description() const { return seen_.up && !described_; }
  [[nodiscard]] Needs needs(base::SteadyTime now) const;
  [[nodiscard]] std::vector<substrate::InstanceName> touched() const;
  [[nodiscard]] const SupervisorSnapshot& seen() const { return seen_; }

 private:
  [[nodiscard]] Step lose(const base::Error& error, const Moment& now);
  [[nodiscard]] Step confirm(Poll poll, base::Duration took, const Moment& now);
  void note_restart();
  void observe(base::Duration took);
  [[nodiscard]] std::optional<base::LogRecord> say_up(const Moment& now);
  void hear(const events::Event& event, const Moment& now);
  void lose_events(const events::Gap& gap);
  void take(const Wants& wants);
  void count_gap(CounterSource source);
  [[nodiscard]] bool stream_lives(base::SteadyTime now) const;
  [[nodiscard]] bool mark_is_overdue(base::SteadyTime now) const;
  /// What time alone changes: whether the stream lives, and what feeds the counters. True if so.
  bool reconsider(base::SteadyTime now);
  void choose_source();
  void recount();
  void show();

  SupervisorSnapshot seen_;
  Tracker tracker_;
  bool answering_ = false;
  bool tried_ = false;
  bool described_ = false;
  PollFailure last_failure_ = PollFailure::unreachable;
  /// It was refused or shutting down since the last poll: perhaps another daemon answers now.
  bool perhaps_restarted_ = false;
  bool going_down_ = false;                  ///< it said so, and not yet that it runs again
  bool restarted_ = false;                   ///< since the last poll, for sure
  bool greeted_ = false;                     ///< that it answers has been logged
  std::optional<base::SteadyTime> lost_at_;  ///< that it does not has been logged

  bool poll_soon_ = false;
  bool anchor_soon_ = false;
  bool log_soon_ = false;
  bool stream_waits_ = false;  ///< a stream speaks that may be ours: the next survey tells
  bool surveys_ = true;        ///< it can be surveyed
  bool log_followed_ = false;
  bool log_trusted_ = true;
  std::uint64_t anchors_ = 0;
  base::SteadyTime surveyed_at_{};
  std::optional<base::SteadyTime> heard_at_;  ///< the last event
};

}  // namespace reeve::monitor
