#include "api/problem.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "base/text.h"
#include "http/grammar.h"
#include "json/json.h"

namespace reeve::api {

using base::ErrorKind;
using guards::Reason;

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
  return refusal.reason == Reason::unreachable ? http_status(refusal.error.kind)
                                               : guards::http_status(refusal.reason);
}

namespace {

/// Without the supervisord; empty for a batch.
std::string name_of(const guards::Target& target) {
  return target.name.group.empty() ? "" : guards::Target{"", target.name}.text();
}

}  // namespace

Problem malformed_request(std::string detail) {
  return {.status = 400, .type = "malformed_request", .detail = std::move(detail)};
}

Problem invalid_request(std::string detail) {
  return {.status = 422, .type = "invalid_request", .detail = std::move(detail)};
}

Problem not_found(std::string detail) {
  return {.status = 404, .type = "not_found", .detail = std::move(detail)};
}

Problem problem_of(const base::Error& error) {
  return {.status = http_status(error.kind),
          .type = std::string(to_string(error.kind)),
          .detail = error.message,
          .fault = error.fault};
}

Problem problem_of(const guards::Refusal& refusal, const guards::Target& target) {
  Problem problem = problem_of(refusal.error);
  problem.status = http_status(refusal);
  // The kind of the error says more exactly why supervisord cannot be reached.
  if (refusal.reason != Reason::unreachable) {
    problem.type = refused_label(refusal.reason);
  }
  problem.process = name_of(target);
  problem.operation = refusal.operation;
  return problem;
}

Problem problem_of(const control::Operation& operation) {
  const base::Error unknown{ErrorKind::internal, "it is not known why", std::nullopt};
  Problem problem = problem_of(operation.error.value_or(unknown));
  problem.process = name_of(operation.command.target);
  problem.operation = operation.id;
  return problem;
}

Problem log_problem(const base::Error& error, const substrate::InstanceName& name) {
  Problem problem = problem_of(error);
  if (error.kind == ErrorKind::no_file) {
    problem.status = 404;
    problem.type = "no_log";
  }
  problem.process = name.full();
  return problem;
}

Problem state_problem(const base::Error& error) {
  Problem problem = problem_of(error);
  if (error.kind == ErrorKind::conflict) {
    problem.status = guards::http_status(Reason::state_unreadable);
    problem.type = to_string(Reason::state_unreadable);
  }
  return problem;
}

http::Response problem_response(const Problem& problem, std::string_view path) {
  nlohmann::ordered_json body;
  body["type"] = "urn:reeve:problem:" + problem.type;
  body["title"] = http::reason_phrase(problem.status);
  body["status"] = problem.status;
  body["detail"] = base::to_utf8(problem.detail);
  body["instance"] = base::to_utf8(path);
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
  http::Response response =
      make_response(problem.status, "application/problem+json", json::to_text(body));
  response.headers.insert(response.headers.end(), problem.headers.begin(), problem.headers.end());
  return response;
}

}  // namespace reeve::api
