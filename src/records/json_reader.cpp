#include "records/json_reader.h"

#include <functional>
#include <numeric>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace reeve::records {

namespace {

/// The text of which text_to_json() made an array of bytes.
std::optional<std::string> bytes_of(const Json& array) {
  std::string bytes;
  for (const Json& each : array) {
    if (!each.is_number_unsigned() || each.get<std::uint64_t>() > 255) {
      return std::nullopt;
    }
    bytes += static_cast<char>(each.get<unsigned char>());
  }
  return bytes;
}

using Cost = std::size_t (*)(char);

/// Of a byte of UTF-8.
std::size_t cost_of_character(char byte) {
  constexpr std::string_view escaped_shortly = "\"\\\b\f\n\r\t";
  if (escaped_shortly.find(byte) != std::string_view::npos) {
    return 2;
  }
  return static_cast<unsigned char>(byte) < 0x20 ? 6 : 1;
}

/// At most: "255,".
std::size_t cost_of_byte(char /*byte*/) {
  return 4;
}

}  // namespace

bool read_object(std::string_view text, const JsonReader::Read& read) {
  const Json value = Json::parse(text, nullptr, false);
  JsonReader reader(value);
  if (reader.good()) {
    read(reader);
  }
  return reader.good();
}

std::string to_line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json text_to_json(std::string_view text) {
  if (base::is_utf8(text)) {
    return text;
  }
  Json bytes = Json::array();
  for (const char byte : text) {
    bytes.push_back(static_cast<unsigned char>(byte));
  }
  return bytes;
}

std::size_t written_bytes(std::string_view text) {
  const Cost cost = base::is_utf8(text) ? cost_of_character : cost_of_byte;
  return std::transform_reduce(text.begin(), text.end(), std::size_t{0}, std::plus<>(), cost);
}

std::string shortened(std::string_view text, std::size_t max_bytes) {
  if (written_bytes(text) <= max_bytes) {
    return std::string(text);
  }
  const bool is_utf8 = base::is_utf8(text);
  const Cost cost = is_utf8 ? cost_of_character : cost_of_byte;
  std::size_t end = 0;
  for (std::size_t used = cost(text[0]); used <= max_bytes; used += cost(text[end])) {
    ++end;
  }
  const auto continues = [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
  };
  while (is_utf8 && end > 0 && continues(text[end])) {
    --end;
  }
  return std::string(text.substr(0, end)) + "… (" + std::to_string(text.size() - end) +
         " bytes more)";
}

void put_text(Json& object, const char* name, std::string_view text) {
  if (!text.empty()) {
    object[name] = text_to_json(text);
  }
}

JsonReader::JsonReader(const Json& value) : value_(&value), good_(value.is_object()) {}

const Json* JsonReader::find(const char* name) const {
  if (!value_->is_object()) {
    return nullptr;
  }
  const auto found = value_->find(name);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

void JsonReader::text(const char* name, std::string& into) {
  const Json* const found = find(name);
  if (found == nullptr) {
    return;
  }
  if (found->is_string()) {
    into = found->get_ref<const std::string&>();
    return;
  }
  auto bytes = found->is_array() ? bytes_of(*found) : std::nullopt;
  good_ = good_ && bytes;
  into = std::move(bytes).value_or(into);
}

void JsonReader::flag(const char* name, bool& into) {
  if (const Json* const found = find(name)) {
    good_ = good_ && found->is_boolean();
    into = found->is_boolean() ? found->get<bool>() : into;
  }
}

void JsonReader::real(const char* name, double& into) {
  if (const Json* const found = find(name)) {
    good_ = good_ && found->is_number();
    into = found->is_number() ? found->get<double>() : into;
  }
}

void JsonReader::span(const char* name, base::Duration& into) {
  if (const auto nanoseconds = integer(name)) {
    into = base::Duration(*nanoseconds);
  }
}

void JsonReader::time(const char* name, base::SystemTime& into) {
  if (const auto nanoseconds = integer(name)) {
    into = base::SystemTime(base::Duration(*nanoseconds));
  }
}

void JsonReader::inside(const char* name, const Read& read) {
  if (const Json* const object = find(name)) {
    JsonReader inner(*object);
    read(inner);
    good_ = good_ && inner.good();
  }
}

void JsonReader::each(const char* name, const Read& read) {
  const Json* const array = find(name);
  good_ = good_ && (array == nullptr || array->is_array());
  for (std::size_t at = 0; array != nullptr && good_ && at < array->size(); ++at) {
    const Json element = {{name, (*array)[at]}};
    JsonReader inner(element);
    read(inner);
    good_ = good_ && inner.good();
  }
}

void JsonReader::each_object(const char* name, const Read& read) {
  const Json* const array = find(name);
  good_ = good_ && array != nullptr && array->is_array();
  for (std::size_t at = 0; good_ && at < array->size(); ++at) {
    JsonReader inner((*array)[at]);
    if (inner.good()) {
      read(inner);
    }
    good_ = inner.good();
  }
}

std::optional<std::int64_t> JsonReader::integer(const char* name) {
  const Json* const found = find(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() ||
                     found->get<std::uint64_t>() <=
                         static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  good_ = good_ && fits;
  return fits ? std::optional(found->get<std::int64_t>()) : std::nullopt;
}

}  // namespace reeve::records
