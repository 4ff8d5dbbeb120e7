#include "monitor/watcher.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace reeve::monitor {
namespace {

using base::Error;
using base::ErrorKind;

PollFailure failure_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::timeout:
      return PollFailure::timeout;
    case ErrorKind::denied:
      return PollFailure::denied;
    case ErrorKind::malformed:
      return PollFailure::malformed;
    case ErrorKind::shutting_down:
      return PollFailure::shutting_down;
    case ErrorKind::unreachable:
    case ErrorKind::socket_missing:
    case ErrorKind::cancelled:
    case ErrorKind::internal:
      return PollFailure::unreachable;
    case ErrorKind::fault:
    case ErrorKind::not_found:
    case ErrorKind::no_file:
    case ErrorKind::conflict:
    case ErrorKind::stale:
    case ErrorKind::invalid_argument:
    case ErrorKind::spawn_failed:
    case ErrorKind::not_implemented:
      return PollFailure::fault;
  }
  return PollFailure::fault;
}

/// What a daemon that goes down looks like, in this order: shutting down, refused. A mere
/// timeout is no sign of it.
bool may_be_going_down(PollFailure failure) {
  return failure == PollFailure::unreachable || failure == PollFailure::shutting_down;
}

}  // namespace

Watcher::Watcher(std::string name, std::string url) {
  seen_.name = std::move(name);
  seen_.url = std::move(url);
}

Step Watcher::heartbeat(const base::Result<substrate::Pid>& answer, const Moment& now) {
  if (!answer) {
    return answer.error().kind == ErrorKind::cancelled ? Step{} : lose(answer.error(), now);
  }
  const bool another = seen_.pid && seen_.pid != *answer;
  if (another && !restarted_) {
    note_restart();
  }
  Step step;
  step.publish = seen_.pid != *answer || seen_.shutting_down;
  step.publish = reconsider(now.steady) || step.publish;
  step.wake = another || !answering_;
  poll_soon_ = poll_soon_ || step.wake;
  answering_ = true;
  seen_.pid = *answer;
  seen_.shutting_down = false;
  return step;
}

Step Watcher::polled(base::Result<Poll> answer, base::Duration took, const Moment& now) {
  if (answer) {
    return confirm(std::move(*answer), took, now);
  }
  if (answer.error().kind == ErrorKind::cancelled) {
    return {};
  }
  tracker_.counting().drop_anchor();
  const bool was_answering = answering_;
  Step step = lose(answer.error(), now);
  // It refused this poll or was too slow for it, but may well answer: the heartbeat knows.
  answering_ = was_answering && !may_be_going_down(last_failure_);
  ++seen_.polls.failures.at(static_cast<std::size_t>(last_failure_));
  step.publish = true;
  return step;
}

Step Watcher::poll_skipped() {
  tracker_.counting().drop_anchor();
  ++seen_.polls.failures.at(static_cast<std::size_t>(last_failure_));
  return {true, false, false, std::nullopt};
}

Step Watcher::described(substrate::ManagerDescription description) {
  seen_.description = std::move(description);
  described_ = true;
  return {true, false, false, std::nullopt};
}

Step Watcher::lose(const Error& error, const Moment& now) {
  last_failure_ = failure_of(error.kind);
  perhaps_restarted_ = perhaps_restarted_ || (seen_.pid && may_be_going_down(last_failure_));
  const bool shutting_down = last_failure_ == PollFailure::shutting_down;
  const bool news = seen_.up || !tried_ || seen_.shutting_down != shutting_down ||
                    seen_.last_error != error.message;
  Step step{news, false, answering_, std::nullopt};
  if (seen_.up) {
    count_gap(CounterSource::polls);
  }
  answering_ = false;
  tried_ = true;
  seen_.up = false;
  seen_.shutting_down = shutting_down;
  seen_.last_error = error.message;
  if (!lost_at_) {
    lost_at_ = now.steady;
    step.log = base::LogRecord{
        base::LogLevel::warning,
        "supervisord cannot be read",
        {{"url", seen_.url},
         {"reason", std::string(base::to_string(error.kind))},
         {"error", error.message}},
    };
  }
  return step;
}

Step Watcher::confirm(Poll poll, base::Duration took, const Moment& now) {
  if (std::exchange(perhaps_restarted_, false) && !restarted_ &&
      !some_run_survived(seen_.processes, poll.listing)) {
    note_restart();
  }
  poll.same_daemon = !restarted_;
  std::size_t rejected = 0;
  surveyed_at_ = poll.survey ? now.steady : surveyed_at_;
  take(tracker_.list(std::move(poll), rejected));
  seen_.polls.rejected_records += rejected;
  observe(took);
  seen_.snapshot_at = now.system;
  seen_.up = true;
  seen_.shutting_down = false;
  seen_.last_error.clear();
  answering_ = true;
  tried_ = true;
  reconsider(now.steady);
  show();
  return {true, false, false, say_up(now)};
}

void Watcher::note_restart() {
  ++seen_.restarts;
  restarted_ = true;
  perhaps_restarted_ = false;
  going_down_ = false;
  described_ = false;
  tracker_.counting().another_daemon();
}

void Watcher::observe(base::Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto* const bound =
      std::lower_bound(poll_duration_bounds.begin(), poll_duration_bounds.end(), seconds);
  ++seen_.polls.durations.at(static_cast<std::size_t>(bound - poll_duration_bounds.begin()));
  seen_.polls.duration_sum_seconds += seconds;
}

std::optional<base::LogRecord> Watcher::say_up(const Moment& now) {
  const bool restarted = std::exchange(restarted_, false);
  const auto lost_at = std::exchange(lost_at_, std::nullopt);
  if (std::exchange(greeted_, true) && !lost_at && !restarted) {
    return std::nullopt;
  }
  base::LogRecord record{base::LogLevel::info, "supervisord answers", {{"url", seen_.url}}};
  record.fields.push_back({"processes", std::to_string(seen_.processes.size())});
  if (lost_at) {
    const auto away = std::chrono::floor<std::chrono::milliseconds>(now.steady - *lost_at);
    record.fields.push_back({"unread_for", base::format_duration(away)});
  }
  if (restarted) {
    record.fields.push_back({"restarted", "true"});
  }
  return record;
}

}  // namespace reeve::monitor
