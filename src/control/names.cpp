#include <array>

#include "reeve/control/command.h"
#include "reeve/control/decision.h"
#include "reeve/control/operation.h"
#include "reeve/control/stats.h"

namespace reeve::control {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::start:
      return "start";
    case Action::stop:
      return "stop";
    case Action::restart:
      return "restart";
    case Action::signal:
      return "signal";
  }
  return "";
}

std::string_view to_string(GroupOrder order) {
  switch (order) {
    case GroupOrder::rolling:
      return "rolling";
    case GroupOrder::at_once:
      return "at_once";
  }
  return "";
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::api:
      return "api";
    case Source::alert:
      return "alert";
  }
  return "";
}

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, all_verdicts.size()> words = {"not_here",
                                                                       "no_rule",
                                                                       "off",
                                                                       "resolved",
                                                                       "no_target",
                                                                       "not_allowed",
                                                                       "self",
                                                                       "duplicate",
                                                                       "attempts_exhausted",
                                                                       "state_unreadable",
                                                                       "unreachable",
                                                                       "maintenance",
                                                                       "breaker_open",
                                                                       "stopped",
                                                                       "state",
                                                                       "in_transition",
                                                                       "too_young",
                                                                       "restarted_since",
                                                                       "cooldown",
                                                                       "budget",
                                                                       "gave_up",
                                                                       "in_flight",
                                                                       "would_act",
                                                                       "accepted"};
  const auto at = static_cast<std::size_t>(verdict);
  return at < words.size() ? words.at(at) : "";
}

std::string_view to_string(OperationState state) {
  switch (state) {
    case OperationState::queued:
      return "queued";
    case OperationState::running:
      return "running";
    case OperationState::verifying:
      return "verifying";
    case OperationState::done:
      return "done";
  }
  return "";
}

std::string_view to_string(OperationResult result) {
  switch (result) {
    case OperationResult::succeeded:
      return "succeeded";
    case OperationResult::failed:
      return "failed";
    case OperationResult::flapped:
      return "flapped";
    case OperationResult::abandoned:
      return "abandoned";
    case OperationResult::refused:
      return "refused";
  }
  return "";
}

std::string_view to_string(Step step) {
  switch (step) {
    case Step::looked:
      return "looked";
    case Step::stop_requested:
      return "stop_requested";
    case Step::stopped:
      return "stopped";
    case Step::start_requested:
      return "start_requested";
    case Step::started:
      return "started";
    case Step::signal_requested:
      return "signal_requested";
    case Step::signalled:
      return "signalled";
    case Step::outcome_unknown:
      return "outcome_unknown";
    case Step::member:
      return "member";
    case Step::resumed:
      return "resumed";
    case Step::finished:
      return "finished";
  }
  return "";
}

std::string_view to_string(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::not_found:
      return "not_found";
    case RefusalReason::invalid:
      return "invalid";
    case RefusalReason::unreachable:
      return "unreachable";
    case RefusalReason::own_program:
      return "own_program";
    case RefusalReason::not_allowed:
      return "not_allowed";
    case RefusalReason::signal_not_allowed:
      return "signal_not_allowed";
    case RefusalReason::stale:
      return "stale";
    case RefusalReason::guarded:
      return "guarded";
    case RefusalReason::in_flight:
      return "in_flight";
    case RefusalReason::shutting_down:
      return "shutting_down";
    case RefusalReason::not_recorded:
      return "not_recorded";
  }
  return "";
}

std::string_view to_string(FailureReason reason) {
  switch (reason) {
    case FailureReason::unreachable:
      return "unreachable";
    case FailureReason::timeout:
      return "timeout";
    case FailureReason::denied:
      return "denied";
    case FailureReason::not_found:
      return "not_found";
    case FailureReason::conflict:
      return "conflict";
    case FailureReason::stale:
      return "stale";
    case FailureReason::spawn_failed:
      return "spawn_failed";
    case FailureReason::flapped:
      return "flapped";
    case FailureReason::shutting_down:
      return "shutting_down";
    case FailureReason::fault:
      return "fault";
    case FailureReason::internal:
      return "internal";
  }
  return "";
}

std::string Target::text() const {
  const std::string process = name.name.empty() ? name.group + ":*" : name.full();
  return supervisor.empty() ? process : supervisor + "/" + process;
}

}  // namespace reeve::control
