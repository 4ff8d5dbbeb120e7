#include "control/stats.h"

#include <algorithm>

namespace reeve::control {

using base::ErrorKind;

namespace {

/// Bounded: processes come and go with supervisord's configuration.
constexpr std::size_t max_last_actions = 10'000;

template <class Enum>
constexpr std::size_t index_of(Enum value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

ActionCounters& StatsRecorder::counters_of(const guards::Command& command) {
  return stats_.actions[index_of(command.action)][index_of(command.source)];
}

void StatsRecorder::record_refused(const guards::Command& command, guards::Reason reason) {
  ++counters_of(command).refused[index_of(reason)];
}

void StatsRecorder::record_finished(const Operation& operation, base::Duration took) {
  const guards::Command& command = operation.command;
  ++counters_of(command).finished;
  const double seconds = std::chrono::duration<double>(took).count();
  const auto* const bound =
      std::find_if(action_duration_bounds.begin(), action_duration_bounds.end(),
                   [&](double each) { return seconds <= each; });
  ActionDurations& durations = stats_.durations[index_of(command.action)];
  ++durations.counts[static_cast<std::size_t>(bound - action_duration_bounds.begin())];
  durations.sum_seconds += seconds;
  if (operation.result == OperationResult::refused && operation.refused_for) {
    record_refused(command, *operation.refused_for);
    return;
  }
  std::optional<FailureReason> failure;
  if (operation.result != OperationResult::succeeded) {
    failure = failure_reason(operation);
    ++counters_of(command).failures[index_of(*failure)];
  }
  auto& last = stats_.last_actions;
  last[{command.target, command.action}] = {operation.finished_at.value_or(operation.created_at),
                                            command.source, failure};
  if (last.size() > max_last_actions) {
    last.erase(std::min_element(last.begin(), last.end(), [](const auto& a, const auto& b) {
      return a.second.at < b.second.at;
    }));
  }
}

FailureReason failure_reason(const Operation& operation) {
  if (operation.result == OperationResult::flapped) {
    return FailureReason::flapped;
  }
  switch (operation.error ? operation.error->kind : ErrorKind::internal) {
    case ErrorKind::unreachable:
    case ErrorKind::socket_missing:
      return FailureReason::unreachable;
    case ErrorKind::timeout:
      return FailureReason::timeout;
    case ErrorKind::denied:
      return FailureReason::denied;
    case ErrorKind::not_found:
      return FailureReason::not_found;
    case ErrorKind::conflict:
      return FailureReason::conflict;
    case ErrorKind::stale:
      return FailureReason::stale;
    case ErrorKind::no_file:
    case ErrorKind::spawn_failed:
      return FailureReason::spawn_failed;
    case ErrorKind::cancelled:
    case ErrorKind::shutting_down:
      return FailureReason::shutting_down;
    case ErrorKind::invalid_argument:
    case ErrorKind::fault:
    case ErrorKind::malformed:
    case ErrorKind::not_implemented:
      return FailureReason::fault;
    case ErrorKind::internal:
      break;
  }
  return FailureReason::internal;
}

}  // namespace reeve::control
