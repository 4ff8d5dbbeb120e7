#include "api/http_helpers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "http/grammar.h"
#include "json/json.h"

namespace reeve::api {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// False for q=0 in each of its spellings: 0, 0.0, 0.000.
bool has_nonzero_quality(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    if (http::same_ignoring_case(take_until(parameter, '='), "q")) {
      return trimmed(parameter).find_first_not_of("0.") != std::string_view::npos;
    }
  }
  return true;
}

}  // namespace

http::Response make_response(int status, std::string_view content_type, std::string body) {
  http::Response response;
  response.status = status;
  response.headers = {{"Content-Type", std::string(content_type)},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

http::Response text_response(int status, std::string_view line) {
  return make_response(status, "text/plain; charset=utf-8", std::string(line) + "\n");
}

http::Response unhealthy() {
  return text_response(503, "A page is not rendered to its end: restart Reeve.");
}

http::Response json_response(int status, const nlohmann::ordered_json& value) {
  return make_response(status, "application/json", json::to_text(value));
}

std::string lower_case(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), http::lower);
  return lowered;
}

std::string_view take_until(std::string_view& rest, char separator) {
  const std::string_view taken = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(rest.size(), taken.size() + 1));
  return trimmed(taken);
}

bool matches_entity_tag(std::string_view if_none_match, std::string_view tag) {
  const auto opaque = [](std::string_view text) {
    return text.substr(text.starts_with("W/") ? 2 : 0);
  };
  while (!if_none_match.empty()) {
    const std::string_view item = take_until(if_none_match, ',');
    if (item == "*" || (!item.empty() && opaque(item) == opaque(tag))) {
      return true;
    }
  }
  return false;
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<bool> by_name;
  std::optional<bool> by_star;
  while (!accept_encoding.empty()) {
    std::string_view item = take_until(accept_encoding, ',');
    const std::string_view coding = take_until(item, ';');
    if (http::same_ignoring_case(coding, "gzip") || http::same_ignoring_case(coding, "x-gzip")) {
      by_name = has_nonzero_quality(item);
    } else if (coding == "*") {
      by_star = has_nonzero_quality(item);
    }
  }
  return by_name.value_or(by_star.value_or(false));
}

RequestMeasurement::RequestMeasurement(std::string_view handler, const base::Clock& clock,
                                       RequestObserver observe)
    : handler_(handler),
      clock_(clock),
      observe_(std::move(observe)),
      started_(clock.steady_now()) {}

void RequestMeasurement::end(int status) {
  if (!ended_.exchange(true)) {
    observe_(handler_, status, clock_.steady_now() - started_);
  }
}

}  // namespace reeve::api
