#include "guards/policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/signal_name.h"
#include "base/text.h"
#include "substrate/own_program.h"

namespace reeve::guards {

using base::ErrorKind;

namespace {

struct PolicyCase {
  const Command& command;
  const PolicyInputs& inputs;
  const Options& options;
};

std::optional<Refusal> because(Reason reason, ErrorKind kind, std::string message) {
  return Refusal{reason, {kind, std::move(message)}};
}

/// supervisord reads `group:*` as the whole group, and a client could mean it so.
std::optional<Refusal> names_no_single_process(const PolicyCase& each) {
  const substrate::InstanceName& name = each.command.target.name;
  const auto addresses_many = [](const std::string& part) { return part.empty() || part == "*"; };
  if (addresses_many(name.group) || addresses_many(name.name)) {
    return because(Reason::no_single_process, ErrorKind::invalid_argument,
                   "'" + name.full() + "' does not name one process");
  }
  return std::nullopt;
}

std::optional<Refusal> unknown_supervisor(const PolicyCase& each) {
  const std::string& name = each.command.target.supervisor;
  const auto& snapshot = *each.inputs.snapshot;
  if (snapshot.find(name) != nullptr) {
    return std::nullopt;
  }
  return because(Reason::no_target, ErrorKind::not_found, no_such_supervisor(name, snapshot));
}

std::optional<Refusal> supervisor_unreachable(const PolicyCase& each) {
  const auto* const supervisor = each.inputs.snapshot->find(each.command.target.supervisor);
  if (supervisor->up) {
    return std::nullopt;
  }
  const auto kind = supervisor->shutting_down ? ErrorKind::shutting_down : ErrorKind::unreachable;
  return because(
      Reason::unreachable, kind,
      "supervisord at " + supervisor->url + " does not take calls: " +
          (supervisor->last_error.empty() ? "it was not asked yet" : supervisor->last_error));
}

std::optional<Refusal> unknown_process(const PolicyCase& each) {
  const Target& target = each.command.target;
  if (each.inputs.snapshot->find(target.supervisor)->find(target.name) != nullptr) {
    return std::nullopt;
  }
  return because(Reason::no_target, ErrorKind::not_found, no_such_process(target));
}

std::optional<Refusal> unknown_group(const PolicyCase& each) {
  if (!addressed_by(each.command, *each.inputs.snapshot, {}).empty()) {
    return std::nullopt;
  }
  return because(Reason::no_target, ErrorKind::not_found,
                 "supervisord has no group '" + each.command.target.name.group + "'");
}

bool is_own_process(const PolicyCase& each) {
  const Target& target = each.command.target;
  const auto* const supervisor = each.inputs.snapshot->find(target.supervisor);
  const auto* const process = supervisor == nullptr ? nullptr : supervisor->find(target.name);
  return each.inputs.is_own_process && process != nullptr &&
         each.inputs.is_own_process(*supervisor, process->detail);
}

/// Reeve could stop itself, but not start itself again.
std::optional<Refusal> own_program(const PolicyCase& each) {
  const substrate::InstanceName& name = each.command.target.name;
  const auto& own = each.inputs.own_programs;
  const auto programs = each.inputs.programs();
  if (!programs) {
    return because(Reason::unreachable, programs.error().kind,
                   "whether '" + name.text() +
                       "' is Reeve itself could not be asked: " + programs.error().message);
  }
  const bool runs_reeve = std::any_of(
      (*programs)->begin(), (*programs)->end(), [&](const substrate::ProgramConfig& program) {
        return program.name == name && substrate::runs_reeve(program);
      });
  const bool is_own =
      runs_reeve || std::find(own.begin(), own.end(), name) != own.end() || is_own_process(each);
  if (!is_own) {
    return std::nullopt;
  }
  return because(Reason::own_program, ErrorKind::denied,
                 "'" + name.text() + "' is Reeve itself: use supervisorctl");
}

std::optional<Refusal> denied(const std::string& what, const std::string& why) {
  return because(Reason::not_allowed, ErrorKind::denied,
                 "'" + what + "' may not be acted on: " + why);
}

/// Whether the list has every process that the group may have.
bool allows_group(const std::vector<substrate::Selector>& allow, const Target& group) {
  const std::string all = group.name.group + ":*";
  return std::any_of(allow.begin(), allow.end(), [&](const substrate::Selector& each) {
    return each.text() == "*" || each.text() == all ||
           each.text() == substrate::qualified(group.supervisor, all);
  });
}

/// Asked before anything is said of the process or group: an actor learns nothing of what is not in
/// its list, not even whether it exists.
std::optional<Refusal> not_allowed_to_actor(const PolicyCase& each) {
  const Command& command = each.command;
  const auto known = known_names(*each.inputs.snapshot);
  const auto allows = [&](const substrate::InstanceName& name) {
    return any_matches(command.actor_allow, command.target.supervisor, name, known);
  };
  const std::string by = "the allow list of '" + command.actor + "'";
  if (!command.target.name.name.empty()) {
    const substrate::InstanceName& name = command.target.name;
    return allows(name) ? std::nullopt : denied(name.text(), "it is not in " + by);
  }
  const auto members = addressed_by(command, *each.inputs.snapshot, {});
  const bool all = std::all_of(members.begin(), members.end(),
                               [&](const auto& member) { return allows(member.name); });
  return all && (!members.empty() || allows_group(command.actor_allow, command.target))
             ? std::nullopt
             : denied(command.target.name.group + ":*", "not all of it is in " + by);
}

std::optional<Refusal> not_allowed(const PolicyCase& each) {
  const std::string& supervisor = each.command.target.supervisor;
  const substrate::InstanceName& name = each.command.target.name;
  const auto known = known_names(*each.inputs.snapshot);
  if (!any_matches(each.options.allow, supervisor, name, known)) {
    return denied(name.text(), "it is not in control.allow");
  }
  if (any_covers(each.options.deny, supervisor, name, known)) {
    return denied(name.text(), "it is in control.deny");
  }
  return std::nullopt;
}

std::optional<Refusal> signal_not_allowed(const PolicyCase& each) {
  const auto& allowed = each.options.signals;
  if (each.command.action != Action::signal) {
    return std::nullopt;
  }
  const auto asked = base::signal_name(each.command.signal);
  const auto is_asked = [&](const std::string& name) { return base::signal_name(name) == asked; };
  if (asked && std::any_of(allowed.begin(), allowed.end(), is_asked)) {
    return std::nullopt;
  }
  return because(Reason::signal_not_allowed, ErrorKind::denied,
                 "the signal '" + each.command.signal +
                     "' is not among control.signals: " + base::join(allowed, ", "));
}

/// The snapshot lags behind: only a run that it knows to have ended is refused here; the look just
/// before acting refuses the others. A dry run has no such look.
std::optional<Refusal> stale(const PolicyCase& each) {
  const Command& command = each.command;
  const Target& target = command.target;
  const auto* const process = each.inputs.snapshot->find(target.supervisor)->find(target.name);
  const auto current = process->detail.incarnation();
  const auto& asked = command.if_incarnation;
  if (!asked || (current ? current->start <= asked->start : !command.dry_run)) {
    return std::nullopt;
  }
  return Refusal{Reason::stale, another_run(command, current)};
}

template <std::size_t count>
std::optional<Refusal> first_of(
    const std::array<std::optional<Refusal> (*)(const PolicyCase&), count>& checks,
    const PolicyCase& each) {
  for (const auto check : checks) {
    if (auto refusal = check(each)) {
      return refusal;
    }
  }
  return std::nullopt;
}

std::optional<Refusal> forbidden_in(const PolicyCase& each) {
  return first_of(std::array{not_allowed_to_actor, own_program, not_allowed, signal_not_allowed},
                  each);
}

}  // namespace

std::optional<Refusal> refuse(const Command& command, const PolicyInputs& inputs,
                              const Options& options) {
  const PolicyCase whole{command, inputs, options};
  if (!command.group_order) {
    constexpr std::array checks = {names_no_single_process,
                                   unknown_supervisor,
                                   not_allowed_to_actor,
                                   supervisor_unreachable,
                                   unknown_process,
                                   forbidden_in,
                                   stale};
    return first_of(checks, whole);
  }
  if (auto refusal = first_of(std::array{unknown_supervisor, not_allowed_to_actor,
                                         supervisor_unreachable, unknown_group},
                              whole)) {
    return refusal;
  }
  for (const auto& member : addressed_by(command, *inputs.snapshot, {})) {
    Command alone = command;
    alone.target.name = member.name;
    if (auto refusal = forbidden_in({alone, inputs, options})) {
      return refusal;
    }
  }
  return std::nullopt;
}

std::optional<Refusal> forbid(const Command& command, const PolicyInputs& inputs,
                              const Options& options) {
  return forbidden_in({command, inputs, options});
}

std::vector<substrate::InstanceDetail> addressed_by(const Command& command,
                                                    const monitor::Snapshot& snapshot,
                                                    base::SteadyTime now) {
  std::vector<substrate::InstanceDetail> found;
  const auto* const supervisor = snapshot.find(command.target.supervisor);
  if (supervisor == nullptr) {
    return found;
  }
  const substrate::InstanceName& wanted = command.target.name;
  for (const monitor::ProcessSnapshot& each : supervisor->processes) {
    const substrate::InstanceName& name = each.detail.name;
    if (command.group_order ? name.group == wanted.group : name == wanted) {
      found.push_back(each.detail_at(now));
    }
  }
  return found;
}

substrate::KnownNames known_names(const monitor::Snapshot& snapshot) {
  return {
      .has_supervisor =
          [&snapshot](std::string_view name) { return snapshot.find(name) != nullptr; },
      .has_process =
          [&snapshot](std::string_view supervisor, const substrate::InstanceName& name) {
            const auto* const found = snapshot.find(supervisor);
            return found != nullptr && found->find(name) != nullptr;
          },
  };
}

base::Error another_run(const Command& command,
                        const std::optional<substrate::Incarnation>& current) {
  const std::string asked = command.if_incarnation->text();
  return {ErrorKind::stale, "'" + command.target.name.text() +
                                (current ? "' was started again meanwhile: it is " +
                                               current->text() + " in place of " + asked
                                         : "' does not run any more: it was " + asked) +
                                " (pid and time of the start); nothing was done"};
}

std::string no_such_supervisor(const std::string& name, const monitor::Snapshot& snapshot) {
  return "no supervisord named '" + name +
         "' is configured; there are: " + supervisor_names(snapshot);
}

std::string no_such_process(const Target& target) {
  return "supervisord has no process '" + target.name.text() + "'";
}

std::string supervisor_names(const monitor::Snapshot& snapshot) {
  return base::join(snapshot.supervisors, ", ", &monitor::SupervisorSnapshot::name);
}

}  // namespace reeve::guards
