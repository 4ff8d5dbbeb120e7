#pragma once

// Counts the processes that have a firing alert: so many at once are the host's trouble or a
// dependency's. A plain value; its owner guards it.

#include <map>
#include <vector>

#include "guards/command.h"
#include "guards/options.h"
#include "reeve/base/clock.h"

namespace reeve::guards {

class Breaker {
 public:
  /// These fire now, of `allowed` processes that a rule allows at all. True if it is to open.
  [[nodiscard]] bool fires(const std::vector<Target>& targets, std::size_t allowed,
                           const BreakerOptions& options, base::SteadyTime now);
  /// Those that were counted when it was last to open.
  [[nodiscard]] const std::vector<Target>& counted() const { return counted_; }

 private:
  std::map<Target, base::SteadyTime> last_;
  std::vector<Target> counted_;
};

}  // namespace reeve::guards
