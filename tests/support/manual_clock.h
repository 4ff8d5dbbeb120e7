#pragma once

// A clock that moves only when a test says so. Waits return once it has been moved far enough.

#include <condition_variable>
#include <mutex>

#include "reeve/base/clock.h"

namespace reeve::tests {

class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady_now() const override;
  [[nodiscard]] base::SystemTime system_now() const override;
  bool wait_until(base::SteadyTime time, const std::stop_token& stop) const override;

  void advance(base::Duration span);
  /// Not back: of several threads that wait for one time none moves the clock beyond it.
  void advance_to(base::SteadyTime time);
  /// The wall clock alone: somebody set it.
  void jump_system(base::Duration span);

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  base::SteadyTime steady_{std::chrono::hours(1)};
  base::SystemTime system_{std::chrono::seconds(1'700'000'000)};
};

}  // namespace reeve::tests
