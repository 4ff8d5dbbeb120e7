#pragma once

// An interruptible wait: until a time, a nudge from another thread, or a stop. A nudge that comes
// while no thread waits is kept (once), so that none is lost. Thread-safe.

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "reeve/base/clock.h"

namespace reeve::base {

class Wakeup {
 public:
  enum class Reason { time, nudge, stop };

  void nudge() {
    {
      const std::scoped_lock lock(mutex_);
      nudged_ = true;
    }
    changed_.notify_one();
  }

  [[nodiscard]] Reason wait_until(SteadyTime time, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool nudged = changed_.wait_until(lock, stop, time, [this] { return nudged_; });
    if (stop.stop_requested()) {
      return Reason::stop;
    }
    nudged_ = false;
    return nudged ? Reason::nudge : Reason::time;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool nudged_ = false;
};

}  // namespace reeve::base
