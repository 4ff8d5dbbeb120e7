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
  [[nodiscard]] SteadyTime next() const { return scheduler.next_heartbeat(poll, 5s); }
};

TEST_CASE("HeartbeatScheduler: while polls are answered in each period no heartbeat is due") {
  Heartbeats heartbeats;
  CHECK(heartbeats.next() == start + 5s);
  for (const base::Duration answered : {100ms, 5100ms, 10100ms}) {
    heartbeats.poll.answered_at = start + answered;
    CHECK(heartbeats.next() == start + answered + 6s);
  }
}

TEST_CASE(
    "HeartbeatScheduler: after an answered poll no more than six seconds pass without a request") {
  Heartbeats heartbeats;
  heartbeats.poll.answered_at = start + 100ms;  // the next poll is due a minute later
  SteadyTime last = heartbeats.poll.answered_at;
  for (int i = 0; i < 9; ++i) {
    const SteadyTime next = heartbeats.next();
    CHECK(next > last);
    CHECK(next - last <= 6s);
    heartbeats.scheduler.sent(last = next);
  }
}

TEST_CASE("HeartbeatScheduler: a poll that is slow is accompanied by heartbeats") {
  Heartbeats heartbeats;
  heartbeats.poll.began = start + 2s;
  CHECK(heartbeats.next() == start + 3s);
  heartbeats.scheduler.sent(start + 3s);
  CHECK(heartbeats.next() == start + 8s);
}

TEST_CASE("HeartbeatScheduler: a poll that has just begun is waited for") {
  Heartbeats heartbeats;
  heartbeats.poll.began = start + 4900ms;
  CHECK(heartbeats.next() == start + 5900ms);
}

TEST_CASE("HeartbeatScheduler: a poll that failed is no heartbeat") {
  Heartbeats heartbeats;
  heartbeats.poll.answered_at = start + 1s;
  heartbeats.poll.began = start + 6s;
  CHECK(heartbeats.next() == start + 7s);
  heartbeats.poll.began.reset();
  CHECK(heartbeats.next() == start + 7s);
}

TEST_CASE("HeartbeatScheduler: with a short period a poll is slow after one period") {
  Heartbeats heartbeats;
  heartbeats.poll.began = start;
  CHECK(heartbeats.scheduler.next_heartbeat(heartbeats.poll, 20ms) == start + 20ms);
}

}  // namespace
}  // namespace reeve::monitor
