#pragma once

// A command: the action that a person or an alert asks for, on one process or on a group. A value;
// api and alerts make it, guards judge it, control carries it out.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordination/documents.h"
#include "guards/options.h"
#include "promql/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/substrate.h"
#include "substrate/selector.h"

namespace reeve::guards {

/// update: take over supervisord's changed configuration, of whole groups.
enum class Action : std::uint8_t { start, stop, restart, signal, update };
inline constexpr auto all_actions = base::all_of<Action, Action::update>();
[[nodiscard]] constexpr std::string_view to_string(Action action) {
  return base::name_of<all_actions>(action, {"start", "stop", "restart", "signal", "update"});
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
  /// Asked just before acting: without a result nothing is done. Not in the journal, for what is
  /// resumed asks no guard.
  std::optional<promql::Query> only_if = {};
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
  /// Set for a command on a whole group, whose target has no process's name, and for a batch.
  std::optional<GroupOrder> group_order;
  /// Not empty: a batch, on these processes, or for an update these groups. The target has no names
  /// then, and no supervisord unless they are all of one.
  std::vector<Target> batch;
  /// For Action::update alone: the groups that were asked for; empty: all that have changed.
  std::vector<std::string> groups;
  /// With Source::alert alone: what the guards judge it by.
  std::optional<Trigger> trigger;
  /// Held until the operation ends, under a limit that all hosts share.
  std::optional<coordination::Slot> slot = std::nullopt;
  /// The id that the operation gets, if it was reserved; the slot's holder says it.
  std::string reserved_id = {};

  /// What it is on: one process, a group, or those of the batch.
  [[nodiscard]] std::vector<Target> targets() const {
    return batch.empty() ? std::vector{target} : batch;
  }
  /// The same, for people.
  [[nodiscard]] std::string subject() const {
    if (batch.empty()) {
      return target.name.group.empty() ? "supervisord" : target.text();
    }
    return batch.size() == 1 ? batch.front().text()
                             : std::to_string(batch.size()) +
                                   (action == Action::update ? " groups" : " processes");
  }
  friend bool operator==(const Command&, const Command&) = default;
};

/// Whether one is, or is in, the other.
[[nodiscard]] inline bool overlap(const Target& a, const Target& b) {
  return a.supervisor == b.supervisor && a.name.group == b.name.group &&
         (a.name.name == b.name.name || a.name.name.empty() || b.name.name.empty());
}

/// The command on one of its members alone.
[[nodiscard]] inline Command command_on(Command several, Target member) {
  several.group_order.reset();
  several.batch.clear();
  several.idempotency_key.clear();  // it is that of the whole
  several.slot.reset();             // likewise
  several.target = std::move(member);
  return several;
}

/// What a look at the process gave.
using Observation = base::Result<substrate::InstanceDetail>;

}  // namespace reeve::guards
