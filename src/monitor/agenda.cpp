#include "monitor/agenda.h"

#include <algorithm>

namespace reeve::monitor {
namespace {

using base::Duration;
using base::SteadyTime;

constexpr Duration between_surveys = std::chrono::seconds(2);
constexpr Duration between_looks = std::chrono::seconds(1);
constexpr Duration between_readings_with_news = std::chrono::seconds(1);
constexpr Duration longest_between_readings = std::chrono::seconds(5);
/// To look at more than so many costs more than a poll.
constexpr std::size_t most_looks = 50;

}  // namespace

Agenda::Agenda(SteadyTime first_poll, Pace pace) : pace_(pace), earliest_(first_poll) {
  pace_.next();
}

SteadyTime Agenda::next_poll(const Needs& needs, const PollOptions& options) const {
  if (!polled_ || needs.poll_soon) {
    return earliest_;
  }
  const Duration interval = needs.heard ? options.interval_with_events : options.interval;
  const SteadyTime crowd = needs.touched > most_looks ? looked_ + between_looks : SteadyTime::max();
  return std::max(earliest_, std::min(crowd, *polled_ + pace_.shorten(interval)));
}

Due Agenda::next(const Needs& needs, const PollOptions& options) const {
  const SteadyTime poll = next_poll(needs, options);
  const SteadyTime survey =
      surveyed_ ? std::max(earliest_, *surveyed_ + between_surveys) : earliest_;
  Due due{Chore::poll, poll};
  if (needs.silent || !polled_) {
    return due;
  }
  if ((needs.anchor_soon || needs.anchor) && survey <= poll) {
    due = {Chore::survey, needs.anchor_soon ? survey : poll};
  }
  if (needs.log) {
    const Duration rest = needs.log_soon ? between_readings_with_news
                                         : std::min(longest_between_readings, options.interval);
    const SteadyTime at = log_read_ + rest;
    due = at < due.at ? Due{Chore::read_log, at} : due;
  }
  if (needs.touched > 0 && needs.touched <= most_looks && looked_ + between_looks < due.at) {
    due = {Chore::look, looked_ + between_looks};
  }
  return due;
}

void Agenda::done(Chore chore, SteadyTime began, SteadyTime now, Duration rest) {
  switch (chore) {
    case Chore::survey:
      surveyed_ = began;
      [[fallthrough]];
    case Chore::poll:
      polled_ = began;
      earliest_ = now + rest;
      looked_ = now;
      log_read_ = now;
      pace_.next();
      break;
    case Chore::read_log:
      log_read_ = now;
      break;
    case Chore::look:
      looked_ = now;
      break;
  }
}

}  // namespace reeve::monitor
