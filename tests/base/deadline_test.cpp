#include "reeve/base/deadline.h"

#include <thread>

#include "base/wakeup.h"
#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::base {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Deadline: a deadline counts down and never becomes negative") {
  tests::ManualClock clock;
  const Deadline deadline = Deadline::after(clock, 5s);
  CHECK(deadline.remaining() == 5s);
  CHECK(deadline.check("counting"));
  clock.advance(7s);
  CHECK(deadline.remaining() == 0s);
  REQUIRE_FALSE(deadline.check("counting"));
  CHECK(deadline.check("counting").error() ==
        Error{ErrorKind::timeout, "out of time while counting"});
}

TEST_CASE("Deadline: a deadline within another never ends later than it") {
  const tests::ManualClock clock;
  const Deadline deadline = Deadline::after(clock, 5s);
  CHECK(deadline.within(2s).remaining() == 2s);
  CHECK(deadline.within(9s).remaining() == 5s);
}

TEST_CASE("Deadline: the longest span is years away, not in the past") {
  tests::ManualClock clock;
  const Deadline deadline = Deadline::after(clock, Duration::max());
  CHECK(deadline.remaining() > 5 * 365 * 24h);
  CHECK(deadline.within(Duration::max()).remaining() == deadline.remaining());
  clock.advance(24h);
  CHECK(deadline.check("waiting"));
  CHECK(Deadline::after(clock, Duration::min()).expired());
}

TEST_CASE("Deadline: a stop cancels, which is another error than a timeout") {
  const tests::ManualClock clock;
  std::stop_source stop;
  const Deadline deadline = Deadline::after(clock, 5s, stop.get_token());
  stop.request_stop();
  CHECK(deadline.check("waiting").error().kind == ErrorKind::cancelled);
  CHECK_FALSE(deadline.wait(1s));
}

TEST_CASE("Deadline: a wait is cut short by the deadline") {
  const SystemClock clock;
  const Deadline deadline = Deadline::after(clock, 1ms);
  CHECK_FALSE(deadline.wait(1h));
}

TEST_CASE("Wakeup: a nudge that comes before the wait is not lost") {
  const SystemClock clock;
  const std::stop_source stop;
  Wakeup wakeup;
  wakeup.nudge();
  CHECK(wakeup.wait_until(clock.steady_now() + 1h, stop.get_token()) == Wakeup::Reason::nudge);
  CHECK(wakeup.wait_until(clock.steady_now(), stop.get_token()) == Wakeup::Reason::time);
}

TEST_CASE("Wakeup: a stop ends a wait from another thread") {
  const SystemClock clock;
  Wakeup wakeup;
  Wakeup::Reason reason = Wakeup::Reason::time;
  {
    const std::jthread waiter([&](const std::stop_token& stop) {
      reason = wakeup.wait_until(clock.steady_now() + 1h, stop);
    });
  }
  CHECK(reason == Wakeup::Reason::stop);
}

}  // namespace
}  // namespace reeve::base
