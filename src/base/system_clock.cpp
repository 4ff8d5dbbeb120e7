// The one file that asks the kernel what time it is.
#include <condition_variable>
#include <mutex>

#include "reeve/base/clock.h"

namespace reeve::base {

SteadyTime SystemClock::steady_now() const {
  return std::chrono::steady_clock::now();
}

SystemTime SystemClock::system_now() const {
  return std::chrono::system_clock::now();
}

bool SystemClock::wait_until(SteadyTime time, const std::stop_token& stop) const {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait_until(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace reeve::base
