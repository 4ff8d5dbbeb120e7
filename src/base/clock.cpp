// The one file that asks the kernel for the time; and deadlines made of it.
#include "reeve/base/clock.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

#include "reeve/base/deadline.h"

namespace reeve::base {
namespace {

/// The longest span of a deadline: far from the range of SteadyTime.
constexpr std::chrono::hours longest{24 * 366 * 10};

SteadyTime from_now(const Clock& clock, Duration span) {
  return clock.steady_now() + std::clamp<Duration>(span, Duration::zero(), longest);
}

}  // namespace

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

Deadline::Deadline(const Clock& clock, SteadyTime at, std::stop_token stop)
    : clock_(&clock), at_(at), stop_(std::move(stop)) {}

Deadline Deadline::after(const Clock& clock, Duration span, std::stop_token stop) {
  return {clock, from_now(clock, span), std::move(stop)};
}

Deadline Deadline::within(Duration span) const {
  return {*clock_, std::min(at_, from_now(*clock_, span)), stop_};
}

Duration Deadline::remaining() const {
  return std::max(Duration::zero(), at_ - clock_->steady_now());
}

Result<void> Deadline::check(std::string_view doing) const {
  if (cancelled()) {
    return failure(ErrorKind::cancelled, "stopped while " + std::string(doing));
  }
  if (expired()) {
    return failure(ErrorKind::timeout, "out of time while " + std::string(doing));
  }
  return {};
}

bool Deadline::wait(Duration span) const {
  const SteadyTime wanted = from_now(*clock_, span);
  return clock_->wait_until(std::min(wanted, at_), stop_) && wanted <= at_;
}

}  // namespace reeve::base
