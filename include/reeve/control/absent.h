#pragma once

// What is said of a supervisord or a process that is not there, by whoever looks for it.

#include <string>

#include "reeve/control/command.h"
#include "reeve/fleet/snapshot.h"

namespace reeve::control {

/// With the names of those that there are.
[[nodiscard]] std::string no_such_supervisor(const std::string& name,
                                             const fleet::FleetSnapshot& snapshot);
[[nodiscard]] std::string no_such_process(const Target& target);
/// The names of all supervisords, with commas.
[[nodiscard]] std::string supervisor_names(const fleet::FleetSnapshot& snapshot);

}  // namespace reeve::control
