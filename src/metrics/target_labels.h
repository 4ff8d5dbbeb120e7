#pragma once

// The labels of the process that an action or a guard is about.

#include <string>

#include "guards/command.h"

namespace reeve::metrics {

/// group and name, with supervisor before them where it has a name.
[[nodiscard]] std::string target_labels(const guards::Target& target);

}  // namespace reeve::metrics
