#include "fleet/watch.h"

#include <algorithm>
#include <utility>

#include "fleet/log_files.h"
#include "reeve/base/deadline.h"

namespace reeve::fleet {
namespace {

using base::Deadline;
using base::Duration;
using base::SteadyTime;
using base::Wakeup;

constexpr Duration longest_between_heartbeats = std::chrono::seconds(5);
constexpr Duration between_first_polls = std::chrono::milliseconds(10);

base::Log log_of(const Member& member, const base::Log& log) {
  return member.name.empty() ? log : log.with("supervisor", member.name);
}

}  // namespace

Watch::Watch(Member member, std::size_t index, const PollOptions& options, const base::Clock& clock,
             base::Log log, std::function<void()> publish)
    : member_(std::move(member)),
      index_(index),
      clock_(clock),
      log_(log_of(member_, log)),
      publish_(std::move(publish)),
      options_(options),
      watcher_(Watcher(member_.name, member_.url)),
      meter_(member_.same_host, {.max_open_files = member_.kept_files}, log_) {}

void Watch::run_heartbeats(const std::stop_token& stop) {
  Pace pace(static_cast<std::minstd_rand::result_type>(2 * index_ + 1));
  SteadyTime last = clock_.steady_now();  // the first poll connects by itself
  for (;;) {
    const Duration period = std::min(options_.copy().interval, longest_between_heartbeats);
    const auto reason = wake_heartbeat_.wait_until(last + pace.shorten(period), stop);
    if (reason == Wakeup::Reason::stop) {
      return;
    }
    if (reason == Wakeup::Reason::time) {
      last = clock_.steady_now();
      beat(stop);
      measure();
    }
  }
}

void Watch::run_polls(const std::stop_token& stop) {
  Pace pace(static_cast<std::minstd_rand::result_type>(2 * index_ + 2));
  const Duration interval = options_.copy().interval;
  SteadyTime due =
      clock_.steady_now() + std::min(interval / 20, between_first_polls * static_cast<int>(index_));
  SteadyTime earliest = due;
  while (wake_poll_.wait_until(due, stop) != Wakeup::Reason::stop &&
         clock_.wait_until(earliest, stop)) {
    const SteadyTime begun = clock_.steady_now();
    earliest = poll(stop) + clock_.steady_now();
    due = std::max(earliest, begun + pace.shorten(options_.copy().interval));
  }
}

void Watch::beat(const std::stop_token& stop) {
  const auto pid = member_.substrate->connect(Deadline::after(clock_, member_.call_timeout, stop));
  act(watcher_.with([&](Watcher& watcher) { return watcher.heartbeat(pid, now()); }));
}

void Watch::measure() {
  const auto seen = watcher_.with([](const Watcher& watcher) { return watcher.seen(); });
  const Usages usages = meter_.measure(seen, options_.copy().resources);
  usages_.with([&](Usages& current) { current = usages; });
  if (usages) {
    publish_();
  }
}

Duration Watch::poll(const std::stop_token& stop) {
  const SteadyTime begun = clock_.steady_now();
  std::stop_source abandon;
  const std::stop_callback forward(stop, [&] { abandon.request_stop(); });
  poll_under_way_.with([&](std::stop_source& source) { source = abandon; });

  const bool silent = watcher_.with([](const Watcher& watcher) { return watcher.silent(); });
  auto answer = silent ? base::failure(base::ErrorKind::cancelled, "") : ask(abandon.get_token());
  if (stop.stop_requested()) {
    return Duration::zero();
  }
  const Duration took = clock_.steady_now() - begun;
  const bool skipped = !answer && answer.error().kind == base::ErrorKind::cancelled;
  act(watcher_.with([&](Watcher& watcher) {
    return skipped ? watcher.poll_skipped() : watcher.polled(std::move(answer), took, now());
  }));
  describe(stop);
  return watcher_.with(
      [&](const Watcher& watcher) { return watcher.silent() ? Duration::zero() : took; });
}

/// Connects first: a new pid tells a restart of the daemon from restarts of its processes.
base::Result<Poll> Watch::ask(const std::stop_token& stop) {
  const auto pid = member_.substrate->connect(Deadline::after(clock_, member_.call_timeout, stop));
  Step step = watcher_.with([&](Watcher& watcher) { return watcher.heartbeat(pid, now()); });
  step.poll = false;  // it is under way
  act(step);
  if (!pid) {
    return base::failure(base::ErrorKind::cancelled, "");
  }
  auto listing =
      member_.substrate->list_instances(Deadline::after(clock_, options_.copy().timeout, stop));
  if (!listing) {
    return base::failure(std::move(listing.error()));
  }
  Poll poll;
  if (member_.same_host) {
    poll.log_sizes = measure_logs(listing->instances);
  }
  poll.listing = std::move(*listing);
  poll.at = clock_.steady_now();
  return poll;
}

void Watch::describe(const std::stop_token& stop) {
  if (!watcher_.with([](const Watcher& watcher) { return watcher.wants_description(); })) {
    return;
  }
  auto description =
      member_.administration->describe(Deadline::after(clock_, member_.call_timeout, stop));
  if (description) {
    act(watcher_.with(
        [&](Watcher& watcher) { return watcher.described(std::move(*description)); }));
  }
}

void Watch::act(const Step& step) {
  if (step.abandon) {
    poll_under_way_.copy().request_stop();
  }
  if (step.poll) {
    wake_poll_.nudge();
  }
  if (step.log && step.log->level == base::LogLevel::warning) {
    log_.warning(step.log->message, step.log->fields);
  } else if (step.log) {
    log_.info(step.log->message, step.log->fields);
  }
  if (step.publish) {
    publish_();
  }
}

void Watch::configure(const PollOptions& options) {
  options_.with([&](PollOptions& current) { current = options; });
  wake_heartbeat_.nudge();
  wake_poll_.nudge();
}

SupervisorSnapshot Watch::seen() const {
  auto seen = watcher_.with([](const Watcher& watcher) { return watcher.seen(); });
  if (seen.up) {
    seen.usages = usages_.copy();
  }
  return seen;
}

bool Watch::tried() const {
  return watcher_.with([](const Watcher& watcher) { return watcher.tried(); });
}

}  // namespace reeve::fleet
