#include "guards/breaker.h"

namespace reeve::guards {

bool Breaker::fires(const std::vector<Target>& targets, std::size_t allowed,
                    const BreakerOptions& options, base::SteadyTime now) {
  for (const Target& target : targets) {
    last_[target] = now;
  }
  std::erase_if(last_, [&](const auto& each) { return now - each.second >= options.within; });
  const bool opens =
      last_.size() >= options.min_targets &&
      static_cast<double>(last_.size()) >= options.targets * static_cast<double>(allowed);
  if (opens) {
    counted_.clear();
    for (const auto& [target, when] : last_) {
      counted_.push_back(target);
    }
  }
  return opens;
}

}  // namespace reeve::guards
