#pragma once

// What somebody asks to be done to one process: a value, made by whoever speaks to the client.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guards/trigger.h"
#include "reeve/base/enumeration.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/substrate.h"
#include "substrate/selector.h"

namespace reeve::guards {

enum class Action : std::uint8_t { start, stop, restart, signal };
inline constexpr auto all_actions = base::all_of<Action, Action::signal>();
[[nodiscard]] std::string_view to_string(Action action);

/// Through which door the command came.
enum class Source : std::uint8_t { api, alert };
inline constexpr auto all_sources = base::all_of<Source, Source::alert>();
[[nodiscard]] std::string_view to_string(Source source);

/// One process of one supervisord; `supervisor` is empty for the single, unnamed one.
struct Target {
  std::string supervisor;
  substrate::InstanceName name;

  /// `group:name`, with `SUPERVISOR/` before it where it has a name: for people and logs. For a
  /// whole group `group:*`.
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const Target&, const Target&) = default;
};

/// How the members of a group are acted on.
enum class GroupOrder : std::uint8_t {
  rolling,  ///< each is done before the next begins; the first that fails ends it
  at_once,  ///< a restart stops all before it starts any; what fails keeps no other from its turn
};
inline constexpr auto all_group_orders = base::all_of<GroupOrder, GroupOrder::at_once>();
[[nodiscard]] std::string_view to_string(GroupOrder order);

struct Command {
  Action action = Action::start;
  Target target;
  Source source = Source::api;
  std::string actor;  ///< the name of the token or client certificate
  /// What this actor may act on; nothing unless said.
  std::vector<substrate::Selector> actor_allow;
  std::string reason;  ///< in the actor's words, for the record
  std::string signal;  ///< for Action::signal alone
  /// force: a stop is done once it is asked for. A restart is always graceful.
  substrate::StopMode stop_mode = substrate::StopMode::graceful;
  /// Only if this is the run that is current just before acting.
  std::optional<substrate::Incarnation> if_incarnation;
  /// Say what would be done, and do nothing.
  bool dry_run = false;
  /// Not empty: the same actor's same key is the same operation.
  std::string idempotency_key;
  /// Not one process but its whole group is meant: then the target's name is empty.
  std::optional<GroupOrder> whole_group;
  /// With Source::alert: what the guards go by.
  std::optional<Trigger> trigger;

  friend bool operator==(const Command&, const Command&) = default;
};

}  // namespace reeve::guards
