#include "events/sequence.h"

#include <algorithm>
#include <utility>

namespace reeve::events {
namespace {

constexpr std::size_t max_missing = 1000;

}  // namespace

Sequence::Step Sequence::note(const Serials& serials) {
  if (!highest_) {
    highest_ = serials;
    return {};
  }
  const std::uint64_t expected = highest_->pool_serial + 1;
  if (serials.pool_serial >= expected) {
    // The daemon's serial may go back: an older event that another pool sent over.
    const std::uint64_t lost = serials.pool_serial - expected;
    remember_missing(expected, serials.pool_serial);
    highest_ = {std::max(highest_->serial, serials.serial), serials.pool_serial};
    return {Verdict::fresh, lost};
  }
  if (serials.serial > highest_->serial) {
    // An event that is younger than all before cannot be a repeat.
    highest_ = serials;
    missing_.clear();
    return {Verdict::restarted, serials.pool_serial};
  }
  return {missing_.erase(serials.pool_serial) > 0 ? Verdict::fresh : Verdict::repeat, 0};
}

void Sequence::remember_missing(std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t each = std::max(from, to - std::min<std::uint64_t>(to, max_missing));
       each < to; ++each) {
    missing_.insert(each);
  }
  while (missing_.size() > max_missing) {
    missing_.erase(missing_.begin());
  }
}

}  // namespace reeve::events
