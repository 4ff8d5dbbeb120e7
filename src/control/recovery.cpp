// What an earlier run of the agent left behind: history, and what it did not end.

#include <utility>

#include "control/controller_state.h"
#include "control/resume.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;

Circumstances Controller::State::circumstances_of(const Target& target) const {
  std::optional<std::string> maintenance;
  if (around.maintenance != nullptr) {
    maintenance = around.maintenance->unreadable();
    if (const auto window = around.maintenance->covering(target)) {
      maintenance = window->reason;
    }
  }
  return {.now = clock.system_now(),
          .resume_within = options.copy().resume_within,
          .maintenance = std::move(maintenance)};
}

void Controller::State::restore() {
  if (around.journal == nullptr) {
    return;
  }
  for (const Operation& each : around.journal->restored()) {
    ledger.with([&](Ledger& all) { all.restore(each); });
  }
  while (auto queued = ledger.with([](Ledger& all) { return all.take_queued(); })) {
    abandon(*std::move(queued), "nothing was done yet");
  }
}

bool Controller::State::may_go_on(const Operation& operation) const {
  const auto snapshot = around.snapshot();
  const auto* const supervisor = snapshot->find(operation.command.target.supervisor);
  return (supervisor != nullptr && supervisor->up) || operation.command.whole_group ||
         member_of(operation.command.target.supervisor) == nullptr ||
         is_too_old(operation, circumstances_of(operation.command.target));
}

bool Controller::State::go_on(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const Target& target = operation.command.target;
  if (operation.command.whole_group) {
    abandon(std::move(operation), "each of its processes is seen to for itself");
    return true;
  }
  const fleet::Member* const member = member_of(target.supervisor);
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
  operation.error = {ErrorKind::conflict, "the agent ended before this was done: " + why};
  finish(ended(std::move(operation), OperationResult::abandoned), base::Duration::zero());
}

}  // namespace reeve::control
