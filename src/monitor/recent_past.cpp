#include "monitor/recent_past.h"

#include <algorithm>
#include <cmath>

#include "events/event.h"
#include "monitor/process_history.h"
#include "monitor/snapshot.h"

namespace reeve::monitor {
namespace {

using std::chrono::duration;
using std::chrono::seconds;
using substrate::InstanceState;

std::int64_t slot_of(base::SystemTime time) {
  return std::chrono::floor<seconds>(time.time_since_epoch()).count() /
         UptimeDay::slot_length.count();
}

base::SystemTime begin_of(std::int64_t slot) {
  return base::SystemTime(slot * UptimeDay::slot_length);
}

std::size_t place_of(std::int64_t slot) {
  constexpr auto count = static_cast<std::int64_t>(UptimeDay::slots);
  return static_cast<std::size_t>(((slot % count) + count) % count);
}

/// What the newest transitions that are about the process's present run, and the last end of one,
/// lack. True if the transition before this one may lack something, too.
bool fill_in(PastTransition& transition, const ProcessSnapshot& process) {
  const substrate::InstanceDetail& detail = process.detail;
  if (!transition.ends_run) {
    const bool is_of_present_run = has_process(transition.to) && has_process(detail.state) &&
                                   (!transition.pid() || transition.pid() == detail.pid);
    if (is_of_present_run) {
      transition.set_run(detail.pid, detail.start_time);
    }
    return is_of_present_run;
  }
  const auto known = transition.exit_status();
  if (process.exit_status && (!known || known == process.exit_status)) {
    transition.exit_code = static_cast<std::int16_t>(*process.exit_status);
    transition.signal_number =
        static_cast<std::uint8_t>(process.exit_signal.value_or(transition.signal_number));
    transition.set_expected(transition.expected() ? transition.expected()
                                                  : process.last_exit_expected);
  }
  return false;
}

}  // namespace

std::optional<substrate::Pid> PastTransition::pid() const {
  return pid_number == 0 ? std::nullopt : std::optional(substrate::Pid{pid_number});
}

std::optional<substrate::ManagerTime> PastTransition::start_time() const {
  return start_seconds == 0 ? std::nullopt
                            : std::optional(substrate::ManagerTime(seconds(start_seconds)));
}

std::optional<int> PastTransition::exit_status() const {
  return exit_code == no_exit_status ? std::nullopt : std::optional<int>(exit_code);
}

std::optional<int> PastTransition::exit_signal() const {
  return signal_number == 0 ? std::nullopt : std::optional<int>(signal_number);
}

std::optional<bool> PastTransition::expected() const {
  return expectation == 0 ? std::nullopt : std::optional(expectation == 2);
}

bool PastTransition::is_of_supervisord() const {
  switch (to) {
    case InstanceState::starting:
      return from == InstanceState::exited || from == InstanceState::backoff;
    case InstanceState::running:
      return from == InstanceState::starting;
    case InstanceState::backoff:
    case InstanceState::exited:
    case InstanceState::fatal:
      return true;
    case InstanceState::stopped:
    case InstanceState::stopping:
    case InstanceState::unknown:
      break;
  }
  return false;
}

void PastTransition::set_run(const std::optional<substrate::Pid>& pid,
                             const std::optional<substrate::ManagerTime>& start_time) {
  constexpr std::int64_t max_pid = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t max_start = std::numeric_limits<std::uint32_t>::max();
  if (pid && pid->value > 0 && pid->value <= max_pid) {
    pid_number = static_cast<std::int32_t>(pid->value);
  }
  const std::int64_t start = start_time ? start_time->time_since_epoch().count() : 0;
  if (start > 0 && start <= max_start) {
    start_seconds = static_cast<std::uint32_t>(start);
  }
}

void PastTransition::set_expected(std::optional<bool> expected) {
  expectation = !expected ? 0 : *expected ? 2 : 1;
}

void UptimeDay::begin_slot(std::int64_t slot) {
  if (slot == slot_) {
    return;
  }
  const bool is_next_day = slot_ < slot - static_cast<std::int64_t>(slots);
  if (slot < slot_ || is_next_day) {  // the clock was set back, or there is nothing to keep
    finished_.fill(unwatched);
  } else {
    finished_[place_of(slot_)] = share_of_current();
    for (std::int64_t skipped = slot_ + 1; skipped < slot; ++skipped) {
      finished_[place_of(skipped)] = unwatched;
    }
  }
  slot_ = slot;
  watched_seconds_ = 0;
  up_seconds_ = 0;
}

std::uint8_t UptimeDay::share_of_current() const {
  if (watched_seconds_ <= 0) {
    return unwatched;
  }
  const float share = std::clamp(up_seconds_ / watched_seconds_, 0.0F, 1.0F);
  return static_cast<std::uint8_t>(std::lround(share * all_of_it));
}

void UptimeDay::add(base::SystemTime from, base::SystemTime to, bool up) {
  from = std::max<base::SystemTime>(from, to - std::chrono::hours(24));
  while (from < to) {
    const std::int64_t slot = slot_of(from);
    const base::SystemTime end = std::min(to, begin_of(slot + 1));
    begin_slot(slot);
    const float span = duration<float>(end - from).count();
    watched_seconds_ += span;
    up_seconds_ += up ? span : 0;
    from = end;
  }
}

UptimeDay::Shares UptimeDay::shares(base::SystemTime now) const {
  UptimeDay day = *this;
  day.begin_slot(slot_of(now));
  const std::int64_t first = day.slot_ - static_cast<std::int64_t>(slots) + 1;
  Shares shares{.begin = begin_of(first), .up = {}};
  for (std::size_t at = 0; at < slots; ++at) {
    const std::int64_t slot = first + static_cast<std::int64_t>(at);
    const std::uint8_t share =
        slot == day.slot_ ? day.share_of_current() : day.finished_[place_of(slot)];
    if (share != unwatched) {
      shares.up.at(at) = static_cast<double>(share) / all_of_it;
    }
  }
  return shares;
}

void RecentPast::add(const PastTransition& transition) {
  watch(transition.from, transition.at);
  ++count;
  if (transitions.size() >= max_transitions) {
    transitions.erase(transitions.begin());
  }
  transitions.push_back(transition);
}

void RecentPast::watch(InstanceState state, base::SystemTime now) {
  if (watched_until) {
    day.add(*watched_until, now, state == InstanceState::running);
  }
  watched_until = now;
}

UptimeDay::Shares RecentPast::day_until(base::SystemTime now, InstanceState state) const {
  UptimeDay until_now = day;
  if (watched_until) {
    until_now.add(*watched_until, now, state == InstanceState::running);
  }
  return until_now.shares(now);
}

bool RecentPast::lacks(const ProcessSnapshot& process) const {
  for (auto each = transitions.rbegin(); each != transitions.rend(); ++each) {
    PastTransition filled = *each;
    const bool goes_on = fill_in(filled, process);
    if (filled != *each || !goes_on) {
      return filled != *each;
    }
  }
  return false;
}

void RecentPast::complete(const ProcessSnapshot& process) {
  for (auto each = transitions.rbegin(); each != transitions.rend(); ++each) {
    if (!fill_in(*each, process)) {
      return;
    }
  }
}

std::optional<PastTransition> transition_between(const substrate::InstanceDetail& before,
                                                 const substrate::InstanceDetail& after,
                                                 base::SystemTime at) {
  const bool other_pid = before.pid && after.pid && before.pid != after.pid;
  const bool other_start = !before.pid && !after.pid && before.start_time && after.start_time &&
                           before.start_time != after.start_time;
  if (before.state == after.state && !other_pid && !other_start) {
    return std::nullopt;
  }
  PastTransition transition;
  transition.at = at;
  transition.from = before.state;
  transition.to = after.state;
  const bool had_process = has_process(before.state);
  const bool ended = !has_process(after.state);
  const bool came_and_went = ended && after.state != InstanceState::stopped;
  transition.ends_run = came_and_went || (had_process && (ended || other_pid));
  const bool is_of_run_before = ended && had_process;
  transition.set_run(is_of_run_before ? before.pid : after.pid,
                     is_of_run_before ? before.start_time : after.start_time);
  transition.set_expected(after.exit_expected());
  return transition;
}

void extend_past(ProcessSnapshot& process, const ProcessSnapshot* before, base::SystemTime at,
                 bool polls_tell) {
  process.past = before != nullptr ? before->past : nullptr;
  const auto seen = before != nullptr && polls_tell
                        ? transition_between(before->detail, process.detail, at)
                        : std::nullopt;
  if (process.past && process.past->watched_until && !seen) {
    return;
  }
  auto past =
      process.past ? std::make_shared<RecentPast>(*process.past) : std::make_shared<RecentPast>();
  if (seen) {
    past->add(*seen);
  }
  past->watched_until = at;
  process.past = std::move(past);
}

void add_transition(ProcessSnapshot& process, const events::StateChange& event,
                    base::SystemTime at) {
  if (!process.past) {
    return;
  }
  const substrate::InstanceDetail& detail = process.detail;
  PastTransition transition;
  transition.at = at;
  transition.from = event.from;
  transition.to = event.to;
  transition.ends_run = has_process(event.from) && !has_process(event.to);
  const auto pid = event.pid ? event.pid : transition.ends_run ? detail.pid : std::nullopt;
  transition.set_run(pid, pid && pid == detail.pid ? detail.start_time : std::nullopt);
  transition.set_expected(event.expected);
  auto past = std::make_shared<RecentPast>(*process.past);
  past->add(transition);
  process.past = std::move(past);
}

void interrupt_past(ProcessSnapshot& process, base::SystemTime at) {
  auto past = std::make_shared<RecentPast>(*process.past);
  past->watch(process.detail.state, at);
  past->watched_until.reset();
  process.past = std::move(past);
}

void complete_past(ProcessSnapshot& process) {
  if (process.past && process.past->lacks(process)) {
    auto past = std::make_shared<RecentPast>(*process.past);
    past->complete(process);
    process.past = std::move(past);
  }
}

}  // namespace reeve::monitor
