#include "guards/policy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

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
  if (!addressed_by(each.command, *each.inputs.snapshot).empty()) {
    return std::nullopt;
  }
  return because(Reason::no_target, ErrorKind::not_found,
                 "supervisord has no group '" + each.command.target.name.group + "'");
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
  if (!runs_reeve && std::find(own.begin(), own.end(), name) == own.end()) {
    return std::nullopt;
  }
  return because(Reason::own_program, ErrorKind::denied,
                 "'" + name.text() + "' is Reeve itself: use supervisorctl");
}

std::optional<Refusal> not_allowed(const PolicyCase& each) {
  const std::string& supervisor = each.command.target.supervisor;
  const substrate::InstanceName& name = each.command.target.name;
  const auto denied = [&](const std::string& by) {
    return because(Reason::not_allowed, ErrorKind::denied,
                   "'" + name.text() + "' may not be acted on: " + by);
  };
  if (!any_matches(each.command.actor_allow, supervisor, name)) {
    return denied("it is not in the allow list of '" + each.command.actor + "'");
  }
  if (!any_matches(each.options.allow, supervisor, name)) {
    return denied("it is not in control.allow");
  }
  if (any_covers(each.options.deny, supervisor, name)) {
    return denied("it is in control.deny");
  }
  return std::nullopt;
}

std::optional<Refusal> signal_not_allowed(const PolicyCase& each) {
  const auto& allowed = each.options.signals;
  if (each.command.action != Action::signal) {
    return std::nullopt;
  }
  const bool listed = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& name) {
    return canonical_signal(name) == canonical_signal(each.command.signal);
  });
  if (listed) {
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
  return first_of(std::array{own_program, not_allowed, signal_not_allowed}, each);
}

}  // namespace

std::optional<Refusal> refuse(const Command& command, const PolicyInputs& inputs,
                              const Options& options) {
  const PolicyCase whole{command, inputs, options};
  if (!command.group_order) {
    constexpr std::array checks = {
        names_no_single_process, unknown_supervisor, supervisor_unreachable,
        unknown_process,         forbidden_in,       stale};
    return first_of(checks, whole);
  }
  if (auto refusal =
          first_of(std::array{unknown_supervisor, supervisor_unreachable, unknown_group}, whole)) {
    return refusal;
  }
  for (const auto& member : addressed_by(command, *inputs.snapshot)) {
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
                                                    const monitor::Snapshot& snapshot) {
  std::vector<substrate::InstanceDetail> found;
  const auto* const supervisor = snapshot.find(command.target.supervisor);
  if (supervisor == nullptr) {
    return found;
  }
  const substrate::InstanceName& wanted = command.target.name;
  for (const monitor::ProcessSnapshot& each : supervisor->processes) {
    const substrate::InstanceName& name = each.detail.name;
    if (command.group_order ? name.group == wanted.group : name == wanted) {
      found.push_back(each.detail);
    }
  }
  return found;
}

std::string canonical_signal(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  return name.starts_with("SIG") ? name.substr(3) : name;
}

base::Error another_run(const Command& command,
                        const std::optional<substrate::Incarnation>& current) {
  return {ErrorKind::stale, "'" + command.target.name.text() + "' is not the run " +
                                command.if_incarnation->text() + " but " +
                                (current ? current->text() : "not running")};
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
