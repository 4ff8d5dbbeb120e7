// Acting, and what became of it. The answer to an action comes at once (202), or with ?wait= when
// the operation is done: then the transport waits, no thread does.

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/action_body.h"
#include "api/answer.h"
#include "api/openapi.h"
#include "api/problem.h"
#include "api/process_address.h"
#include "api/routes.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {

using control::Operation;
using guards::Action;

namespace {

constexpr std::chrono::minutes longest_wait{5};
constexpr std::size_t max_key_bytes = 255;
constexpr std::string_view operations_path = "/api/v1/operations/";

http::Response operation_answer(int status, const Operation& operation) {
  http::Response response =
      answer(status, "application/json", json::to_text(json::to_json(operation)));
  if (!operation.id.empty()) {
    response.headers.push_back({"Location", std::string(operations_path) + operation.id});
  }
  return response;
}

http::Response finished_answer(const Operation& operation, std::string_view path) {
  const bool well = !operation.result || operation.result == control::OperationResult::succeeded;
  return well ? operation_answer(200, operation) : answer(problem_of(operation), path);
}

/// Answers when the operation is done, or after `patience` with how far it has come.
http::Response answer_later(const Call& call, const Operation& operation, base::Duration patience) {
  control::Controller* const controller = call.around.controller;
  const auto observation = call.observation;
  const http::DeferredResponse deferred(patience, [controller, observation, operation] {
    const auto so_far = controller->find(operation.id);
    observation->end(202);
    return operation_answer(202, so_far.value_or(operation));
  });
  const bool waits = controller->on_finished(
      operation.id, [deferred, observation, path = call.request.path](const Operation& done) {
        http::Response response = finished_answer(done, path);
        observation->end(response.status);
        deferred.complete(std::move(response));
      });
  if (!waits) {
    return operation_answer(202, operation);
  }
  http::Response response;
  response.body = deferred;
  return response;
}

tl::expected<base::Duration, Problem> patience_of(const http::Request& request) {
  const auto text = request.parameter("wait");
  if (!text) {
    return base::Duration::zero();
  }
  const auto patience = base::parse_duration(*text);
  if (!patience) {
    return tl::unexpected(malformed_request("'wait': " + patience.error().message));
  }
  return std::min<base::Duration>(*patience, longest_wait);
}

tl::expected<std::string, Problem> key_of(const http::Request& request) {
  const auto key = request.header("Idempotency-Key");
  if (key && (key->empty() || key->size() > max_key_bytes)) {
    return tl::unexpected(malformed_request("an Idempotency-Key has 1 to 255 bytes"));
  }
  return std::string(key.value_or(""));
}

guards::Command command_from(const Call& call, guards::Target target, ActionBody body) {
  guards::Command command;
  command.target = std::move(target);
  command.actor = call.actor.name;
  command.actor_allow = call.actor.allow;
  command.reason = std::move(body.reason);
  command.signal = std::move(body.signal);
  command.stop_mode = body.wait ? substrate::StopMode::graceful : substrate::StopMode::force;
  command.if_incarnation = body.if_incarnation;
  command.dry_run = body.dry_run;
  return command;
}

tl::expected<guards::Command, Problem> command_of(const Call& call, Action action) {
  const auto target = address_of(call, *call.around.snapshot());
  if (!target) {
    return tl::unexpected(target.error());
  }
  return read_action_body(call.request.body, action).map([&](ActionBody body) {
    return command_from(call, *target, std::move(body));
  });
}

tl::expected<guards::Command, Problem> group_command_of(const Call& call) {
  const auto target = group_address_of(call, *call.around.snapshot());
  if (!target) {
    return tl::unexpected(target.error());
  }
  return read_group_body(call.request.body).map([&](ActionBody body) {
    const bool rolling = body.rolling.value_or(true);
    guards::Command command = command_from(call, *target, std::move(body));
    command.whole_group = rolling ? guards::GroupOrder::rolling : guards::GroupOrder::at_once;
    return command;
  });
}

http::Response act(const Call& call, Action action,
                   tl::expected<guards::Command, Problem> command) {
  const auto key = key_of(call.request);
  const auto patience = patience_of(call.request);
  if (!command || !key || !patience) {
    const Problem& problem = !command ? command.error() : !key ? key.error() : patience.error();
    return answer(problem, call.request.path);
  }
  command->action = action;
  command->idempotency_key = *key;
  const auto operation = call.around.controller->submit(*command);
  if (!operation) {
    return answer(problem_of(operation.error(), command->target), call.request.path);
  }
  if (operation->done()) {
    return finished_answer(*operation, call.request.path);
  }
  return *patience == base::Duration::zero() ? operation_answer(202, *operation)
                                             : answer_later(call, *operation, *patience);
}

http::Response act(const Call& call, Action action) {
  return act(call, action, command_of(call, action));
}

http::Response act_on_group(const Call& call, Action action) {
  return act(call, action, group_command_of(call));
}

}  // namespace

http::Response start_process(const Call& call) {
  return act(call, Action::start);
}

http::Response stop_process(const Call& call) {
  return act(call, Action::stop);
}

http::Response restart_process(const Call& call) {
  return act(call, Action::restart);
}

http::Response signal_process(const Call& call) {
  return act(call, Action::signal);
}

http::Response start_group(const Call& call) {
  return act_on_group(call, Action::start);
}

http::Response stop_group(const Call& call) {
  return act_on_group(call, Action::stop);
}

http::Response restart_group(const Call& call) {
  return act_on_group(call, Action::restart);
}

http::Response list_operations(const Call& call) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Operation& operation : call.around.controller->list()) {
    list.push_back(json::to_json(operation));
  }
  return answer(200, "application/json", json::to_text(list));
}

http::Response show_operation(const Call& call) {
  const auto operation = call.around.controller->find(call.captured.front());
  if (!operation) {
    return answer(Problem{.status = 404,
                          .type = "not_found",
                          .detail = "there is no such operation, or it was forgotten: the last"
                                    " thousand are kept"},
                  call.request.path);
  }
  return answer(200, "application/json", json::to_text(json::to_json(*operation)));
}

http::Response reload_configuration(const Call& call) {
  const auto reloaded = call.around.reload();
  if (!reloaded) {
    return answer(
        Problem{.status = 422, .type = "invalid_configuration", .detail = reloaded.error().message},
        call.request.path);
  }
  return answer(200, "application/json",
                json::to_text({{"reloaded", true}, {"needs_restart", *reloaded}}));
}

http::Response show_openapi(const Call&) {
  return answer(200, "application/json", std::string(openapi_document()));
}

http::Response show_health(const Call&) {
  return plain_answer(200, "Reeve is healthy.");
}

}  // namespace reeve::api
