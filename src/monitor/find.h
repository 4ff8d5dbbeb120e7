#pragma once

// Looks for a name in a list that is sorted by name. Pure.

#include <algorithm>
#include <iterator>

#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// nullptr if it is not there. `name_of` gives the name of an element.
template <class List, class NameOf>
[[nodiscard]] auto find(List& sorted, const substrate::InstanceName& name, NameOf name_of) {
  const auto found = std::lower_bound(
      std::begin(sorted), std::end(sorted), name,
      [&](const auto& each, const auto& wanted) { return name_of(each) < wanted; });
  return found != std::end(sorted) && name_of(*found) == name ? &*found : nullptr;
}

}  // namespace reeve::monitor
