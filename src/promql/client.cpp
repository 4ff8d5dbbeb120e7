#include "promql/client.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "http/base64.h"
#include "http/grammar.h"

namespace reeve::promql {
namespace {

using base::ErrorKind;
using base::failure;
using base::Result;
using Json = nlohmann::json;

constexpr std::size_t max_answer_bytes = std::size_t{1024} * 1024;
constexpr std::size_t max_depth = 8;

http::ClientRequest request_for(const Query& query) {
  std::string path = query.server.path;
  while (path.ends_with('/')) {
    path.pop_back();
  }
  http::ClientRequest request{
      .method = "GET",
      .path = path + "/api/v1/query?query=" + http::percent_encode(query.text),
      .headers = {{"Accept", "application/json"}, {"Connection", "close"}},
      .body = ""};
  if (!query.username.empty()) {
    request.headers.push_back(http::basic_authorization(query.username, query.password));
  }
  return request;
}

tl::unexpected<base::Error> not_an_answer(const std::string& url, const std::string& what) {
  return failure(ErrorKind::malformed, url + " " + what);
}

Result<void> check_status(const std::string& url, unsigned status) {
  if (status == 200) {
    return {};
  }
  const std::string answered = url + " answered with status " + std::to_string(status);
  switch (status) {
    case 400:
    case 422:
      return failure(ErrorKind::fault, answered + ": the query cannot be evaluated");
    case 401:
    case 403:
      return failure(ErrorKind::denied, answered + ": username and password_file are needed there");
    case 404:
      return failure(ErrorKind::fault, answered + ": is it the URL of a Prometheus?");
    default:
      return failure(ErrorKind::fault, answered);
  }
}

/// The member of an object, or null.
const Json* member(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? &*found : nullptr;
}

Result<bool> result_of(const std::string& url, const std::string& body) {
  const bool too_deep = base::is_nested_beyond(body, max_depth);
  const Json answer = too_deep ? Json() : Json::parse(body, nullptr, false);
  const Json* const status = member(answer, "status");
  const Json* const data = member(answer, "data");
  const Json* const type = data == nullptr ? nullptr : member(*data, "resultType");
  const Json* const result = data == nullptr ? nullptr : member(*data, "result");
  if (status == nullptr || *status != Json("success") || type == nullptr || result == nullptr ||
      !result->is_array()) {
    return not_an_answer(url, "did not send an answer of Prometheus");
  }
  if (*type != Json("vector") && *type != Json("matrix")) {
    return not_an_answer(url, "has a result that is never empty: compare it, as in vector(1) > 7");
  }
  return !result->empty();
}

}  // namespace

Result<bool> Client::has_result(const Query& query, const base::Deadline& deadline) {
  const std::string url = query.server.url();
  const auto response = server(query.server)
                            ->send(request_for(query), {.body_bytes = max_answer_bytes},
                                   deadline.within(query.timeout));
  if (!response) {
    return failure(response.error());
  }
  return check_status(url, response->status).and_then([&] {
    return result_of(url, response->body);
  });
}

std::shared_ptr<http::Client> Client::server(const base::Endpoint& endpoint) {
  return servers_.with([&](auto& servers) {
    auto& known = servers[endpoint.url()];
    if (!known) {
      known = std::make_shared<http::Client>(endpoint);
    }
    return known;
  });
}

}  // namespace reeve::promql
