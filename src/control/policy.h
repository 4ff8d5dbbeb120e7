#pragma once

// May this be done? A few pure checks in one visible order, each with its own reason. What the
// policy cannot decide it refuses.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/programs.h"
#include "reeve/control/command.h"
#include "reeve/control/controller.h"
#include "reeve/control/options.h"
#include "reeve/fleet/snapshot.h"

namespace reeve::control {

/// What is known when the question is asked.
struct Facts {
  std::shared_ptr<const fleet::FleetSnapshot> snapshot;
  std::vector<substrate::InstanceName> own_programs;
  /// Of the command's supervisord, once it is known to exist; may ask it.
  std::function<base::Result<std::shared_ptr<const Programs>>()> programs;
};

/// Why the command is not to be carried out; nothing if it may be.
[[nodiscard]] std::optional<Refusal> refuse(const Command& command, const Facts& facts,
                                            const Options& options);

/// The part of it that may have changed since, for just before acting: Reeve itself, allow and
/// deny, signals.
[[nodiscard]] std::optional<Refusal> forbid(const Command& command, const Facts& facts,
                                            const Options& options);

/// All that the command is about, as it was seen last: the process, or those of its group.
[[nodiscard]] std::vector<substrate::InstanceDetail> about(const fleet::FleetSnapshot& snapshot,
                                                           const Command& command);

/// "sighup" and "SIGHUP" are HUP.
[[nodiscard]] std::string canonical_signal(std::string_view text);

}  // namespace reeve::control
