#pragma once

// What is said of a supervisord or a process that is not there, by whoever looks for it.

#include <string>

#include "guards/command.h"
#include "monitor/snapshot.h"

namespace reeve::guards {

/// With the names of those that there are.
[[nodiscard]] std::string no_such_supervisor(const std::string& name,
                                             const monitor::Snapshot& snapshot);
[[nodiscard]] std::string no_such_process(const Target& target);
/// The names of all supervisords, with commas.
[[nodiscard]] std::string supervisor_names(const monitor::Snapshot& snapshot);

}  // namespace reeve::guards
