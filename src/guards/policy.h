#pragma once

// The policy: may this actor do this to this process at all? Pure checks in one order, each with
// its own Reason; what a check cannot decide it refuses. And the sentences about supervisords and
// processes that do not exist, for all that look for one.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guards/command.h"
#include "guards/options.h"
#include "guards/programs.h"
#include "guards/reason.h"
#include "monitor/snapshot.h"
#include "substrate/selector.h"

namespace reeve::guards {

/// Whether this process is Reeve, or runs it, as the host's process table shows; false where that
/// does not show it. Reads /proc.
using OwnProcessCheck = std::function<bool(const monitor::SupervisorSnapshot& supervisor,
                                           const substrate::InstanceDetail& process)>;

/// What the checks know.
struct PolicyInputs {
  std::shared_ptr<const monitor::Snapshot> snapshot;
  std::vector<substrate::InstanceName> own_programs;
  /// The programs of the command's supervisord, once that is known to exist; may ask it.
  std::function<ProgramCatalogue::Answer()> programs;
  OwnProcessCheck is_own_process = nullptr;  ///< null: not asked
};

/// Why the command is not to be carried out; nothing if it may be.
[[nodiscard]] std::optional<Refusal> refuse(const Command& command, const PolicyInputs& inputs,
                                            const Options& options);
/// The checks whose outcome may have changed since, for just before acting: Reeve itself, allow
/// and deny, signals.
[[nodiscard]] std::optional<Refusal> forbid(const Command& command, const PolicyInputs& inputs,
                                            const Options& options);
/// What selectors mean, given what was last seen.
[[nodiscard]] substrate::KnownNames known_names(const monitor::Snapshot& snapshot);
/// The processes that the command addresses, as last seen, with the uptime of now: one, or those of
/// its group.
[[nodiscard]] std::vector<substrate::InstanceDetail> addressed_by(const Command& command,
                                                                  const monitor::Snapshot& snapshot,
                                                                  base::SteadyTime now);
/// The error of a command on a run that is not the current one.
[[nodiscard]] base::Error another_run(const Command& command,
                                      const std::optional<substrate::Incarnation>& current);

/// Says which supervisords there are.
[[nodiscard]] std::string no_such_supervisor(const std::string& name,
                                             const monitor::Snapshot& snapshot);
[[nodiscard]] std::string no_such_process(const Target& target);
/// The names of all supervisords, separated by commas.
[[nodiscard]] std::string supervisor_names(const monitor::Snapshot& snapshot);

}  // namespace reeve::guards
