#include "xmlrpc/value.h"

#include <algorithm>
#include <utility>

namespace reeve::xmlrpc {

Value::Value(std::string text) : content_(std::move(text)) {}
Value::Value(const char* text) : content_(std::string(text)) {}
Value::Value(std::int64_t number) : content_(number) {}
Value::Value(int number) : content_(std::int64_t{number}) {}
Value::Value(bool flag) : content_(flag) {}
Value::Value(double number) : content_(number) {}
Value::Value(Array items) : content_(std::move(items)) {}
Value::Value(Struct members) : content_(std::move(members)) {}

const std::string* Value::as_string() const {
  return std::get_if<std::string>(&content_);
}

std::string* Value::as_string() {
  return std::get_if<std::string>(&content_);
}

const std::int64_t* Value::as_integer() const {
  return std::get_if<std::int64_t>(&content_);
}

const bool* Value::as_boolean() const {
  return std::get_if<bool>(&content_);
}

const double* Value::as_double() const {
  return std::get_if<double>(&content_);
}

const Array* Value::as_array() const {
  return std::get_if<Array>(&content_);
}

Array* Value::as_array() {
  return std::get_if<Array>(&content_);
}

const Struct* Value::as_struct() const {
  return std::get_if<Struct>(&content_);
}

const Value* Value::member(std::string_view name) const {
  const Struct* members = as_struct();
  if (members == nullptr) {
    return nullptr;
  }
  const auto found = std::find_if(members->rbegin(), members->rend(),
                                  [&](const Member& member) { return member.first == name; });
  return found == members->rend() ? nullptr : &found->second;
}

Value* Value::member(std::string_view name) {
  return const_cast<Value*>(std::as_const(*this).member(name));
}

}  // namespace reeve::xmlrpc
