#include "control/operation.h"
#include "control/stats.h"

namespace reeve::control {

std::string_view to_string(OperationState state) {
  return base::name_of<all_operation_states>(state, {"queued", "running", "verifying", "done"});
}

std::string_view to_string(OperationResult result) {
  return base::name_of<all_operation_results>(
      result, {"succeeded", "failed", "flapped", "abandoned", "refused"});
}

std::string_view to_string(Step step) {
  return base::name_of<all_steps>(
      step, {"looked", "stop_requested", "stopped", "start_requested", "started",
             "signal_requested", "signalled", "outcome_unknown", "member", "resumed", "finished"});
}

std::string_view to_string(FailureReason reason) {
  return base::name_of<all_failure_reasons>(
      reason, {"unreachable", "timeout", "denied", "not_found", "conflict", "stale", "spawn_failed",
               "flapped", "shutting_down", "fault", "internal"});
}

}  // namespace reeve::control
