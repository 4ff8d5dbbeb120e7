#pragma once

// When to look next. Waits are shortened by up to five per cent, never lengthened, so that
// members drift apart and a promised interval still holds. Deterministic for each seed.

#include <random>

#include "reeve/base/clock.h"

namespace reeve::fleet {

class Pace {
 public:
  explicit Pace(std::minstd_rand::result_type seed) : generator_(seed) {}

  [[nodiscard]] base::Duration shorten(base::Duration interval) {
    return interval - interval / 1000 * static_cast<int>(generator_() % 51);
  }

 private:
  std::minstd_rand generator_;
};

}  // namespace reeve::fleet
