// What a process did lately, and which operation had it do so.

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/process_endpoints.h"
#include "api/routes.h"
#include "api/transitions.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {

using control::Operation;
using control::OperationStep;
using monitor::PastTransition;
using substrate::InstanceState;

namespace {

/// A step is recorded before its request is sent, and both times are of one clock; but a poll may
/// be answered, and an event sent, a moment before it is seen.
constexpr std::chrono::seconds seen_late{2};
/// What a signal does to a process it does soon.
constexpr std::chrono::seconds signal_effect{10};

std::optional<base::SystemTime> time_of(const Operation& operation, OperationStep step) {
  const auto found = std::find_if(operation.steps.begin(), operation.steps.end(),
                                  [&](const auto& each) { return each.step == step; });
  return found == operation.steps.end() ? std::nullopt : std::optional(found->at);
}

struct Span {
  base::SystemTime begin;
  std::optional<base::SystemTime> end;

  [[nodiscard]] bool contains(base::SystemTime time) const {
    return begin <= time && (!end || time <= *end + seen_late);
  }
};

/// Whether the run that the transition is about may be this one.
bool may_be_run(const PastTransition& transition,
                const std::optional<substrate::Incarnation>& run) {
  return !transition.pid() || (run && transition.pid() == run->pid);
}

bool ended_by(const Operation& operation, const PastTransition& transition) {
  const bool is_end = transition.ends_run || transition.to == InstanceState::stopping ||
                      transition.to == InstanceState::stopped;
  const auto requested = time_of(operation, OperationStep::stop_requested);
  if (!is_end || !requested || !may_be_run(transition, operation.incarnation_before)) {
    return false;
  }
  const auto started = time_of(operation, OperationStep::start_requested);
  return Span{*requested, started ? started : operation.finished_at}.contains(transition.at);
}

bool started_by(const Operation& operation, const PastTransition& transition) {
  const bool is_start =
      transition.to == InstanceState::starting || transition.to == InstanceState::running;
  const auto requested = time_of(operation, OperationStep::start_requested);
  const bool may_be_new_run =
      !operation.incarnation_after || may_be_run(transition, operation.incarnation_after);
  return is_start && requested && may_be_new_run &&
         Span{*requested, operation.finished_at}.contains(transition.at);
}

bool ended_by_signal(const Operation& operation, const PastTransition& transition) {
  const auto requested = time_of(operation, OperationStep::signal_requested);
  return transition.ends_run && requested && transition.pid() &&
         may_be_run(transition, operation.incarnation_before) &&
         Span{*requested, *requested + signal_effect}.contains(transition.at);
}

}  // namespace

const Operation* cause_of(const PastTransition& transition, const guards::Target& process,
                          const std::vector<Operation>& operations) {
  const auto found = std::find_if(operations.rbegin(), operations.rend(), [&](const auto& each) {
    return each.command.target == process &&
           (ended_by(each, transition) || started_by(each, transition) ||
            ended_by_signal(each, transition));
  });
  return found == operations.rend() ? nullptr : &*found;
}

nlohmann::ordered_json transition_json(const PastTransition& transition,
                                       const guards::Target& process,
                                       const std::vector<Operation>& operations) {
  return json::to_json(transition, cause_of(transition, process, operations));
}

EndpointResult show_history(const RequestContext& context) {
  const auto snapshot = context.deps.snapshot();
  const auto target = readable_process_address(context, *snapshot);
  if (!target) {
    return tl::unexpected(target.error());
  }
  const monitor::SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  const monitor::ProcessSnapshot* const process = supervisor.find(target->name);
  if (process == nullptr) {
    return tl::unexpected(unknown_process(*target, supervisor));
  }
  const monitor::RecentPast none;
  const monitor::RecentPast& past = process->past ? *process->past : none;
  const auto operations = context.deps.controller->operations_on(*target);
  nlohmann::ordered_json body;
  body["transitions"] = nlohmann::ordered_json::array();
  for (const PastTransition& each : past.transitions) {
    body["transitions"].push_back(transition_json(each, *target, operations));
  }
  const auto day = past.day_until(context.clock.system_now(), process->detail.state);
  body["day"]["begin"] = base::to_rfc3339(day.begin);
  body["day"]["slot_seconds"] = monitor::UptimeDay::slot_length.count();
  body["day"]["up"] = nlohmann::ordered_json::array();
  for (const auto& share : day.up) {
    body["day"]["up"].push_back(share ? nlohmann::ordered_json(*share) : nlohmann::ordered_json());
  }
  return json_response(200, body);
}

}  // namespace reeve::api
