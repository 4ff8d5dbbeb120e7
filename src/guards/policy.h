#pragma once

// May this be done? A few pure checks in one visible order, each with its own reason. What the
// policy cannot decide it refuses.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/controller.h"
#include "guards/command.h"
#include "guards/options.h"
#include "guards/programs.h"
#include "monitor/snapshot.h"

namespace reeve::guards {

/// What is known when the question is asked.
struct Facts {
  std::shared_ptr<const monitor::Snapshot> snapshot;
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
[[nodiscard]] std::vector<substrate::InstanceDetail> about(const monitor::Snapshot& snapshot,
                                                           const Command& command);

/// The refusal to act on another run than the one that was asked for.
[[nodiscard]] base::Error another_run(const Command& command,
                                      const std::optional<substrate::Incarnation>& current);

/// "sighup" and "SIGHUP" are HUP.
[[nodiscard]] std::string canonical_signal(std::string_view text);

}  // namespace reeve::guards
