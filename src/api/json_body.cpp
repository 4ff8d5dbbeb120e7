#include "api/json_body.h"

#include <set>
#include <utility>

namespace reeve::api {

using nlohmann::json;

namespace {

constexpr int max_depth = 4;

tl::unexpected<Problem> malformed(std::string detail) {
  return tl::unexpected(malformed_request(std::move(detail)));
}

}  // namespace

tl::expected<json, Problem> read_json_object(std::string_view text) {
  if (text.size() > max_body_bytes) {
    return tl::unexpected(
        Problem{.status = 413,
                .type = "too_large",
                .detail = "the body is longer than " + std::to_string(max_body_bytes) + " bytes"});
  }
  if (text.empty()) {
    return json::object();
  }
  bool too_deep = false;
  std::string repeated;
  std::set<std::string> members;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    too_deep = too_deep || depth > max_depth;
    if (event == json::parse_event_t::key && depth == 1 &&
        !members.insert(parsed.get_ref<const std::string&>()).second) {
      repeated = parsed.get<std::string>();
    }
    return !too_deep;
  };
  json object = json::parse(text, watch, false);
  if (too_deep) {
    return malformed("the body is nested too deeply");
  }
  if (object.is_discarded()) {
    return malformed("the body is not JSON");
  }
  if (!object.is_object()) {
    return malformed("the body is JSON but not an object");
  }
  if (!repeated.empty()) {
    return malformed("'" + repeated + "' is given twice");
  }
  return object;
}

tl::expected<std::string, Problem> text_member(const std::string& name, const json& value,
                                               std::size_t max_bytes) {
  if (!value.is_string() || value.get_ref<const std::string&>().size() > max_bytes) {
    return tl::unexpected(senseless_request("'" + name + "' is a text of at most " +
                                            std::to_string(max_bytes) + " bytes"));
  }
  return value.get<std::string>();
}

Problem senseless_request(std::string detail) {
  return {.status = 422, .type = "invalid_request", .detail = std::move(detail)};
}

}  // namespace reeve::api
