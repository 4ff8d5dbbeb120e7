#pragma once

// What the poll thread of one supervisord does next, and when. supervisord is left alone after
// each poll for at least as long as it was busy with it. HeartbeatScheduler says when the heartbeat
// thread sends a request of its own. Both are pure, each owned by its thread.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>

#include "monitor/options.h"
#include "reeve/base/clock.h"

namespace reeve::monitor {

/// Shortens waits by up to five per cent, and never lengthens them, so that members drift apart
/// and a promised interval holds. Deterministic for each seed.
class JitteredInterval {
 public:
  explicit JitteredInterval(std::minstd_rand::result_type seed) : generator_(seed) {}

  /// The same for each interval until next().
  [[nodiscard]] base::Duration shorten(base::Duration interval) const {
    return interval - interval / 1000 * thousandths_;
  }
  void next() { thousandths_ = static_cast<int>(generator_() % 51); }

 private:
  std::minstd_rand generator_;
  int thousandths_ = 0;
};

/// What SupervisorState needs from supervisord.
struct PollInputs {
  bool unresponsive = false;    ///< it does not answer: polls are due and are skipped
  bool poll_soon = false;       ///< a listing
  bool anchor_soon = false;     ///< a survey
  bool anchor = false;          ///< a survey in place of the next poll
  bool follow_log = false;      ///< its log is read between polls
  bool log_soon = false;        ///< and has new lines
  std::size_t changed = 0;      ///< processes that events have changed since they were read
  bool events_suffice = false;  ///< the event stream is complete: polls may be rare
  friend bool operator==(const PollInputs&, const PollInputs&) = default;
};

enum class PollTask { poll, survey, read_log, read_changed };

struct ScheduledTask {
  PollTask task = PollTask::poll;
  base::SteadyTime at;
};

/// What a heartbeat need not ask, since the answer to a poll has the pid, too.
struct PollProgress {
  std::optional<base::SteadyTime> began;                   ///< of the poll under way
  base::SteadyTime answered_at = base::SteadyTime::min();  ///< the last that succeeded
};

/// When heartbeats are due: where polls are rarer than periods, a period and a fifth after the last
/// answered poll and then once in a period; and once a poll takes so long that a supervisord which
/// does not answer at all would be noticed late. Also counts the periods, at whose ends resources
/// are measured.
class HeartbeatScheduler {
 public:
  HeartbeatScheduler(base::SteadyTime now, JitteredInterval jitter)
      : jitter_(jitter), period_began_(now), sent_at_(now) {}

  [[nodiscard]] base::SteadyTime next_heartbeat(const PollProgress& poll,
                                                base::Duration period) const {
    if (poll.began && *poll.began >= sent_at_) {
      return *poll.began + std::min(period, slow_poll);
    }
    const base::SteadyTime after_sent = sent_at_ + jitter_.shorten(period);
    return poll.began || poll.answered_at < sent_at_
               ? after_sent
               : std::max(after_sent, poll.answered_at + period + period / 5);
  }
  [[nodiscard]] base::SteadyTime period_end(base::Duration period) const {
    return period_began_ + jitter_.shorten(period);
  }

  void sent(base::SteadyTime at) { sent_at_ = at; }
  void begin_period(base::SteadyTime at) {
    period_began_ = at;
    jitter_.next();
  }

 private:
  static constexpr base::Duration slow_poll = std::chrono::seconds(1);

  JitteredInterval jitter_;
  base::SteadyTime period_began_;
  base::SteadyTime sent_at_;
};

class PollScheduler {
 public:
  PollScheduler(base::SteadyTime first_poll, JitteredInterval jitter)
      : jitter_(jitter), earliest_poll_(first_poll) {
    jitter_.next();
  }

  [[nodiscard]] ScheduledTask next(const PollInputs& inputs, const PollOptions& options) const {
    const base::SteadyTime poll = next_poll(inputs, options);
    ScheduledTask scheduled{PollTask::poll, poll};
    if (inputs.unresponsive || !polled_at_) {
      return scheduled;
    }
    const base::SteadyTime survey =
        surveyed_at_ ? std::max(earliest_poll_, *surveyed_at_ + between_surveys) : earliest_poll_;
    if ((inputs.anchor_soon || inputs.anchor) && survey <= poll) {
      scheduled = {PollTask::survey, inputs.anchor_soon ? survey : poll};
    }
    const base::Duration log_pause =
        inputs.log_soon ? between_log_reads : std::min(max_between_log_reads, options.interval);
    if (inputs.follow_log && log_read_at_ + log_pause < scheduled.at) {
      scheduled = {PollTask::read_log, log_read_at_ + log_pause};
    }
    const base::SteadyTime read_changed = changed_read_at_ + between_changed_reads;
    if (inputs.changed > 0 && inputs.changed <= max_changed && read_changed < scheduled.at) {
      scheduled = {PollTask::read_changed, read_changed};
    }
    return scheduled;
  }

  /// It ran from `began` to `ended`; no poll follows before `ended + pause`.
  void finished(PollTask task, base::SteadyTime began, base::SteadyTime ended,
                base::Duration pause) {
    if (task == PollTask::poll || task == PollTask::survey) {
      polled_at_ = began;
      earliest_poll_ = ended + pause;
      jitter_.next();
    }
    if (task == PollTask::survey) {
      surveyed_at_ = began;
    }
    if (task != PollTask::read_changed) {
      log_read_at_ = ended;
    }
    if (task != PollTask::read_log) {
      changed_read_at_ = ended;
    }
  }

 private:
  static constexpr base::Duration between_surveys = std::chrono::seconds(2);
  static constexpr base::Duration between_changed_reads = std::chrono::seconds(1);
  static constexpr base::Duration between_log_reads = std::chrono::seconds(1);  ///< with new lines
  static constexpr base::Duration max_between_log_reads = std::chrono::seconds(5);
  /// Reading more processes one by one costs more than a poll.
  static constexpr std::size_t max_changed = 50;

  [[nodiscard]] base::SteadyTime next_poll(const PollInputs& inputs,
                                           const PollOptions& options) const {
    if (!polled_at_ || inputs.poll_soon) {
      return earliest_poll_;
    }
    const base::Duration interval =
        inputs.events_suffice ? options.interval_with_events : options.interval;
    const base::SteadyTime after_changes = inputs.changed > max_changed
                                               ? changed_read_at_ + between_changed_reads
                                               : base::SteadyTime::max();
    return std::max(earliest_poll_,
                    std::min(after_changes, *polled_at_ + jitter_.shorten(interval)));
  }

  JitteredInterval jitter_;
  base::SteadyTime earliest_poll_;
  std::optional<base::SteadyTime> polled_at_;
  std::optional<base::SteadyTime> surveyed_at_;
  base::SteadyTime log_read_at_;
  base::SteadyTime changed_read_at_;
};

}  // namespace reeve::monitor
