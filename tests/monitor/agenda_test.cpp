#include "monitor/agenda.h"

#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using base::SteadyTime;

constexpr SteadyTime start{1h};

/// A poll thread that has polled once, at `start`.
struct Thread {
  Agenda agenda{start, Pace(1)};
  PollOptions options;
  Needs needs;

  Thread() { agenda.done(Chore::poll, start, start, 0s); }
  [[nodiscard]] Due next() const { return agenda.next(needs, options); }
};

bool is_about(SteadyTime at, base::Duration after) {
  return at <= start + after && at >= start + after * 95 / 100;
}

TEST_CASE("the first thing to do is a poll") {
  const Agenda agenda(start, Pace(1));
  Needs needs;
  needs.log = needs.anchor_soon = true;
  CHECK(agenda.next(needs, {}).chore == Chore::poll);
  CHECK(agenda.next(needs, {}).at == start);
}

TEST_CASE("polls are rare while events tell everything") {
  Thread thread;
  CHECK(is_about(thread.next().at, 5s));
  thread.needs.heard = true;
  CHECK(is_about(thread.next().at, 60s));
}

TEST_CASE("a poll that is wanted soon still leaves supervisord its rest") {
  Thread thread;
  thread.agenda.done(Chore::poll, start, start + 1s, 2s);
  thread.needs.poll_soon = true;
  CHECK(thread.next().chore == Chore::poll);
  CHECK(thread.next().at == start + 3s);
}

TEST_CASE("an anchor is made soon, but at most every two seconds, or in the place of a poll") {
  Thread thread;
  thread.needs.anchor_soon = true;
  CHECK(thread.next().chore == Chore::survey);
  CHECK(thread.next().at == start);
  thread.agenda.done(Chore::survey, start, start, 0s);
  CHECK(thread.next().at == start + 2s);
  thread.needs.anchor_soon = false;
  thread.needs.anchor = true;
  CHECK(thread.next().chore == Chore::survey);
  CHECK(is_about(thread.next().at, 5s));
}

TEST_CASE("the log is read between polls, and soon when it has news") {
  Thread thread;
  thread.options.interval = 60s;
  thread.needs.log = true;
  CHECK(thread.next().chore == Chore::read_log);
  CHECK(thread.next().at == start + 5s);
  thread.needs.log_soon = true;
  CHECK(thread.next().at == start + 1s);
  thread.agenda.done(Chore::read_log, start + 1s, start + 1s, 0s);
  CHECK(thread.next().at == start + 2s);
}

TEST_CASE("what events touched is looked at once a second, and if it is much, by a poll") {
  Thread thread;
  thread.needs.heard = true;
  thread.needs.touched = 3;
  CHECK(thread.next().chore == Chore::look);
  CHECK(thread.next().at == start + 1s);
  thread.needs.touched = 300;
  CHECK(thread.next().chore == Chore::poll);
  CHECK(thread.next().at == start + 1s);
}

TEST_CASE("while supervisord is silent nothing but polls are due") {
  Thread thread;
  thread.needs.silent = thread.needs.log = thread.needs.log_soon = thread.needs.anchor_soon = true;
  thread.needs.touched = 1;
  CHECK(thread.next().chore == Chore::poll);
  CHECK(is_about(thread.next().at, 5s));
}

}  // namespace
}  // namespace reeve::monitor
