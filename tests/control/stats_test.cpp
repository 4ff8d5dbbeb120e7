#include "control/stats.h"

#include "support/catch.h"

namespace reeve::control {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;

Operation failed(ErrorKind kind) {
  Operation operation;
  operation.result = OperationResult::failed;
  operation.error = base::Error{kind, ""};
  return operation;
}

TEST_CASE("StatsRecorder: a duration falls into the first bound that holds it, or beyond all") {
  StatsRecorder recorder;
  Operation operation;
  operation.result = OperationResult::succeeded;
  recorder.record_finished(operation, 10ms);
  recorder.record_finished(operation, 11ms);
  recorder.record_finished(operation, 1h);
  const ActionDurations& durations = recorder.stats().durations[0];
  CHECK(durations.counts.front() == 1);
  CHECK(durations.counts[1] == 1);
  CHECK(durations.counts.back() == 1);
  CHECK(durations.sum_seconds == Approx(3600.021));
}

TEST_CASE("StatsRecorder: what the look just before acting refuses is refused, not failed") {
  StatsRecorder recorder;
  Operation operation = failed(ErrorKind::denied);
  operation.result = OperationResult::refused;
  operation.refused_for = guards::Reason::maintenance;
  operation.command.action = guards::Action::restart;
  operation.command.source = guards::Source::alert;
  recorder.record_finished(operation, 1ms);
  const ActionCounters& counters =
      recorder.stats().of(guards::Action::restart, guards::Source::alert);
  CHECK(counters.finished == 1);
  CHECK(counters.failures == ActionCounters().failures);
  CHECK(counters.refused[static_cast<std::size_t>(guards::Reason::maintenance)] == 1);
  CHECK(recorder.stats().last_actions.empty());
}

TEST_CASE("StatsRecorder: every kind of error is counted as a failure under a reason") {
  CHECK(failure_reason(failed(ErrorKind::socket_missing)) == FailureReason::unreachable);
  CHECK(failure_reason(failed(ErrorKind::timeout)) == FailureReason::timeout);
  CHECK(failure_reason(failed(ErrorKind::cancelled)) == FailureReason::shutting_down);
  CHECK(failure_reason(failed(ErrorKind::no_file)) == FailureReason::spawn_failed);
  CHECK(failure_reason(failed(ErrorKind::malformed)) == FailureReason::fault);
  CHECK(failure_reason(failed(ErrorKind::internal)) == FailureReason::internal);
  Operation flapped = failed(ErrorKind::spawn_failed);
  flapped.result = OperationResult::flapped;
  CHECK(failure_reason(flapped) == FailureReason::flapped);
}

}  // namespace
}  // namespace reeve::control
