#include "json/text.h"

#include <nlohmann/json.hpp>

namespace reeve::json {
namespace {

std::string dump(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string to_text(const nlohmann::ordered_json& value) {
  return dump(value, -1);
}

std::string to_indented_text(const nlohmann::ordered_json& value) {
  return dump(value, 2);
}

}  // namespace reeve::json
