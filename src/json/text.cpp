#include "reeve/json/text.h"

#include <chrono>
#include <cstdio>

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

std::string to_rfc3339(base::SystemTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - day));
  std::string text(40, '\0');
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace reeve::json
