#pragma once

// From names and patterns to processes.

#include <optional>
#include <vector>

#include "cli/session.h"
#include "reeve/substrate/instance.h"

namespace reeve::cli {

struct Target {
  const Manager* manager = nullptr;
  substrate::InstanceName name;
  /// What was seen of it while it was looked for; nothing if it was not looked for.
  std::optional<substrate::InstanceDetail> seen = std::nullopt;
  bool named = true;  ///< by its name, not by a pattern
};

struct Selection {
  std::vector<Target> targets;  ///< in the order of the names, each process once
  int code = exit_done;         ///< of the last name that selected nothing; it is reported
};

/// No names, and `all`, mean everything. What is named by its name alone is looked for only if
/// several supervisords may have it.
[[nodiscard]] Selection select_to_act(Session& session, Verb verb, const Names& names);

/// The same, with `seen` filled in everywhere.
[[nodiscard]] Selection select_to_look(Session& session, Verb verb, const Names& names);

}  // namespace reeve::cli
