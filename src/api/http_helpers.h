#pragma once

// Helpers for the handlers of both listeners: responses with the headers that every response
// carries, reading header values, and the measurement of one request. Pure, apart from
// RequestMeasurement, which may be ended on any thread.

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "http/message.h"
#include "reeve/base/clock.h"

namespace reeve::api {

/// With headers that forbid caching and content sniffing.
[[nodiscard]] http::Response make_response(int status, std::string_view content_type,
                                           std::string body);
/// One line of plain text.
[[nodiscard]] http::Response text_response(int status, std::string_view line);
/// 503: what is published is not current any more.
[[nodiscard]] http::Response unhealthy();
[[nodiscard]] http::Response json_response(int status, const nlohmann::ordered_json& value);

/// In lower case, ASCII only.
[[nodiscard]] std::string lower_case(std::string_view text);
/// Removes the text up to and including the next `separator` from `rest`; returns it without the
/// separator and without blanks and tabs at its ends.
[[nodiscard]] std::string_view take_until(std::string_view& rest, char separator);
/// Whether an If-None-Match header names this entity tag, or any; compared weakly.
[[nodiscard]] bool matches_entity_tag(std::string_view if_none_match, std::string_view tag);
/// Whether an Accept-Encoding header (RFC 9110, with q-values) accepts gzip.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

/// Receives the route's name, the status and the duration of a request. The names are few and
/// fixed.
using RequestObserver =
    std::function<void(std::string_view handler, int status, std::chrono::nanoseconds duration)>;

/// Measures one request from its construction to the first end(), which reports it.
class RequestMeasurement {
 public:
  /// `handler` must be a literal; `clock` must outlive this.
  RequestMeasurement(std::string_view handler, const base::Clock& clock, RequestObserver observe);

  /// Later calls have no effect.
  void end(int status);

 private:
  std::string_view handler_;
  const base::Clock& clock_;
  RequestObserver observe_;
  base::SteadyTime started_;
  std::atomic<bool> ended_ = false;
};

}  // namespace reeve::api
