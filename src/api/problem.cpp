#include "api/problem.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "base/text.h"
#include "http/grammar.h"
#include "json/json.h"

namespace reeve::api {

using base::ErrorKind;
using guards::RefusalReason;

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unreachable:
    case ErrorKind::socket_missing:
    case ErrorKind::cancelled:
    case ErrorKind::shutting_down:
      return 503;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::stale:
      return 412;
    case ErrorKind::invalid_argument:
      return 422;
    case ErrorKind::denied:
    case ErrorKind::no_file:
    case ErrorKind::spawn_failed:
    case ErrorKind::fault:
    case ErrorKind::malformed:
      return 502;
    case ErrorKind::not_implemented:
      return 501;
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

int http_status(const guards::Refusal& refusal) {
  switch (refusal.reason) {
    case RefusalReason::own_program:
    case RefusalReason::not_allowed:
    case RefusalReason::signal_not_allowed:
    case RefusalReason::guarded:
      return 403;
    case RefusalReason::not_found:
    case RefusalReason::invalid:
    case RefusalReason::unreachable:
    case RefusalReason::stale:
    case RefusalReason::in_flight:
    case RefusalReason::shutting_down:
    case RefusalReason::not_recorded:
      return http_status(refusal.error.kind);
  }
  return 500;
}

Problem malformed_request(std::string detail) {
  return {.status = 400, .type = "malformed_request", .detail = std::move(detail)};
}

Problem problem_of(const guards::Refusal& refusal, const guards::Target& target) {
  // Why supervisord cannot be asked is said more exactly by the error.
  const bool away = refusal.reason == RefusalReason::unreachable;
  return {.status = http_status(refusal),
          .type = std::string(away ? to_string(refusal.error.kind) : to_string(refusal.reason)),
          .detail = refusal.error.message,
          .process = guards::Target{"", target.name}.text(),
          .fault = refusal.error.fault,
          .operation = refusal.operation};
}

Problem problem_of(const control::Operation& operation) {
  const base::Error unknown{ErrorKind::internal, "it is not known why", std::nullopt};
  const base::Error& error = operation.error ? *operation.error : unknown;
  return {.status = http_status(error.kind),
          .type = std::string(to_string(error.kind)),
          .detail = error.message,
          .process = guards::Target{"", operation.command.target.name}.text(),
          .fault = error.fault,
          .operation = operation.id};
}

http::Response answer(const Problem& problem, std::string_view instance) {
  nlohmann::ordered_json body = {
      {"type", "urn:reeve:problem:" + problem.type},
      {"title", http::reason_phrase(problem.status)},
      {"status", problem.status},
      {"detail", base::to_utf8(problem.detail)},
      {"instance", base::to_utf8(instance)},
  };
  if (!problem.process.empty()) {
    body["process"] = base::to_utf8(problem.process);
  }
  if (problem.fault) {
    body["fault_code"] = problem.fault->code;
    body["fault_string"] = base::to_utf8(problem.fault->text);
  }
  if (!problem.operation.empty()) {
    body["operation"] = problem.operation;
  }
  http::Response response = answer(problem.status, "application/problem+json", json::to_text(body));
  response.headers.insert(response.headers.end(), problem.headers.begin(), problem.headers.end());
  return response;
}

}  // namespace reeve::api
