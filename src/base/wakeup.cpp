#include "base/wakeup.h"

namespace reeve::base {

void Wakeup::nudge() {
  {
    const std::scoped_lock lock(mutex_);
    nudged_ = true;
  }
  changed_.notify_one();
}

Wakeup::Reason Wakeup::wait_until(SteadyTime time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool nudged = changed_.wait_until(lock, stop, time, [this] { return nudged_; });
  if (stop.stop_requested()) {
    return Reason::stop;
  }
  nudged_ = false;
  return nudged ? Reason::nudge : Reason::time;
}

}  // namespace reeve::base
