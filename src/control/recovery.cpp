// What an earlier run of the agent left behind: history, and what it did not end.

#include <algorithm>
#include <utility>

#include "control/controller_state.h"
#include "control/resume.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;

namespace {

/// The newest step of a group's operation that was cut off: its own and its processes'.
base::SystemTime newest_step(const Operation& whole, const std::vector<Operation>& all) {
  base::SystemTime newest = last_step(whole);
  for (const Operation& each : all) {
    const guards::Target& target = each.command.target;
    if (target.supervisor == whole.command.target.supervisor &&
        target.name.group == whole.command.target.name.group) {
      newest = std::max(newest, last_step(each));
    }
  }
  return newest;
}

base::Error not_done(const std::string& why) {
  return {ErrorKind::conflict, "the agent ended before this was done: " + why};
}

}  // namespace

base::SystemTime Controller::State::turn_came(const std::string& supervisor) {
  const base::SystemTime now_is = clock.system_now();
  const auto snapshot = around.snapshot();
  return came_up.with([&](auto& times) {
    for (const monitor::SupervisorSnapshot& each : snapshot->supervisors) {
      if (each.up) {
        times.try_emplace(each.name, now_is);
      } else {
        times.erase(each.name);
      }
    }
    const auto found = times.find(supervisor);
    return found == times.end() ? now_is : found->second;
  });
}

Circumstances Controller::State::circumstances_of(const guards::Target& target) {
  std::optional<std::string> maintenance;
  if (around.maintenance != nullptr) {
    maintenance = around.maintenance->unreadable();
    if (const auto window = around.maintenance->covering(target)) {
      maintenance = window->reason;
    }
  }
  const auto group = cut_off_groups.find({target.supervisor, target.name.group});
  return {.now = turn_came(target.supervisor),
          .resume_within = options.copy().resume_within,
          .group_step = group == cut_off_groups.end() ? std::nullopt : std::optional(group->second),
          .maintenance = std::move(maintenance)};
}

void Controller::State::restore() {
  if (around.journal == nullptr) {
    return;
  }
  const std::vector<Operation>& restored = around.journal->restored();
  for (const Operation& each : restored) {
    ledger.with([&](Ledger& all) { all.restore(each); });
    if (each.command.whole_group && !each.done()) {
      const guards::Target& target = each.command.target;
      cut_off_groups[{target.supervisor, target.name.group}] = newest_step(each, restored);
    }
  }
  abandon_queued(not_done("nothing was done yet"));
}

bool Controller::State::may_go_on(const Operation& operation) {
  const auto snapshot = around.snapshot();
  const auto* const supervisor = snapshot->find(operation.command.target.supervisor);
  return (supervisor != nullptr && supervisor->up) || operation.command.whole_group ||
         member_of(operation.command.target.supervisor) == nullptr ||
         is_too_old(operation, circumstances_of(operation.command.target));
}

bool Controller::State::go_on(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const guards::Target& target = operation.command.target;
  if (operation.command.whole_group) {
    abandon(std::move(operation), "each of its processes is seen to for itself");
    return true;
  }
  const monitor::Member* const member = member_of(target.supervisor);
  if (member == nullptr) {
    abandon(std::move(operation), "its supervisord is no longer configured");
    return true;
  }
  const Seen seen = member->substrate->get_instance(
      target.name, Deadline::after(clock, member->call_timeout, hurry.get_token()));
  const Resumption next = resume(operation, seen, circumstances_of(operation.command.target));
  switch (next.kind) {
    case Resumption::Kind::wait:
      ledger.with([&](Ledger& all) { all.put_back(operation.id); });
      return false;
    case Resumption::Kind::abandon:
      abandon(std::move(operation), next.why);
      return true;
    case Resumption::Kind::go_on:
      break;
  }
  log.info("an action that was cut off goes on",
           {{"operation", operation.id}, {"process", target.text()}});
  const Errand errand = errand_for(operation);
  finish(run_on(std::move(operation), seen, errand), clock.steady_now() - begun);
  return true;
}

void Controller::State::abandon(Operation operation, const std::string& why) {
  operation.error = not_done(why);
  finish(ended(std::move(operation), OperationResult::abandoned), base::Duration::zero());
}

}  // namespace reeve::control
