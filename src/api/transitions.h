#pragma once

// Transitions of processes as clients get them: with the operation that caused them, if one did.
// Which one is not recorded anywhere: it follows from the operations' steps, runs and times. Pure.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "control/operation.h"
#include "guards/command.h"
#include "monitor/recent_past.h"

namespace reeve::api {

/// The last of these operations that can have caused the transition of this process; null if none
/// can.
[[nodiscard]] const control::Operation* cause_of(const monitor::PastTransition& transition,
                                                 const guards::Target& process,
                                                 const std::vector<control::Operation>& operations);

[[nodiscard]] nlohmann::ordered_json transition_json(
    const monitor::PastTransition& transition, const guards::Target& process,
    const std::vector<control::Operation>& operations);

}  // namespace reeve::api
