#include "reeve/base/deadline.h"

#include <algorithm>
#include <string>
#include <utility>

namespace reeve::base {

namespace {

/// Longer than anybody waits, and far from where the clock's numbers end.
constexpr std::chrono::hours longest{24 * 366 * 10};

SteadyTime from_now(const Clock& clock, Duration span) {
  return clock.steady_now() + std::clamp<Duration>(span, Duration::zero(), longest);
}

}  // namespace

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
