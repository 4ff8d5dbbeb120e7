#include "alerts/screening.h"

#include <algorithm>
#include <string>
#include <utility>

#include "guards/policy.h"

namespace reeve::alerts {

using guards::Reason;
using guards::Target;

namespace {

void decide(ScreenedAlert& screened, Reason verdict, std::string reason) {
  screened.decision.decision = {verdict, std::move(reason)};
}

std::string identity_mismatch(const Alert& alert, const Rules& rules) {
  for (const auto& [label, value] : rules.options().identity) {
    const auto found = alert.labels.find(label);
    if (found == alert.labels.end() || found->second != value) {
      return std::string("its label '")
          .append(label)
          .append("' is not '")
          .append(value)
          .append("': the alert is another agent's");
    }
  }
  return "";
}

/// A target without a supervisord means the only one there is.
base::Result<Target> target_of(const Alert& alert, const CompiledRule& rule,
                               const monitor::Snapshot& snapshot) {
  auto target = rule.target.fill(alert.labels);
  if (target && target->supervisor.empty() && snapshot.supervisors.size() == 1) {
    target->supervisor = snapshot.supervisors.front().name;
  }
  return target;
}

/// Why this is not one known process; nothing if it is.
std::optional<guards::GuardDecision> target_problem(const Target& target,
                                                    const monitor::Snapshot& snapshot) {
  const auto* const supervisor = snapshot.find(target.supervisor);
  if (supervisor == nullptr) {
    return guards::GuardDecision{Reason::no_target,
                                 guards::no_such_supervisor(target.supervisor, snapshot)};
  }
  if (supervisor->find(target.name) != nullptr) {
    return std::nullopt;
  }
  if (!supervisor->up && supervisor->processes.empty()) {
    return guards::GuardDecision{Reason::unreachable,
                                 "supervisord was never read: " + supervisor->last_error};
  }
  return guards::GuardDecision{Reason::no_target, guards::no_such_process(target)};
}

/// Nothing if it is not one known process.
std::optional<Target> known_target(const Alert& alert, const CompiledRule& rule,
                                   const monitor::Snapshot& snapshot) {
  auto target = target_of(alert, rule, snapshot);
  return target && !target_problem(*target, snapshot) ? std::optional(*std::move(target))
                                                      : std::nullopt;
}

guards::Command command_of(const Alert& alert, const CompiledRule& rule, const Target& target,
                           const Sender& sender) {
  guards::Command command;
  command.action = rule.rule.action;
  command.target = target;
  command.source = guards::Source::alert;
  command.actor = sender.name;
  command.actor_allow = sender.allow;
  command.reason = "the alert " + alert.name();
  command.dry_run = rule.mode == Mode::dry_run;
  command.trigger = guards::Trigger{.rule = rule.rule.name,
                                    .fingerprint = alert.fingerprint,
                                    .began = alert.began,
                                    .later_attempt = false,
                                    .limits = rule.rule.limits,
                                    .only_if = rule.rule.only_if};
  return command;
}

void screen_target(const Alert& alert, const ScreeningContext& context, ScreenedAlert& screened) {
  const CompiledRule& rule = *screened.rule;
  const auto target = target_of(alert, rule, context.snapshot);
  if (!target) {
    return decide(screened, Reason::no_target, target.error().message);
  }
  screened.decision.target = *target;
  if (auto decision = target_problem(*target, context.snapshot)) {
    screened.decision.decision = *std::move(decision);
    return;
  }
  if (!any_matches(rule.rule.allow, target->supervisor, target->name,
                   guards::known_names(context.snapshot))) {
    return decide(screened, Reason::not_allowed,
                  "'" + target->text() + "' is not in the allow list of the rule");
  }
  guards::Command command = command_of(alert, rule, *target, context.sender);
  auto refusal = context.permit(command);
  screened.counts_for_breaker = !refusal || refusal->reason != Reason::not_allowed;
  // The controller itself answers `unreachable` when the command is submitted.
  if (refusal && refusal->reason != Reason::unreachable) {
    return decide(screened, verdict_of(refusal->reason), std::move(refusal->error.message));
  }
  screened.command = std::move(command);
}

ScreenedAlert undecided(const Alert& alert) {
  ScreenedAlert screened;
  screened.decision = {.fingerprint = alert.fingerprint,
                       .alertname = alert.name(),
                       .status = alert.status,
                       .rule = "",
                       .action = std::nullopt,
                       .target = std::nullopt,
                       .decision = {},
                       .operation = ""};
  return screened;
}

}  // namespace

ScreenedAlert screen(const Alert& alert, const ScreeningContext& context) {
  ScreenedAlert screened = undecided(alert);
  if (!alert.problem.empty()) {
    decide(screened, Reason::malformed, alert.problem);
    return screened;
  }
  if (!context.rules.is_for_this_agent(alert)) {
    decide(screened, Reason::not_here, identity_mismatch(alert, context.rules));
    return screened;
  }
  screened.rule = context.rules.find(alert);
  if (screened.rule == nullptr) {
    decide(screened, Reason::no_rule, "no rule matches its labels");
    return screened;
  }
  screened.decision.rule = screened.rule->rule.name;
  screened.decision.action = screened.rule->rule.action;
  if (screened.rule->mode == Mode::off) {
    decide(screened, Reason::off, "the rule is off");
  } else if (alert.status == AlertStatus::resolved) {
    screened.decision.target = known_target(alert, *screened.rule, context.snapshot);
    decide(screened, Reason::resolved, "the alert is over");
  } else {
    screen_target(alert, context, screened);
  }
  return screened;
}

ScreenedAlert without_rule(const Alert& alert, std::string why) {
  ScreenedAlert screened = undecided(alert);
  decide(screened, Reason::no_rule, std::move(why));
  return screened;
}

std::size_t count_allowed(const Rules& rules, const monitor::Snapshot& snapshot) {
  const auto known = guards::known_names(snapshot);
  std::size_t count = 0;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    count += static_cast<std::size_t>(std::count_if(
        supervisor.processes.begin(), supervisor.processes.end(), [&](const auto& process) {
          return std::any_of(rules.all().begin(), rules.all().end(), [&](const CompiledRule& rule) {
            return rule.mode != Mode::off &&
                   any_matches(rule.rule.allow, supervisor.name, process.detail.name, known);
          });
        }));
  }
  return count;
}

}  // namespace reeve::alerts
