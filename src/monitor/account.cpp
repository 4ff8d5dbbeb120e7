#include "monitor/account.h"

#include <algorithm>
#include <utility>

namespace reeve::monitor {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceState;

/// Whether `now` belongs to a later spawn than `before`. Two spawns can share a second, so
/// that a pid that was not there counts too; a failed spawn has a start time and no pid.
bool is_new_run(const Look& before, const InstanceDetail& now) {
  const bool entered_starting =
      now.state == InstanceState::starting && before.state != InstanceState::starting;
  const bool new_pid = now.pid && now.pid != before.pid;
  const bool new_start = now.start_time && now.start_time != before.start_time;
  return new_start || new_pid || entered_starting;
}

/// It never ran: another one had the name before, or the daemon is another.
bool is_new_process(const InstanceDetail& now) {
  return now.state == InstanceState::stopped && !now.start_time;
}

/// From these states supervisord starts nothing by itself: somebody asked for it.
bool needs_somebody_to_start(InstanceState state) {
  return state == InstanceState::stopped || state == InstanceState::stopping ||
         state == InstanceState::fatal;
}

void count_start(Tally& tally, InstanceState state) {
  ++tally[entries_at(InstanceState::starting)];
  if (state != InstanceState::starting) {
    ++tally.at(entries_at(state));
  }
}

/// The end of the most recent finished run: from this record, or the one known before if no other
/// run has ended since.
Finish finish_after(const Finish& known, const std::optional<Look>& before,
                    const InstanceDetail& now) {
  if (now.exit_status) {
    return {
        now.exit_status, std::nullopt,
        now.state == InstanceState::exited ? std::optional(now.spawn_error.empty()) : std::nullopt};
  }
  // In BACKOFF and FATAL the run that started last may be the one that ended last.
  const bool ended_untold = !now.pid && now.start_time <= now.stop_time;
  const bool same_end = before && now.stop_time && now.stop_time == before->stop_time;
  return same_end && !ended_untold ? known : Finish{};
}

}  // namespace

Tally Epoch::value(const Completeness& complete) const {
  if (complete.events) {
    return events;
  }
  const Tally told = at_least(events, log);
  return complete.log ? told : at_least(told, polls);
}

Epoch operator+(const Epoch& a, const Epoch& b) {
  return {a.events + b.events, a.log + b.log, a.polls + b.polls};
}

void Account::begin_anew() {
  chain.begin_anew();
  spawned_pid.reset();
  finish = {};
}

Epoch& Account::closing() {
  if (!ending) {
    ending = std::make_unique<Epoch>();
  }
  return *ending;
}

void Account::compare(const InstanceDetail& detail, bool same_daemon) {
  finish = finish_after(finish, look, detail);
  if (look) {
    if (is_new_run(*look, detail)) {
      count_start(now.polls, detail.state);
      now.polls[restarts_at] += same_daemon && !needs_somebody_to_start(look->state) ? 1U : 0U;
    } else if (detail.state != look->state && !is_new_process(detail)) {
      ++now.polls.at(entries_at(detail.state));
    }
  } else if (removed_at && detail.start_time) {
    count_start(now.polls, detail.state);
  }
  look = Look{detail.state, detail.pid, detail.start_time, detail.stop_time};
}

void Account::settle(const Completeness& complete) {
  if (ending) {
    base = base + ending->value(complete);
    ending.reset();
  }
}

void Account::reopen() {
  if (ending) {
    now = *ending + now;
    ending.reset();
  }
}

const Tally& Account::show(const Completeness& complete) {
  const Tally value = base + (ending ? *ending + now : now).value(complete);
  shown = at_least(shown, value);
  return shown;
}

void Account::note_end(const events::StateChange& change) {
  finish = {};
  exit_expected = change.to == InstanceState::exited ? change.expected : std::nullopt;
}

Finish Account::last_finish(const Completeness& complete) const {
  const Epoch whole = ending ? *ending + now : now;
  if (complete.log && whole.log[ends_at] >= whole.events[ends_at]) {
    return chain.finish() ? *chain.finish() : finish;
  }
  Finish seen = finish;
  if (!seen.exit_status && complete.events) {
    seen.expected = exit_expected;
  }
  return seen;
}

}  // namespace reeve::monitor
