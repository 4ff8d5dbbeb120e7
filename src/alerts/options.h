#pragma once

// Which alerts lead to which action on which process: the rules as the configuration has them, and
// the checks of their texts. Values; alerts/rules.h compiles them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guards/command.h"
#include "guards/options.h"
#include "promql/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"
#include "substrate/selector.h"

namespace reeve::alerts {

/// dry_run: everything but the action itself, with episodes and guards of its own.
enum class Mode : std::uint8_t { off, dry_run, enforce };
inline constexpr auto all_modes = base::all_of<Mode, Mode::enforce>();
[[nodiscard]] std::string_view to_string(Mode mode);

/// A label's name and the expression for its whole value; a missing label counts as empty.
using Match = std::map<std::string, std::string>;

struct Rule {
  std::string name;
  Match match;         ///< all of them
  std::string target;  ///< with `{{label}}` for a label's value
  std::vector<substrate::Selector> allow;
  guards::Action action = guards::Action::restart;
  std::optional<Mode> mode;  ///< nothing: Options::mode
  guards::Limits limits;
  unsigned max_attempts = 1;  ///< per episode
  /// The limit, shared by all hosts, of which an action needs a slot; empty: none.
  std::string limit = {};
  std::optional<promql::Query> only_if = {};
  /// How long an alert waits for an obstacle that passes by itself; zero: it is refused at once.
  base::Duration pending_for = std::chrono::minutes(15);
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// The sender of a request: the name and the allow list of its token.
struct Sender {
  std::string name;
  std::vector<substrate::Selector> allow;
  friend bool operator==(const Sender&, const Sender&) = default;
};

struct Options {
  Mode mode = Mode::dry_run;  ///< off wins over the rules' own
  /// Labels that an alert must carry to be for this agent; empty: none.
  std::map<std::string, std::string> identity = {};
  std::vector<Rule> rules = {};  ///< the first that matches is the alert's
  /// An episode ends that long after its alert was last received as firing.
  base::Duration episode_ttl = std::chrono::hours(6);
  /// Who may post alerts: a pending alert of anybody else is not acted on any more.
  std::vector<Sender> senders = {};
  friend bool operator==(const Options&, const Options&) = default;
};

/// The rule's own mode, or the options'; off if either of them is.
[[nodiscard]] Mode mode_of(const Rule& rule, const Options& options);

/// The states in which an action makes sense, and those of them that are its default: RUNNING for
/// a restart and a stop, FATAL and EXITED for a start.
[[nodiscard]] std::vector<substrate::InstanceState> possible_states(guards::Action action);
[[nodiscard]] std::vector<substrate::InstanceState> default_states(guards::Action action);

/// invalid_argument: too long, or not a regular expression.
[[nodiscard]] base::Result<void> check_expression(std::string_view expression);
/// invalid_argument: a `{{` without its `}}`, no label's name in it, or it could never name a
/// process.
[[nodiscard]] base::Result<void> check_target(std::string_view target);
/// As Prometheus 3 and Alertmanager define it: any UTF-8; here without blanks and
/// control characters.
[[nodiscard]] bool is_label_name(std::string_view name);

}  // namespace reeve::alerts
