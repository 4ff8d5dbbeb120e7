#include "coordination/etcd_keys.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "http/base64.h"
#include "http/grammar.h"

namespace reeve::coordination::etcd {

using http::decode_base64;
using http::encode_base64;

namespace {

const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) {
    return none;
  }
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::optional<std::string> bytes(const Json& object, const char* name) {
  const Json& text = member(object, name);
  if (text.is_null()) {
    return std::string();  // a default value is left out
  }
  return text.is_string() ? decode_base64(text.get_ref<const std::string&>()) : std::nullopt;
}

Json compare(const std::string& key, const char* target, const char* result, const char* field,
             std::int64_t value) {
  return {{"key", encode_base64(key)},
          {"target", target},
          {"result", result},
          {field, std::to_string(value)}};
}

}  // namespace

std::string Keys::key(std::string_view folder, std::string_view name) const {
  return std::string(prefix_).append(folder).append(name);
}

std::string Keys::end_of(std::string prefix) {
  ++prefix.back();  // '/' to '0'
  return prefix;
}

KeyRange Keys::below(std::string_view folder) const {
  std::string first = prefix_ + std::string(folder);
  std::string end = end_of(first);
  return {std::move(first), std::move(end)};
}

std::string Keys::slot(std::string_view limit, unsigned index) const {
  return key("slots/", limit) + "/" + std::to_string(index);
}

std::string Keys::budget_entry(std::string_view limit, unsigned index) const {
  return key("budget/", limit) + "/" + std::to_string(index);
}

std::string Keys::maintenance(std::string_view scope) const {
  return key("maintenance/", http::percent_encode(scope));
}

KeyRange Keys::slots(std::string_view limit) const {
  return below("slots/" + std::string(limit) + "/");
}

KeyRange Keys::budget_entries(std::string_view limit) const {
  return below("budget/" + std::string(limit) + "/");
}

std::optional<Keys::Parts> Keys::parts_of(std::string_view key) const {
  if (!key.starts_with(prefix_)) {
    return std::nullopt;
  }
  key.remove_prefix(prefix_.size());
  const std::size_t first = key.find('/');
  if (first == std::string_view::npos) {
    return std::nullopt;
  }
  Parts parts{key.substr(0, first), key.substr(first + 1), std::nullopt};
  if (parts.kind == "slots" || parts.kind == "budget") {
    const std::size_t second = parts.name.find('/');
    parts.index = second == std::string_view::npos
                      ? std::nullopt
                      : base::parse_number<unsigned>(parts.name.substr(second + 1));
    parts.name = parts.name.substr(0, second);
    if (!parts.index) {
      return std::nullopt;
    }
  }
  return parts;
}

std::int64_t number(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string()
             ? base::parse_number<std::int64_t>(value.get_ref<const std::string&>()).value_or(0)
             : 0;
}

std::optional<KeyValue> key_value(const Json& kv) {
  auto key = bytes(kv, "key");
  auto value = bytes(kv, "value");
  if (!key || !value || key->empty()) {
    return std::nullopt;
  }
  return KeyValue{*std::move(key), *std::move(value), number(kv, "create_revision"),
                  number(kv, "mod_revision"), number(kv, "lease")};
}

std::vector<KeyValue> key_values(const Json& answer) {
  std::vector<KeyValue> all;
  for (const Json& each : member(answer, "kvs")) {
    if (auto one = key_value(each)) {
      all.push_back(*std::move(one));
    }
  }
  return all;
}

std::int64_t revision(const Json& answer) {
  return number(member(answer, "header"), "revision");
}

Json range_answer(const Json& transaction, std::size_t at) {
  const Json& responses = member(transaction, "responses");
  return responses.is_array() && at < responses.size() ? member(responses[at], "response_range")
                                                       : Json();
}

bool succeeded(const Json& transaction) {
  const Json& value = member(transaction, "succeeded");
  return value.is_boolean() && value.get<bool>();
}

Json get(const std::string& key) {
  return {{"key", encode_base64(key)}};
}

Json get(const KeyRange& range) {
  return {{"key", encode_base64(range.first)}, {"range_end", encode_base64(range.end)}};
}

Json put(const std::string& key, std::string_view value, std::int64_t lease) {
  return {{"key", encode_base64(key)},
          {"value", encode_base64(value)},
          {"lease", std::to_string(lease)}};
}

Json in_transaction(const char* request, Json body) {
  return {{request, std::move(body)}};
}

Json is_absent(const std::string& key) {
  return compare(key, "CREATE", "EQUAL", "create_revision", 0);
}

Json is_there(const std::string& key) {
  return compare(key, "CREATE", "GREATER", "create_revision", 0);
}

Json is_unmodified(const std::string& key, std::int64_t modified) {
  return compare(key, "MOD", "EQUAL", "mod_revision", modified);
}

Json transaction(std::vector<Json> compare, std::vector<Json> success) {
  return transaction(std::move(compare), std::move(success), {});
}

Json transaction(std::vector<Json> compare, std::vector<Json> success, std::vector<Json> failure) {
  return {{"compare", std::move(compare)},
          {"success", std::move(success)},
          {"failure", std::move(failure)}};
}

}  // namespace reeve::coordination::etcd
