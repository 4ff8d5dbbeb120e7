#include "api/gate.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/text.h"
#include "http/grammar.h"

namespace reeve::api {
namespace {

struct Visit {
  const http::Request& request;
  const Match& match;
  const Gate& gate;
  Verdict& verdict;

  [[nodiscard]] bool is_open() const { return match.route != nullptr && !match.route->scope; }
};

using Objection = std::optional<Problem>;

Objection object(int status, std::string type, std::string detail) {
  return Problem{.status = status, .type = std::move(type), .detail = std::move(detail)};
}

Objection wrong_host(const Visit& visit) {
  const auto host = visit.request.header("Host");
  if (host && visit.gate.hosts.allow(*host)) {
    return std::nullopt;
  }
  return object(421, "wrong_host",
                "this is not '" + std::string(host.value_or("")) +
                    "': use one of the agent's own names, or add this one to"
                    " control.allowed_hosts");
}

Objection unknown_client(const Visit& visit) {
  static const Principal anybody;
  visit.verdict.actor = visit.is_open() ? &anybody : visit.gate.access.recognise(visit.request);
  if (visit.verdict.actor != nullptr) {
    return std::nullopt;
  }
  visit.verdict.login_failed = true;
  auto objection = object(401, "not_authenticated",
                          "send a token of the configuration: Authorization: Bearer …");
  objection->headers = {{"WWW-Authenticate", "Bearer realm=\"reeve\""}};
  return objection;
}

Objection unknown_route(const Visit& visit) {
  if (visit.match.route != nullptr) {
    return std::nullopt;
  }
  if (visit.match.allowed.empty()) {
    return object(404, "no_such_route", "there is nothing at this path");
  }
  auto objection = object(405, "method_not_allowed", "this path takes " + visit.match.allowed);
  objection->headers = {{"Allow", visit.match.allowed}};
  return objection;
}

Objection missing_scope(const Visit& visit) {
  const auto& scope = visit.match.route->scope;
  if (!scope || visit.verdict.actor->has(*scope)) {
    return std::nullopt;
  }
  return object(403, "missing_scope",
                "'" + visit.verdict.actor->name + "' does not have the scope " +
                    std::string(to_string(*scope)));
}

Objection malformed_address(const Visit& visit) {
  if (!http::percent_decode(visit.request.query)) {
    return object(400, "malformed_request", "the query is badly percent-encoded");
  }
  for (const std::string& encoded : visit.match.captured) {
    auto part = http::percent_decode(encoded);
    if (!part) {
      return object(400, "malformed_request", "the path is badly percent-encoded");
    }
    visit.verdict.captured.push_back(std::move(*part));
  }
  return std::nullopt;
}

Objection wrong_content_type(const Visit& visit) {
  std::string_view type = visit.request.header("Content-Type").value_or("");
  if (visit.request.body.empty() ||
      http::same_ignoring_case(take_until(type, ';'), "application/json")) {
    return std::nullopt;
  }
  return object(415, "content_type", "the body must come as Content-Type: application/json");
}

/// A browser says where a request comes from; a page of another site has no business here, not
/// even with a client certificate that the browser adds by itself.
Objection foreign_origin(const Visit& visit) {
  const auto site = visit.request.header("Sec-Fetch-Site");
  const auto origin = visit.request.header("Origin");
  std::string own(visit.request.header("Host").value_or(""));
  const bool foreign = origin && !http::same_ignoring_case(*origin, "http://" + own) &&
                       !http::same_ignoring_case(*origin, "https://" + own);
  if (foreign || (site && http::same_ignoring_case(*site, "cross-site"))) {
    return object(403, "foreign_origin", "pages of other origins may not come here");
  }
  return std::nullopt;
}

}  // namespace

Verdict check(const http::Request& request, const Match& match, const Gate& gate) {
  using Check = Objection (*)(const Visit&);
  constexpr std::array<Check, 7> checks = {
      wrong_host,        unknown_client,     unknown_route,  missing_scope,
      malformed_address, wrong_content_type, foreign_origin,
  };
  Verdict verdict;
  for (const Check each : checks) {
    verdict.problem = each({request, match, gate, verdict});
    if (verdict.problem) {
      break;
    }
  }
  return verdict;
}

}  // namespace reeve::api
