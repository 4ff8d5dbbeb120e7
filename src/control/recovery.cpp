// What an earlier run of the agent left in the journal: history, and interrupted operations.

#include <algorithm>
#include <utility>

#include "control/controller_state.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;

namespace {

/// The newest step of an interrupted group operation: its own or one of its members'.
base::SystemTime newest_step(const Operation& group, const std::vector<Operation>& all) {
  base::SystemTime newest = last_step_at(group);
  for (const guards::Target& member : group.command.targets()) {
    for (const Operation& each : all) {
      if (overlap(each.command.target, member)) {
        newest = std::max(newest, last_step_at(each));
      }
    }
  }
  return newest;
}

base::Error not_done(const std::string& why) {
  return {ErrorKind::conflict, "the agent ended before this was done: " + why};
}

}  // namespace

base::SystemTime Controller::State::resume_eligible_since(const std::string& supervisor) {
  const base::SystemTime now_is = clock.system_now();
  const auto snapshot = deps.snapshot();
  return up_since.with([&](auto& times) {
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

ResumptionInputs Controller::State::resumption_inputs(const guards::Target& target) {
  std::optional<std::string> maintenance;
  if (deps.maintenance != nullptr) {
    maintenance = deps.maintenance->unreadable();
    if (const auto window = deps.maintenance->covering(target)) {
      maintenance = window->reason;
    }
  }
  const auto group = interrupted_groups.find({target.supervisor, target.name.group});
  return {
      .eligible_since = resume_eligible_since(target.supervisor),
      .resume_within = options.copy().resume_within,
      .group_step = group == interrupted_groups.end() ? std::nullopt : std::optional(group->second),
      .maintenance = std::move(maintenance)};
}

void Controller::State::restore() {
  if (deps.journal == nullptr) {
    return;
  }
  const std::vector<Operation>& restored = deps.journal->restored();
  for (const Operation& each : restored) {
    operations.with([&](OperationTable& table) { table.restore(each); });
    if (each.command.group_order && !each.done()) {
      const base::SystemTime newest = newest_step(each, restored);
      for (const guards::Target& target : each.command.targets()) {
        interrupted_groups[{target.supervisor, target.name.group}] = newest;
      }
    }
  }
  abandon_queued(not_done("nothing was done yet"));
}

bool Controller::State::may_resume(const Operation& operation) {
  const auto snapshot = deps.snapshot();
  const auto* const supervisor = snapshot->find(operation.command.target.supervisor);
  return (supervisor != nullptr && supervisor->up) || operation.command.group_order ||
         member_of(operation.command.target.supervisor) == nullptr ||
         is_too_old(operation, resumption_inputs(operation.command.target));
}

bool Controller::State::resume(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const guards::Target& target = operation.command.target;
  if (operation.command.group_order) {
    abandon(std::move(operation), "each of its processes is resumed or abandoned by itself");
    return true;
  }
  if (operation.command.action == guards::Action::update) {
    return resume_update(std::move(operation));
  }
  const monitor::Member* const member = member_of(target.supervisor);
  if (member == nullptr) {
    abandon(std::move(operation), "its supervisord is no longer configured");
    return true;
  }
  const guards::Observation seen = member->substrate->get_instance(
      target.name, Deadline::after(clock, member->call_timeout, drain_requested.get_token()));
  const Resumption next =
      decide_resumption(operation, seen, resumption_inputs(operation.command.target));
  switch (next.kind) {
    case Resumption::Kind::wait:
      operations.with([&](OperationTable& table) { table.put_back(operation.id); });
      return false;
    case Resumption::Kind::abandon:
      abandon(std::move(operation), next.why);
      return true;
    case Resumption::Kind::resume:
      break;
  }
  log.info("an interrupted action is resumed",
           {{"operation", operation.id}, {"process", target.text()}});
  const ExecutionContext context = context_for(operation);
  finish(control::resume(std::move(operation), seen, context), begun);
  return true;
}

void Controller::State::abandon(Operation operation, const std::string& why) {
  operation.error = not_done(why);
  finish(ended(std::move(operation), OperationResult::abandoned), clock.steady_now());
}

}  // namespace reeve::control
