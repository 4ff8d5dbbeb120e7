#pragma once

// When to look next. Waits are shortened by up to five per cent, never lengthened, so that
// members drift apart and a promised interval still holds. Deterministic for each seed.

#include <random>

#include "reeve/base/clock.h"

namespace reeve::monitor {

class Pace {
 public:
  explicit Pace(std::minstd_rand::result_type seed) : generator_(seed) {}

  /// The same for each interval until next().
  [[nodiscard]] base::Duration shorten(base::Duration interval) const {
    return interval - interval / 1000 * thousandths_;
  }
  void next() { thousandths_ = static_cast<int>(generator_() % 51); }

 private:
  std::minstd_rand generator_;
  int thousandths_ = 0;
};

}  // namespace reeve::monitor
