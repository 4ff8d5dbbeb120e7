#pragma once

// All values of an enumeration that has no gaps, in the order of their declaration, and their
// names: what is indexed by an enumeration has a place for each value.

#include <array>
#include <cstddef>
#include <string_view>

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

/// The value's name out of `names`, which has one for each value of `all`, in its order.
template <const auto& all, class Enum, std::size_t size>
[[nodiscard]] constexpr std::string_view name_of(Enum value,
                                                 const std::string_view (&names)[size]) {
  static_assert(size == all.size());
  const auto at = static_cast<std::size_t>(value);
  return at < size ? names[at] : std::string_view();
}

}  // namespace reeve::base
