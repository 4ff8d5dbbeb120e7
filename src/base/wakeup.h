#pragma once

// A thread's alarm clock: sleep until a time, a nudge from another thread, or a stop.
// Nudges that arrive while nobody sleeps are kept (once), so none is lost.

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "reeve/base/clock.h"

namespace reeve::base {

class Wakeup {
 public:
  enum class Reason { time, nudge, stop };

  void nudge();
  [[nodiscard]] Reason wait_until(SteadyTime time, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool nudged_ = false;
};

}  // namespace reeve::base
