#include "records/state_clock.h"

#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::records {
namespace {

using namespace std::chrono_literals;
using tests::ManualClock;

TEST_CASE(
    "StateClock: within one boot guards' time goes on with the steady clock, whoever sets the "
    "other") {
  ManualClock clock;
  const WrittenAt written = StateClock(clock, "boot").written_at();
  clock.advance(1min);
  clock.jump_system(24h);
  CHECK(StateClock(clock, "boot").shift_since(written) == ClockShift{0s, false});
  clock.jump_system(-72h);
  CHECK(StateClock(clock, "boot").shift_since(written) == ClockShift{0s, false});
}

TEST_CASE(
    "StateClock: over a reboot guards' time goes on by what the system clock says has passed") {
  ManualClock before;
  before.advance(100h);
  const WrittenAt written = StateClock(before, "first").written_at();
  ManualClock after;
  after.jump_system(100h + 10min);
  const ClockShift passage = StateClock(after, "second").shift_since(written);
  CHECK_FALSE(passage.future_dated);
  CHECK(after.steady_now() - (written.steady + passage.shift) == 10min);
}

TEST_CASE("StateClock: over a reboot into the past no time has passed, and that is known") {
  ManualClock before;
  const WrittenAt written = StateClock(before, "first").written_at();
  ManualClock after;
  after.jump_system(-1h);
  const ClockShift passage = StateClock(after, "second").shift_since(written);
  CHECK(passage.future_dated);
  CHECK(written.steady + passage.shift == after.steady_now());
}

TEST_CASE(
    "StateClock: where boots cannot be told apart, a younger steady clock means that no time has "
    "passed") {
  ManualClock before;
  before.advance(100h);
  const WrittenAt written = StateClock(before, "").written_at();
  ManualClock after;
  after.jump_system(500h);
  const ClockShift passage = StateClock(after, "").shift_since(written);
  CHECK(passage.future_dated);
  CHECK(written.steady + passage.shift == after.steady_now());
}

TEST_CASE("StateClock: people see guards' times by the system clock as it goes now") {
  ManualClock clock;
  const StateClock guard_clock(clock, "boot");
  const base::SteadyTime later = clock.steady_now() + 5min;
  clock.jump_system(1h);
  CHECK(guard_clock.to_wall_clock(later) == clock.system_now() + 5min);
}

TEST_CASE("StateClock: the kernel's name of this boot stays while it runs") {
  CHECK(boot_id() == boot_id());
  CHECK(boot_id().find('\n') == std::string::npos);
}

}  // namespace
}  // namespace reeve::records
