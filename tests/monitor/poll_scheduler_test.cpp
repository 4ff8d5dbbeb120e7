#include "monitor/poll_scheduler.h"

#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using base::SteadyTime;

constexpr SteadyTime start{1h};

/// A poll thread that has polled once, at `start`.
struct Thread {
  PollScheduler scheduler{start, JitteredInterval(1)};
  PollOptions options;
  PollInputs inputs;

  Thread() { scheduler.finished(PollTask::poll, start, start, 0s); }
  [[nodiscard]] ScheduledTask next() const { return scheduler.next(inputs, options); }
};

bool is_about(SteadyTime at, base::Duration after) {
  return at <= start + after && at >= start + after * 95 / 100;
}

TEST_CASE("PollScheduler: the first thing to do is a poll") {
  const PollScheduler scheduler(start, JitteredInterval(1));
  PollInputs inputs;
  inputs.follow_log = inputs.anchor_soon = true;
  CHECK(scheduler.next(inputs, {}).task == PollTask::poll);
  CHECK(scheduler.next(inputs, {}).at == start);
}

TEST_CASE("PollScheduler: polls are rare while events tell everything") {
  Thread thread;
  CHECK(is_about(thread.next().at, 5s));
  thread.inputs.events_suffice = true;
  CHECK(is_about(thread.next().at, 60s));
}

TEST_CASE("PollScheduler: a poll that is wanted soon still leaves supervisord its rest") {
  Thread thread;
  thread.scheduler.finished(PollTask::poll, start, start + 1s, 2s);
  thread.inputs.poll_soon = true;
  CHECK(thread.next().task == PollTask::poll);
  CHECK(thread.next().at == start + 3s);
}

TEST_CASE(
    "PollScheduler: an anchor is made soon, but at most every two seconds, or in the place of a "
    "poll") {
  Thread thread;
  thread.inputs.anchor_soon = true;
  CHECK(thread.next().task == PollTask::survey);
  CHECK(thread.next().at == start);
  thread.scheduler.finished(PollTask::survey, start, start, 0s);
  CHECK(thread.next().at == start + 2s);
  thread.inputs.anchor_soon = false;
  thread.inputs.anchor = true;
  CHECK(thread.next().task == PollTask::survey);
  CHECK(is_about(thread.next().at, 5s));
}

TEST_CASE("PollScheduler: the log is read between polls, and soon when it has news") {
  Thread thread;
  thread.options.interval = 60s;
  thread.inputs.follow_log = true;
  CHECK(thread.next().task == PollTask::read_log);
  CHECK(thread.next().at == start + 5s);
  thread.inputs.log_soon = true;
  CHECK(thread.next().at == start + 1s);
  thread.scheduler.finished(PollTask::read_log, start + 1s, start + 1s, 0s);
  CHECK(thread.next().at == start + 2s);
}

TEST_CASE(
    "PollScheduler: what events touched is looked at once a second, and if it is much, by a poll") {
  Thread thread;
  thread.inputs.events_suffice = true;
  thread.inputs.changed = 3;
  CHECK(thread.next().task == PollTask::read_changed);
  CHECK(thread.next().at == start + 1s);
  thread.inputs.changed = 300;
  CHECK(thread.next().task == PollTask::poll);
  CHECK(thread.next().at == start + 1s);
}

TEST_CASE("PollScheduler: while supervisord is silent nothing but polls are due") {
  Thread thread;
  thread.inputs.unresponsive = thread.inputs.follow_log = thread.inputs.log_soon =
      thread.inputs.anchor_soon = true;
  thread.inputs.changed = 1;
  CHECK(thread.next().task == PollTask::poll);
  CHECK(is_about(thread.next().at, 5s));
}

/// A heartbeat thread in its first period, which is not shortened.
struct Heartbeats {
  HeartbeatScheduler scheduler{start, JitteredInterval(1)};
  PollProgress poll;
  [[nodiscard]] SteadyTime next() const { return scheduler.next(poll, 5s); }
  [[nodiscard]] bool due(SteadyTime now) const { return scheduler.is_due(poll, 5s, now); }
};

TEST_CASE("HeartbeatScheduler: an answered poll is the heartbeat of its period") {
  Heartbeats heartbeats;
  CHECK(heartbeats.next() == start + 5s);
  CHECK(heartbeats.due(start + 5s));
  heartbeats.poll.answered_at = start + 1s;
  CHECK_FALSE(heartbeats.due(start + 5s));
  heartbeats.scheduler.begin_period(start + 5s);
  CHECK(is_about(heartbeats.next(), 10s));
  CHECK(heartbeats.due(heartbeats.next()));
}

TEST_CASE("HeartbeatScheduler: a poll that is slow is accompanied by heartbeats") {
  Heartbeats heartbeats;
  heartbeats.poll.began = start + 2s;
  CHECK(heartbeats.next() == start + 3s);
  CHECK_FALSE(heartbeats.due(start + 2500ms));
  CHECK(heartbeats.due(start + 3s));
  heartbeats.scheduler.sent(start + 3s);
  CHECK(heartbeats.next() == start + 5s);
  CHECK(heartbeats.due(start + 5s));
}

TEST_CASE("HeartbeatScheduler: a poll that has just begun at a period's end is waited for") {
  Heartbeats heartbeats;
  heartbeats.poll.began = start + 4900ms;
  CHECK(heartbeats.next() == start + 5s);
  CHECK_FALSE(heartbeats.due(start + 5s));
  heartbeats.scheduler.begin_period(start + 5s);
  CHECK(heartbeats.next() == start + 5900ms);
  CHECK(heartbeats.due(start + 5900ms));
}

TEST_CASE("HeartbeatScheduler: a poll that failed is no heartbeat") {
  Heartbeats heartbeats;
  heartbeats.poll.answered_at = start + 1s;
  heartbeats.scheduler.begin_period(start + 5s);
  CHECK(heartbeats.due(start + 10s));
}

TEST_CASE("HeartbeatScheduler: with a short period a poll is slow after one period") {
  Heartbeats heartbeats;
  heartbeats.poll.began = start;
  CHECK(heartbeats.scheduler.next(heartbeats.poll, 20ms) == start + 20ms);
  CHECK(heartbeats.scheduler.is_due(heartbeats.poll, 20ms, start + 20ms));
}

}  // namespace
}  // namespace reeve::monitor
