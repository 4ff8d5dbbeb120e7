#include "alerts/screening.h"

#include <algorithm>
#include <utility>

#include "guards/absent.h"

namespace reeve::alerts {

using guards::Target;
using guards::Verdict;

namespace {

void decide(Screened& screened, Verdict verdict, std::string reason) {
  screened.decision.decision = {verdict, std::move(reason)};
}

std::string not_ours(const Alert& alert, const Rules& rules) {
  for (const auto& [label, value] : rules.options().identity) {
    const auto found = alert.labels.find(label);
    if (found == alert.labels.end() || found->second != value) {
      return "its label '" + label + "' is not '" + value + "': the alert is another agent's";
    }
  }
  return "";
}

/// Where no supervisord is named and there is only one, it is meant.
base::Result<Target> target_of(const Alert& alert, const ReadyRule& rule,
                               const monitor::Snapshot& snapshot) {
  auto target = rule.target.fill(alert.labels);
  if (target && target->supervisor.empty() && snapshot.supervisors.size() == 1) {
    target->supervisor = snapshot.supervisors.front().name;
  }
  return target;
}

/// Why this is not one known process; nothing if it is.
std::optional<guards::Decision> unknown(const Target& target, const monitor::Snapshot& snapshot) {
  const auto* const supervisor = snapshot.find(target.supervisor);
  if (supervisor == nullptr) {
    return guards::Decision{Verdict::no_target,
                            guards::no_such_supervisor(target.supervisor, snapshot)};
  }
  if (supervisor->find(target.name) != nullptr) {
    return std::nullopt;
  }
  if (!supervisor->up && supervisor->processes.empty()) {
    return guards::Decision{Verdict::unreachable,
                            "supervisord was never read: " + supervisor->last_error};
  }
  return guards::Decision{Verdict::no_target, guards::no_such_process(target)};
}

guards::Command command_of(const Alert& alert, const ReadyRule& rule, const Target& target,
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
                                    .limits = rule.rule.limits};
  return command;
}

void screen_target(const Alert& alert, const Screen& against, Screened& screened) {
  const ReadyRule& rule = *screened.rule;
  const auto target = target_of(alert, rule, against.snapshot);
  if (!target) {
    return decide(screened, Verdict::no_target, target.error().message);
  }
  screened.decision.target = *target;
  if (auto decision = unknown(*target, against.snapshot)) {
    screened.decision.decision = *std::move(decision);
    return;
  }
  if (!any_matches(rule.rule.allow, target->supervisor, target->name)) {
    return decide(screened, Verdict::not_allowed,
                  "'" + target->text() + "' is not in the allow list of the rule");
  }
  screened.counts = true;
  guards::Command command = command_of(alert, rule, *target, against.sender);
  auto refusal = against.permit(command);
  // A supervisord that is away is told of by the controller, if it comes to that.
  if (refusal && refusal->verdict != Verdict::unreachable) {
    return decide(screened, refusal->verdict.value_or(Verdict::not_allowed),
                  std::move(refusal->error.message));
  }
  screened.command = std::move(command);
}

}  // namespace

Screened screen(const Alert& alert, const Screen& against) {
  Screened screened;
  screened.decision = {.fingerprint = alert.fingerprint,
                       .alertname = alert.name(),
                       .status = alert.status,
                       .rule = "",
                       .action = std::nullopt,
                       .target = std::nullopt,
                       .decision = {},
                       .operation = ""};
  if (!against.rules.concerns_us(alert)) {
    decide(screened, Verdict::not_here, not_ours(alert, against.rules));
    return screened;
  }
  screened.rule = against.rules.find(alert);
  if (screened.rule == nullptr) {
    decide(screened, Verdict::no_rule, "no rule matches its labels");
    return screened;
  }
  screened.decision.rule = screened.rule->rule.name;
  screened.decision.action = screened.rule->rule.action;
  if (screened.rule->mode == Mode::off) {
    decide(screened, Verdict::off, "the rule is off");
  } else if (alert.status == AlertStatus::resolved) {
    decide(screened, Verdict::resolved, "the alert is over");
  } else {
    screen_target(alert, against, screened);
  }
  return screened;
}

std::size_t count_allowed(const Rules& rules, const monitor::Snapshot& snapshot) {
  std::size_t count = 0;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    count += static_cast<std::size_t>(std::count_if(
        supervisor.processes.begin(), supervisor.processes.end(), [&](const auto& process) {
          return std::any_of(rules.all().begin(), rules.all().end(), [&](const ReadyRule& rule) {
            return rule.mode != Mode::off &&
                   any_matches(rule.rule.allow, supervisor.name, process.detail.name);
          });
        }));
  }
  return count;
}

}  // namespace reeve::alerts
