#pragma once

// A descriptor that becomes readable when a stop is requested, so that poll(2) ends with it.

#include <cstdint>
#include <stop_token>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/descriptor.h"

namespace reeve::events {

class StopDescriptor {
 public:
  explicit StopDescriptor(const std::stop_token& stop)
      : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(stop, Raise{this}) {}

  [[nodiscard]] int get() const { return descriptor_.get(); }

 private:
  struct Raise {
    StopDescriptor* owner;
    void operator()() const noexcept {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(owner->descriptor_.get(), &one, sizeof one);
    }
  };

  base::Descriptor descriptor_;
  std::stop_callback<Raise> callback_;
};

}  // namespace reeve::events
