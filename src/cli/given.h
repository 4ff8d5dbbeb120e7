#pragma once

// What the user said by an option, or by the variable of the environment that stands for it.

#include <optional>
#include <string>

#include "cli/surroundings.h"

namespace reeve::cli {

struct Given {
  std::string name;  ///< of the option or the variable: the one to blame
  std::string value;
};

[[nodiscard]] inline std::optional<Given> given(const std::string& option,
                                                const std::optional<std::string>& value,
                                                const std::string& variable,
                                                const Surroundings& surroundings) {
  if (value) {
    return Given{option, *value};
  }
  const auto set = surroundings.variable(variable);
  return set ? std::optional(Given{variable, *set}) : std::nullopt;
}

}  // namespace reeve::cli
