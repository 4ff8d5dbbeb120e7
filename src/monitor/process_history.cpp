#include "monitor/process_history.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace reeve::monitor {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceState;

/// Whether `now` belongs to a later spawn than `before`. Two spawns can share a second, so that a
/// new pid counts too; a failed spawn has a start time and no pid. supervisord moves the start time
/// of a run back when its clock is set back.
bool is_new_run(const PreviousState& before, const InstanceDetail& now, bool same_daemon) {
  const bool entered_starting =
      now.state == InstanceState::starting && before.state != InstanceState::starting;
  const bool new_pid = now.pid && now.pid != before.pid;
  const bool moved_back = same_daemon && now.pid && now.pid == before.pid && now.start_time &&
                          before.start_time && *now.start_time < *before.start_time;
  const bool new_start = now.start_time && now.start_time != before.start_time && !moved_back;
  return new_start || new_pid || entered_starting;
}

/// It has never run: the name belonged to another process before, or the daemon is another.
bool is_new_process(const InstanceDetail& now) {
  return now.state == InstanceState::stopped && !now.start_time;
}

/// supervisord starts no process in these states by itself: the start was requested.
bool starts_only_on_request(InstanceState state) {
  return state == InstanceState::stopped || state == InstanceState::stopping ||
         state == InstanceState::fatal;
}

void count_start(TransitionCounts& counts, InstanceState state) {
  ++counts[entries_at(InstanceState::starting)];
  if (state != InstanceState::starting) {
    ++counts.at(entries_at(state));
  }
}

/// How the most recent finished run ended: from this record, or as known before if no other run
/// has ended since.
LastExit exit_after(const LastExit& known, const std::optional<PreviousState>& before,
                    const InstanceDetail& now) {
  if (now.exit_status) {
    return {.exit_status = now.exit_status, .exit_signal = {}, .expected = now.exit_expected()};
  }
  // In BACKOFF and FATAL the run that started last may be the one that ended last.
  const bool may_have_ended = !now.pid && now.start_time <= now.stop_time;
  const bool same_end = before && now.stop_time && now.stop_time == before->stop_time;
  return same_end && !may_have_ended ? known : LastExit{};
}

}  // namespace

Transition transition_of(const events::StateChange& change) {
  return {.from = change.from, .to = change.to, .expected = change.expected.value_or(true)};
}

void count(TransitionCounts& counts, const Transition& transition) {
  const InstanceState from = transition.from;
  const InstanceState to = transition.to;
  ++counts.at(entries_at(to));
  const bool again = from == InstanceState::exited || from == InstanceState::backoff;
  const bool failed =
      to == InstanceState::backoff || (to == InstanceState::exited && !transition.expected);
  const bool stopped = to == InstanceState::stopped && from == InstanceState::stopping;
  counts[restarts_at] += to == InstanceState::starting && again ? 1U : 0U;
  counts[unexpected_exits_at] += failed ? 1U : 0U;
  counts[ends_at] += failed || stopped || to == InstanceState::exited ? 1U : 0U;
}

TransitionCounts operator+(const TransitionCounts& a, const TransitionCounts& b) {
  TransitionCounts sum{};
  std::transform(a.begin(), a.end(), b.begin(), sum.begin(), std::plus<>());
  return sum;
}

TransitionCounts max_of(const TransitionCounts& a, const TransitionCounts& b) {
  TransitionCounts larger{};
  std::transform(a.begin(), a.end(), b.begin(), larger.begin(),
                 [](std::uint32_t x, std::uint32_t y) { return std::max(x, y); });
  return larger;
}

ProcessCounters to_counters(const TransitionCounts& counts, bool exits_known) {
  ProcessCounters counters;
  counters.starts = counts[entries_at(InstanceState::starting)];
  counters.restarts = counts[restarts_at];
  if (exits_known) {
    counters.unexpected_exits = counts[unexpected_exits_at];
  }
  std::copy_n(counts.begin(), counters.transitions.size(), counters.transitions.begin());
  return counters;
}

LastExit exit_of(const events::RunEnd& end, std::optional<bool> expected) {
  return {.exit_status = end.signal ? std::optional(-1) : end.exit_status,
          .exit_signal = end.signal,
          .expected = expected};
}

bool has_process(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::running ||
         state == InstanceState::stopping;
}

void LogStateMachine::anchor_at(InstanceState state, TransitionCounts& counts) {
  const bool unlogged = state == InstanceState::stopping || state == InstanceState::unknown ||
                        (state == InstanceState::stopped && state_ == InstanceState::backoff);
  if (unlogged && state_ != state && state_ != InstanceState::unknown) {
    enter(state, counts);
  }
  state_ = state;
  transition_missed_ = false;
}

void LogStateMachine::set_earlier_exit(const LastExit& exit) {
  if (!last_exit_) {
    last_exit_ = exit;
  }
}

void LogStateMachine::daemon_restarted() {
  if (has_process(state_)) {
    last_exit_.reset();  // the log has no line about that exit
  }
  state_ = InstanceState::stopped;
  transition_missed_ = false;
}

void LogStateMachine::lines_lost() {
  state_ = InstanceState::unknown;
  last_exit_.reset();
}

void LogStateMachine::enter(InstanceState to, TransitionCounts& counts, bool expected) {
  count(counts, {.from = transition_missed_ ? InstanceState::unknown : state_,
                 .to = to,
                 .expected = expected});
  state_ = to;
}

void LogStateMachine::apply(const events::Spawned& /*line*/, TransitionCounts& counts) {
  enter(InstanceState::starting, counts);
}

void LogStateMachine::apply(const events::EnteredRunning& line, TransitionCounts& counts) {
  starts_at_once_ = line.runs_at_once;
  enter(InstanceState::running, counts);
}

void LogStateMachine::apply(const events::Exited& line, TransitionCounts& counts) {
  last_exit_ = exit_of(line.end, line.expected);
  const bool ran = state_ == InstanceState::running || line.expected || starts_at_once_;
  if (ran && state_ != InstanceState::running && state_ != InstanceState::unknown) {
    enter(InstanceState::running, counts);
  }
  if (ran) {
    enter(InstanceState::exited, counts, line.expected);
  } else if (state_ != InstanceState::unknown) {
    enter(InstanceState::backoff, counts);
  } else {
    ++counts[unexpected_exits_at];
    ++counts[ends_at];
  }
}

void LogStateMachine::apply(const events::Stopped& line, TransitionCounts& counts) {
  last_exit_ = exit_of(line.end, std::nullopt);
  if (state_ != InstanceState::stopping && state_ != InstanceState::unknown) {
    enter(InstanceState::stopping, counts);
  }
  count(counts, {.from = InstanceState::stopping, .to = InstanceState::stopped});
  state_ = InstanceState::stopped;
}

void LogStateMachine::apply(const events::GaveUp& /*line*/, TransitionCounts& counts) {
  enter(InstanceState::fatal, counts);
}

void LogStateMachine::apply(const events::SpawnError& /*line*/, TransitionCounts& counts) {
  enter(InstanceState::starting, counts);
  enter(InstanceState::backoff, counts);
}

TransitionCounts SourceCounts::best(const CompleteSources& complete) const {
  if (complete.events) {
    return events;
  }
  const TransitionCounts told = max_of(events, log);
  return complete.log ? told : max_of(told, polls);
}

SourceCounts operator+(const SourceCounts& a, const SourceCounts& b) {
  return {.events = a.events + b.events, .log = a.log + b.log, .polls = a.polls + b.polls};
}

void ProcessHistory::daemon_restarted() {
  log.daemon_restarted();
  spawned_pid.reset();
  polled_exit = {};
}

SourceCounts& ProcessHistory::closing_counts() {
  if (!closing) {
    closing = std::make_unique<SourceCounts>();
  }
  return *closing;
}

void ProcessHistory::apply_poll(const InstanceDetail& detail, bool same_daemon) {
  polled_exit = exit_after(polled_exit, previous, detail);
  if (previous) {
    if (is_new_run(*previous, detail, same_daemon)) {
      count_start(current.polls, detail.state);
      current.polls[restarts_at] +=
          same_daemon && !starts_only_on_request(previous->state) ? 1U : 0U;
    } else if (detail.state != previous->state && !is_new_process(detail)) {
      ++current.polls.at(entries_at(detail.state));
    }
  } else if (removed_at && detail.start_time) {
    count_start(current.polls, detail.state);
  }
  previous = PreviousState{.state = detail.state,
                           .pid = detail.pid,
                           .start_time = detail.start_time,
                           .stop_time = detail.stop_time};
}

void ProcessHistory::close(const CompleteSources& complete) {
  if (closing) {
    base = base + closing->best(complete);
    closing.reset();
  }
}

void ProcessHistory::close_backlog() {
  if (backlog) {
    base = max_of(base, *backlog);
    backlog.reset();
  }
}

void ProcessHistory::reopen() {
  if (closing) {
    current = *closing + current;
    closing.reset();
  }
}

const TransitionCounts& ProcessHistory::update_published(const CompleteSources& complete) {
  const TransitionCounts value = base + (closing ? *closing + current : current).best(complete);
  published = max_of(published, value);
  return published;
}

void ProcessHistory::apply_run_end(const events::StateChange& change) {
  polled_exit = {};
  event_exit_expected = change.to == InstanceState::exited ? change.expected : std::nullopt;
}

LastExit ProcessHistory::last_exit(const CompleteSources& complete) const {
  const SourceCounts counts = closing ? *closing + current : current;
  if (complete.log && counts.log[ends_at] >= counts.events[ends_at]) {
    return log.last_exit() ? *log.last_exit() : polled_exit;
  }
  LastExit exit = polled_exit;
  if (!exit.exit_status && complete.events) {
    exit.expected = event_exit_expected;
  }
  return exit;
}

}  // namespace reeve::monitor
