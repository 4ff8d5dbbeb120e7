#pragma once

// What loops around poll(2) need: a timeout from a time of the injected clock, and a descriptor
// that ends the wait when a stop is requested. Each loop has its own; used on its thread.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <stop_token>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "reeve/base/clock.h"

namespace reeve::events {

/// Until when to wait at most; nothing: for ever.
using WaitUntil = std::optional<base::SteadyTime>;

[[nodiscard]] inline WaitUntil earlier(const WaitUntil& one, const WaitUntil& other) {
  return !one ? other : !other ? one : std::min(one, other);
}

/// poll's timeout. Rounded up, so that it does not end just before the time.
[[nodiscard]] inline int poll_timeout(const WaitUntil& until, base::SteadyTime now) {
  if (!until) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

/// Becomes readable when a stop is requested.
class StopEvent {
 public:
  explicit StopEvent(const std::stop_token& stop)
      : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(stop, Signal{this}) {}

  [[nodiscard]] int descriptor() const { return descriptor_.get(); }

 private:
  struct Signal {
    StopEvent* owner;
    void operator()() const noexcept {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(owner->descriptor_.get(), &one, sizeof one);
    }
  };

  base::Descriptor descriptor_;
  std::stop_callback<Signal> callback_;
};

}  // namespace reeve::events
