#pragma once

// A command: the action that a person or an alert asks for, on one process or on a group. A value;
// api and alerts make it, guards judge it, control carries it out.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guards/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/substrate.h"
#include "substrate/selector.h"

namespace reeve::guards {

enum class Action : std::uint8_t { start, stop, restart, signal };
inline constexpr auto all_actions = base::all_of<Action, Action::signal>();
[[nodiscard]] constexpr std::string_view to_string(Action action) {
  return base::name_of<all_actions>(action, {"start", "stop", "restart", "signal"});
}

/// From whom the command came.
enum class Source : std::uint8_t { api, alert };
inline constexpr auto all_sources = base::all_of<Source, Source::alert>();
[[nodiscard]] constexpr std::string_view to_string(Source source) {
  return base::name_of<all_sources>(source, {"api", "alert"});
}

/// One process of one supervisord, or a group where the process's name is empty; `supervisor` is
/// empty for the single, unnamed one.
struct Target {
  std::string supervisor;
  substrate::InstanceName name;

  /// `[SUPERVISOR/]group:name`, for people and logs; `group:*` for a group.
  [[nodiscard]] std::string text() const {
    return substrate::qualified(supervisor, name.name.empty() ? name.group + ":*" : name.full());
  }
  friend auto operator<=>(const Target&, const Target&) = default;
};

/// How the members of a group are acted on.
enum class GroupOrder : std::uint8_t {
  rolling,  ///< each is done before the next begins; the first failure ends it
  at_once,  ///< a restart stops all before it starts any; a failure does not affect the others
};
inline constexpr auto all_group_orders = base::all_of<GroupOrder, GroupOrder::at_once>();
[[nodiscard]] constexpr std::string_view to_string(GroupOrder order) {
  return base::name_of<all_group_orders>(order, {"rolling", "at_once"});
}

/// The alert behind a command, and its rule's limits.
struct Trigger {
  std::string rule;
  std::string fingerprint;
  base::SystemTime began;      ///< when the alert fired: its startsAt
  bool later_attempt = false;  ///< the episode has acted before
  Limits limits;
  friend bool operator==(const Trigger&, const Trigger&) = default;
};

struct Command {
  Action action = Action::start;
  Target target;
  Source source = Source::api;
  std::string actor;  ///< the name of the token or client certificate
  /// What this actor may act on.
  std::vector<substrate::Selector> actor_allow;
  std::string reason;  ///< in the actor's words, for the record
  std::string signal;  ///< for Action::signal alone
  /// force: a stop is done as soon as it is requested. A restart is always graceful.
  substrate::StopMode stop_mode = substrate::StopMode::graceful;
  /// Act only if this is still the current run just before acting.
  std::optional<substrate::Incarnation> if_incarnation;
  /// Answer what would be done, and do nothing.
  bool dry_run = false;
  /// Not empty: the same actor's same key is the same operation.
  std::string idempotency_key;
  /// Set for a command on a whole group: then the target's process name is empty.
  std::optional<GroupOrder> group_order;
  /// With Source::alert alone: what the guards judge it by.
  std::optional<Trigger> trigger;

  friend bool operator==(const Command&, const Command&) = default;
};

/// What a look at the process gave.
using Observation = base::Result<substrate::InstanceDetail>;

}  // namespace reeve::guards
