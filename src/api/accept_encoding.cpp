#include "api/accept_encoding.h"

#include <algorithm>
#include <optional>

#include "api/text.h"
#include "http/grammar.h"

namespace reeve::api {
namespace {

/// False for q=0, in any of its spellings: 0, 0.0, 0.000.
bool is_wanted(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    if (http::same_ignoring_case(take_until(parameter, '='), "q")) {
      return trimmed(parameter).find_first_not_of("0.") != std::string_view::npos;
    }
  }
  return true;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<bool> by_name;
  std::optional<bool> by_star;
  while (!accept_encoding.empty()) {
    std::string_view item = take_until(accept_encoding, ',');
    const std::string_view coding = take_until(item, ';');
    if (http::same_ignoring_case(coding, "gzip") || http::same_ignoring_case(coding, "x-gzip")) {
      by_name = is_wanted(item);
    } else if (coding == "*") {
      by_star = is_wanted(item);
    }
  }
  return by_name.value_or(by_star.value_or(false));
}

}  // namespace reeve::api
