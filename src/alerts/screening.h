#pragma once

// The first half of a decision on an alert, by its own labels and what is known already: is it this
// agent's, which rule matches, which process does it mean, may that be acted on at all? What passes
// has a command, which episodes, guards and controller judge next. Pure functions.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "alerts/payload.h"
#include "alerts/responder.h"
#include "alerts/rules.h"
#include "guards/command.h"
#include "guards/reason.h"
#include "monitor/snapshot.h"

namespace reeve::alerts {

/// What screening an alert needs.
struct ScreeningContext {
  const Rules& rules;
  const monitor::Snapshot& snapshot;
  const Sender& sender;
  /// Controller::permit.
  std::function<std::optional<guards::Refusal>(const guards::Command&)> permit;
};

struct ScreenedAlert {
  AlertDecision decision;              ///< final unless there is a command
  const CompiledRule* rule = nullptr;  ///< owned by the rules
  /// It fires, and means one known process that its rule allows: the breaker counts that process.
  bool counts_for_breaker = false;
  std::optional<guards::Command> command;
  bool undecided = false;  ///< the sender has to repeat the request
};

[[nodiscard]] ScreenedAlert screen(const Alert& alert, const ScreeningContext& context);
/// No rule is asked: `why`.
[[nodiscard]] ScreenedAlert without_rule(const Alert& alert, std::string why);
/// How many processes some rule may act on.
[[nodiscard]] std::size_t count_allowed(const Rules& rules, const monitor::Snapshot& snapshot);

}  // namespace reeve::alerts
