#include "api/problem.h"

#include <map>

#include <nlohmann/json.hpp>

#include "http/grammar.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using base::ErrorKind;
using guards::Reason;

const std::map<ErrorKind, int> statuses = {
    {ErrorKind::unreachable, 503},     {ErrorKind::socket_missing, 503},
    {ErrorKind::timeout, 504},         {ErrorKind::cancelled, 503},
    {ErrorKind::denied, 502},          {ErrorKind::not_found, 404},
    {ErrorKind::no_file, 502},         {ErrorKind::conflict, 409},
    {ErrorKind::stale, 412},           {ErrorKind::invalid_argument, 422},
    {ErrorKind::spawn_failed, 502},    {ErrorKind::shutting_down, 503},
    {ErrorKind::fault, 502},           {ErrorKind::malformed, 502},
    {ErrorKind::not_implemented, 501}, {ErrorKind::internal, 500},
};

TEST_CASE("http_status: each kind of error has a status, and each status a phrase") {
  CHECK(statuses.size() == static_cast<std::size_t>(ErrorKind::internal) + 1);
  for (const auto& [kind, status] : statuses) {
    CAPTURE(base::to_string(kind));
    CHECK(http_status(kind) == status);
    CHECK_FALSE(http::reason_phrase(status).empty());
  }
}

TEST_CASE(
    "http_status: a refusal has its reason's status, an unreachable supervisord its error's") {
  for (const Reason reason : guards::all_reasons) {
    CAPTURE(to_string(reason));
    for (const auto& [kind, status] : statuses) {
      const int expected = reason == Reason::unreachable ? status : guards::http_status(reason);
      CHECK(http_status({reason, {kind, ""}, ""}) == expected);
    }
  }
}

TEST_CASE("problem_of: an unreachable supervisord is named by the kind of its error") {
  const guards::Refusal refusal{Reason::unreachable, {ErrorKind::timeout, "no answer"}, ""};
  const Problem problem = problem_of(refusal, {});
  CHECK(problem.status == 504);
  CHECK(problem.type == "timeout");
}

TEST_CASE("problem_response: an RFC 9457 object with the extensions that apply") {
  const Problem problem{.status = 409,
                        .type = "conflict",
                        .detail = "it is being stopped",
                        .process = "web:front",
                        .fault = base::PeerFault{40, "ABNORMAL_TERMINATION"},
                        .operation = "17-4"};
  const http::Response response = problem_response(problem, "/api/v1/processes/web:front/start");
  CHECK(response.status == 409);
  CHECK(response.headers[0] == http::Header{"Content-Type", "application/problem+json"});
  CHECK(std::get<std::string>(response.body) ==
        R"({"type":"urn:reeve:problem:conflict","title":"Conflict","status":409,)"
        R"("detail":"it is being stopped","instance":"/api/v1/processes/web:front/start",)"
        R"("process":"web:front","fault_code":40,"fault_string":"ABNORMAL_TERMINATION",)"
        R"("operation":"17-4"})");
}

TEST_CASE("problem_response: members that do not apply are left out") {
  const auto body = nlohmann::json::parse(std::get<std::string>(
      problem_response(Problem{.status = 404, .type = "not_found", .detail = "no"}, "/x").body));
  CHECK(body.size() == 5);
}

}  // namespace
}  // namespace reeve::api
