#include "control/resume.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace reeve::control {

using base::ErrorKind;
using substrate::InstanceDetail;
using substrate::InstanceState;

namespace {

constexpr std::chrono::seconds clock_tolerance{5};

Resumption abandon(std::string why) {
  return {Resumption::Kind::abandon, std::move(why)};
}

bool is_the_run_before(const Operation& operation, const InstanceDetail& seen) {
  return seen.start_time == (operation.incarnation_before
                                 ? std::optional(operation.incarnation_before->start)
                                 : operation.last_spawn_before);
}

/// A restart that owes its process a start.
Resumption finish_restart(const InstanceDetail& seen, const Circumstances& circumstances) {
  if (seen.state != InstanceState::stopping && seen.state != InstanceState::stopped) {
    return abandon("it is " + std::string(to_string(seen.state)));
  }
  if (circumstances.maintenance) {
    return abandon("it is under maintenance: " + *circumstances.maintenance);
  }
  return {Resumption::Kind::go_on, ""};
}

Resumption judge(const Operation& operation, const InstanceDetail& seen,
                 const Circumstances& circumstances) {
  const Step step = progress(operation).value_or(Step::looked);
  const bool start_asked_for = step == Step::start_requested || step == Step::started;
  if (start_asked_for && is_new_run(operation, seen)) {
    return {Resumption::Kind::go_on, ""};
  }
  const bool owes_a_start =
      operation.command.action == guards::Action::restart &&
      (step == Step::stop_requested || step == Step::stopped || step == Step::start_requested);
  if (!owes_a_start) {
    return abandon("it came as far as '" + std::string(to_string(step)) + "', and now is " +
                   std::string(to_string(seen.state)));
  }
  if (!is_the_run_before(operation, seen)) {
    return abandon("somebody else started it meanwhile");
  }
  return finish_restart(seen, circumstances);
}

}  // namespace

base::SystemTime last_step(const Operation& operation) {
  const auto last =
      std::find_if(operation.steps.rbegin(), operation.steps.rend(),
                   [](const OperationStep& each) { return each.step != Step::resumed; });
  return last == operation.steps.rend() ? operation.created_at : last->at;
}

bool is_too_old(const Operation& operation, const Circumstances& circumstances) {
  const base::SystemTime own = last_step(operation);
  const base::Duration age =
      circumstances.now - std::max(own, circumstances.group_step.value_or(own));
  // One that is stamped much later than now tells nothing of its age.
  return age >= circumstances.resume_within || age < -clock_tolerance;
}

Resumption resume(const Operation& operation, const Seen& seen,
                  const Circumstances& circumstances) {
  if (is_too_old(operation, circumstances)) {
    return abandon("its last step is older than resume_within, " +
                   base::format_duration(circumstances.resume_within));
  }
  if (seen) {
    return judge(operation, *seen, circumstances);
  }
  return seen.error().kind == ErrorKind::not_found ? abandon(seen.error().message)
                                                   : Resumption{Resumption::Kind::wait, ""};
}

}  // namespace reeve::control
