#pragma once

// Time is injected: only SystemClock's source file asks the kernel. Intervals are measured
// with the steady clock, points in time that people read with the system clock.

#include <chrono>
#include <stop_token>

namespace reeve::base {

using Duration = std::chrono::nanoseconds;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using SystemTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual SteadyTime steady_now() const = 0;
  [[nodiscard]] virtual SystemTime system_now() const = 0;

  /// Blocks until `time` or until a stop is requested. True if `time` was reached.
  // NOLINTNEXTLINE(modernize-use-nodiscard): the stop token tells as well
  virtual bool wait_until(SteadyTime time, const std::stop_token& stop) const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override;
  [[nodiscard]] SystemTime system_now() const override;
  // NOLINTNEXTLINE(modernize-use-nodiscard)
  bool wait_until(SteadyTime time, const std::stop_token& stop) const override;
};

}  // namespace reeve::base
