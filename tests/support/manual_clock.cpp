#include "support/manual_clock.h"

#include <algorithm>

namespace reeve::tests {

base::SteadyTime ManualClock::steady_now() const {
  const std::scoped_lock lock(mutex_);
  return steady_;
}

base::SystemTime ManualClock::system_now() const {
  const std::scoped_lock lock(mutex_);
  return system_;
}

bool ManualClock::wait_until(base::SteadyTime time, const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  return moved_.wait(lock, stop, [&] { return steady_ >= time; });
}

void ManualClock::advance(base::Duration span) {
  {
    const std::scoped_lock lock(mutex_);
    steady_ += span;
    system_ += span;
  }
  moved_.notify_all();
}

void ManualClock::advance_to(base::SteadyTime time) {
  {
    const std::scoped_lock lock(mutex_);
    const base::Duration span = std::max(time - steady_, base::Duration::zero());
    steady_ += span;
    system_ += span;
  }
  moved_.notify_all();
}

void ManualClock::jump_system(base::Duration span) {
  const std::scoped_lock lock(mutex_);
  system_ += span;
}

}  // namespace reeve::tests
