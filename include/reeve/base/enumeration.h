#pragma once

// All values of an enumeration that has no gaps, in its order: so that what is indexed by it has
// a place for each.

#include <array>
#include <cstddef>

namespace reeve::base {

/// From the value 0 to `last`, which is the enumeration's last.
template <class Enum, Enum last>
[[nodiscard]] consteval auto all_of() {
  std::array<Enum, static_cast<std::size_t>(last) + 1> values{};
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = static_cast<Enum>(at);
  }
  return values;
}

}  // namespace reeve::base
