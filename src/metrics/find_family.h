#pragma once

// Looking a family up by its name, while compiling.

#include <string_view>

#include "metrics/catalogue.h"

namespace reeve::metrics {

/// Of the catalogue; a name that is not in it does not compile.
[[nodiscard]] consteval const Family& family(std::string_view name) {
  for (const Family& each : catalogue) {
    if (each.name == name) {
      return each;
    }
  }
  throw "no such family in the catalogue";
}

}  // namespace reeve::metrics
