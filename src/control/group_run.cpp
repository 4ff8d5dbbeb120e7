// How an operation on a group is carried out: each member is an operation of its own, in the
// journal and the record like any other, so that what is cut off is finished member by member.

#include <string>
#include <utility>

#include "control/controller_state.h"
#include "guards/policy.h"

namespace reeve::control {

using base::ErrorKind;

namespace {

guards::Command command_for(const guards::Command& whole, const substrate::InstanceName& name) {
  guards::Command command = whole;
  command.whole_group.reset();
  command.idempotency_key.clear();  // that is the group's
  command.target.name = name;
  return command;
}

bool succeeded(const Operation& member) {
  return member.result == OperationResult::succeeded;
}

}  // namespace

// The operation on the group, and what became of its members so far.
class Controller::State::GroupRun {
 public:
  GroupRun(State& controller, Operation whole)
      : controller_(controller), whole_(std::move(whole)) {}

  Operation run();

 private:
  [[nodiscard]] bool rolling() const {
    return whole_.command.whole_group == guards::GroupOrder::rolling;
  }
  /// Carries a member out, or stops it alone where all are stopped first. False: no more members.
  bool begin(const substrate::InstanceName& name);
  void go_on(Operation member);
  void settle(const Operation& member);
  void note(Step step, std::string detail);
  void fail(OperationResult result, base::Error error);

  State& controller_;
  Operation whole_;
  std::vector<Operation> stopped_;  ///< which are owed a start
};

Operation Controller::State::GroupRun::run() {
  whole_.state = OperationState::running;
  const auto members = guards::about(*controller_.around.snapshot(), whole_.command);
  note(Step::looked, std::to_string(members.size()) + " processes");
  (void)controller_.record({whole_});  // its other steps are in its members' lines
  if (members.empty()) {
    fail(OperationResult::failed,
         {ErrorKind::not_found,
          "the group '" + whole_.command.target.name.group + "' is no longer there"});
  }
  for (const substrate::InstanceDetail& each : members) {
    if (!begin(each.name)) {
      break;
    }
  }
  for (Operation& member : stopped_) {
    go_on(std::move(member));
  }
  whole_.steps.push_back({Step::finished, controller_.clock.system_now(), ""});
  return controller_.ended(std::move(whole_), whole_.result.value_or(OperationResult::succeeded));
}

bool Controller::State::GroupRun::begin(const substrate::InstanceName& name) {
  if (controller_.hurry.stop_requested()) {
    fail(OperationResult::abandoned, shutting_down().error);
    return false;
  }
  const guards::Command command = command_for(whole_.command, name);
  auto member = controller_.begin_member(command);
  if (!member) {
    fail(OperationResult::failed, std::move(member.error()));
    return false;
  }
  Errand errand = controller_.errand_for(*member);
  errand.only_until_stopped = !rolling();
  const base::SteadyTime begun = controller_.clock.steady_now();
  Operation so_far = control::run(*std::move(member), errand);
  if (!so_far.done()) {
    stopped_.push_back(std::move(so_far));
    return true;
  }
  controller_.finish(so_far, controller_.clock.steady_now() - begun);
  settle(so_far);
  return succeeded(so_far) || !rolling();
}

void Controller::State::GroupRun::go_on(Operation member) {
  const base::SteadyTime begun = controller_.clock.steady_now();
  Errand errand = controller_.errand_for(member);
  errand.last_ones = stopped_.size();
  const Operation done = start_stopped(std::move(member), errand);
  controller_.finish(done, controller_.clock.steady_now() - begun);
  settle(done);
}

void Controller::State::GroupRun::settle(const Operation& member) {
  whole_.changed = whole_.changed.value_or(false) || member.changed.value_or(false);
  note(Step::member, member.command.target.name.full() + " " +
                         std::string(to_string(*member.result)) + ", operation " + member.id);
  if (!succeeded(member)) {
    const std::string why = member.error ? ": " + member.error->message : "";
    fail(*member.result, {member.error ? member.error->kind : ErrorKind::internal,
                          "'" + member.command.target.name.full() + "' " +
                              std::string(to_string(*member.result)) + why,
                          member.error ? member.error->fault : std::nullopt});
  }
}

void Controller::State::GroupRun::note(Step step, std::string detail) {
  whole_.steps.push_back({step, controller_.clock.system_now(), std::move(detail)});
  controller_.ledger.with([&](Ledger& all) { all.update(whole_); });
  controller_.tell(whole_);
}

void Controller::State::GroupRun::fail(OperationResult result, base::Error error) {
  if (!whole_.error) {  // the first is what the others may follow from
    whole_.result = result;
    whole_.error = std::move(error);
  }
}

base::Result<Operation> Controller::State::begin_member(const guards::Command& command) {
  const Operation member =
      ledger.with([&](Ledger& all) { return all.add(command, clock.system_now()); });
  const auto recorded = record({member});
  if (!recorded) {
    ledger.with([&](Ledger& all) { all.withdraw(member.id); });
    return base::failure(recorded.error());
  }
  tell(member);
  ledger.with([&](Ledger& all) { all.take_held(member.id); });
  return member;
}

void Controller::State::carry_out_group(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  finish(GroupRun(*this, std::move(operation)).run(), clock.steady_now() - begun);
}

}  // namespace reeve::control
