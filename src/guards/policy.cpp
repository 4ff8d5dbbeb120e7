#include "guards/policy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/text.h"
#include "control/next_step.h"
#include "guards/absent.h"
#include "substrate/own_program.h"

namespace reeve::guards {

using base::ErrorKind;

namespace {

/// Why not; nothing if nothing stands against it.
using Objection = std::optional<Refusal>;

struct Case {
  const Command& command;
  const Facts& facts;
  const Options& options;
};

Objection because(RefusalReason reason, ErrorKind kind, std::string message,
                  std::optional<Verdict> verdict = std::nullopt) {
  return Refusal{reason, {kind, std::move(message)}, {}, verdict};
}

/// supervisord reads `group:*` as the whole group, and a client could mean it so.
Objection names_no_single_process(const Case& each) {
  const substrate::InstanceName& name = each.command.target.name;
  const auto addresses_many = [](const std::string& part) { return part.empty() || part == "*"; };
  if (addresses_many(name.group) || addresses_many(name.name)) {
    return because(RefusalReason::invalid, ErrorKind::invalid_argument,
                   "'" + name.full() + "' does not name one process", Verdict::no_target);
  }
  return std::nullopt;
}

Objection unknown_supervisor(const Case& each) {
  const std::string& name = each.command.target.supervisor;
  const auto& snapshot = *each.facts.snapshot;
  if (snapshot.find(name) != nullptr) {
    return std::nullopt;
  }
  return because(RefusalReason::not_found, ErrorKind::not_found, no_such_supervisor(name, snapshot),
                 Verdict::no_target);
}

Objection supervisor_away(const Case& each) {
  const auto* const supervisor = each.facts.snapshot->find(each.command.target.supervisor);
  if (supervisor->up) {
    return std::nullopt;
  }
  const auto kind = supervisor->shutting_down ? ErrorKind::shutting_down : ErrorKind::unreachable;
  return because(
      RefusalReason::unreachable, kind,
      "supervisord at " + supervisor->url + " does not take calls: " +
          (supervisor->last_error.empty() ? "it was not asked yet" : supervisor->last_error),
      Verdict::unreachable);
}

Objection unknown_process(const Case& each) {
  const Target& target = each.command.target;
  if (each.facts.snapshot->find(target.supervisor)->find(target.name) != nullptr) {
    return std::nullopt;
  }
  return because(RefusalReason::not_found, ErrorKind::not_found, no_such_process(target),
                 Verdict::no_target);
}

Objection unknown_group(const Case& each) {
  if (!about(*each.facts.snapshot, each.command).empty()) {
    return std::nullopt;
  }
  return because(RefusalReason::not_found, ErrorKind::not_found,
                 "supervisord has no group '" + each.command.target.name.group + "'",
                 Verdict::no_target);
}

/// Reeve cannot stop itself and then start itself again; nor would an alert on its own absence
/// be answered twice.
Objection own_program(const Case& each) {
  const substrate::InstanceName& name = each.command.target.name;
  const auto& own = each.facts.own_programs;
  const auto programs = each.facts.programs();
  if (!programs) {
    return because(RefusalReason::unreachable, programs.error().kind,
                   "whether '" + name.text() +
                       "' is Reeve itself could not be asked: " + programs.error().message,
                   Verdict::unreachable);
  }
  const bool runs_reeve = std::any_of(
      (*programs)->begin(), (*programs)->end(), [&](const substrate::ProgramConfig& program) {
        return program.name == name && substrate::runs_reeve(program);
      });
  if (!runs_reeve && std::find(own.begin(), own.end(), name) == own.end()) {
    return std::nullopt;
  }
  return because(RefusalReason::own_program, ErrorKind::denied,
                 "'" + name.text() + "' is Reeve itself: use supervisorctl", Verdict::self);
}

Objection not_allowed(const Case& each) {
  const std::string& supervisor = each.command.target.supervisor;
  const substrate::InstanceName& name = each.command.target.name;
  const auto denied = [&](const std::string& by) {
    return because(RefusalReason::not_allowed, ErrorKind::denied,
                   "'" + name.text() + "' may not be acted on: " + by, Verdict::not_allowed);
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

Objection signal_not_allowed(const Case& each) {
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
  return because(RefusalReason::signal_not_allowed, ErrorKind::denied,
                 "the signal '" + each.command.signal +
                     "' is not among control.signals: " + base::join(allowed, ", "));
}

/// The snapshot lags behind: only a run that it knows to be over is refused here, the rest is
/// for the look just before acting. A rehearsal has no such look.
Objection stale(const Case& each) {
  const Command& command = each.command;
  const Target& target = command.target;
  const auto* const process = each.facts.snapshot->find(target.supervisor)->find(target.name);
  const auto current = process->detail.incarnation();
  const auto& asked = command.if_incarnation;
  if (!asked || (current ? current->start <= asked->start : !command.dry_run)) {
    return std::nullopt;
  }
  return Refusal{RefusalReason::stale, another_run(command, current), {}, {}};
}

template <std::size_t count>
Objection first_of(const std::array<Objection (*)(const Case&), count>& checks, const Case& each) {
  for (const auto check : checks) {
    if (auto objection = check(each)) {
      return objection;
    }
  }
  return std::nullopt;
}

Objection forbidden_in(const Case& each) {
  return first_of(std::array{own_program, not_allowed, signal_not_allowed}, each);
}

}  // namespace

Objection refuse(const Command& command, const Facts& facts, const Options& options) {
  const Case whole{command, facts, options};
  if (!command.whole_group) {
    constexpr std::array checks = {names_no_single_process, unknown_supervisor, supervisor_away,
                                   unknown_process,         forbidden_in,       stale};
    return first_of(checks, whole);
  }
  if (auto objection =
          first_of(std::array{unknown_supervisor, supervisor_away, unknown_group}, whole)) {
    return objection;
  }
  for (const auto& member : about(*facts.snapshot, command)) {
    Command alone = command;
    alone.target.name = member.name;
    if (auto objection = forbidden_in({alone, facts, options})) {
      return objection;
    }
  }
  return std::nullopt;
}

Objection forbid(const Command& command, const Facts& facts, const Options& options) {
  return forbidden_in({command, facts, options});
}

std::vector<substrate::InstanceDetail> about(const monitor::Snapshot& snapshot,
                                             const Command& command) {
  std::vector<substrate::InstanceDetail> found;
  const auto* const supervisor = snapshot.find(command.target.supervisor);
  if (supervisor == nullptr) {
    return found;
  }
  const substrate::InstanceName& wanted = command.target.name;
  for (const monitor::ProcessSnapshot& each : supervisor->processes) {
    const substrate::InstanceName& name = each.detail.name;
    if (command.whole_group ? name.group == wanted.group : name == wanted) {
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

}  // namespace reeve::guards
