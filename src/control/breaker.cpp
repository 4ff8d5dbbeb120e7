#include "control/breaker.h"

namespace reeve::control {

bool Breaker::fires(const std::vector<Target>& targets, std::size_t allowed,
                    const BreakerOptions& options, base::SteadyTime now) {
  for (const Target& target : targets) {
    last_[target] = now;
  }
  std::erase_if(last_, [&](const auto& each) { return now - each.second >= options.within; });
  return last_.size() >= options.min_targets &&
         static_cast<double>(last_.size()) >= options.targets * static_cast<double>(allowed);
}

}  // namespace reeve::control
