#pragma once

// An XML-RPC value, a call and an answer. Integers are 64 bit whatever tag carried them; strings
// are bytes (control characters and NUL survive). Values are built by the codec and read with the
// as_… functions, which return null where the type is another: no exception, no conversion.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace reeve::xmlrpc {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
/// In the order of the answer; names may repeat, the last one counts.
using Struct = std::vector<Member>;

class Value {
 public:
  Value() = default;           ///< the empty string, as XML-RPC has it for an empty <value/>
  Value(std::string text);     // NOLINT(google-explicit-constructor): a sum type
  Value(const char* text);     // NOLINT(google-explicit-constructor)
  Value(std::int64_t number);  // NOLINT(google-explicit-constructor)
  Value(int number);           // NOLINT(google-explicit-constructor)
  Value(bool flag);            // NOLINT(google-explicit-constructor)
  Value(double number);        // NOLINT(google-explicit-constructor)
  Value(Array items);          // NOLINT(google-explicit-constructor)
  Value(Struct members);       // NOLINT(google-explicit-constructor)

  [[nodiscard]] const std::string* as_string() const;
  [[nodiscard]] std::string* as_string();  ///< to be moved from
  [[nodiscard]] const std::int64_t* as_integer() const;
  [[nodiscard]] const bool* as_boolean() const;
  [[nodiscard]] const double* as_double() const;
  [[nodiscard]] const Array* as_array() const;
  [[nodiscard]] Array* as_array();  ///< to be moved from: listings are large
  [[nodiscard]] const Struct* as_struct() const;
  /// A struct's member; null if this is no struct or has none of that name.
  [[nodiscard]] const Value* member(std::string_view name) const;
  [[nodiscard]] Value* member(std::string_view name);  ///< to be moved from

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::string, std::int64_t, bool, double, Array, Struct> content_;
};

/// A method and its parameters.
struct Call {
  std::string method;
  std::vector<Value> parameters;
  friend bool operator==(const Call&, const Call&) = default;
};

/// The peer's refusal: a value, not an error of ours.
struct Fault {
  int code = 0;
  std::string text;
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// A well-formed answer to one call.
struct Answer {
  std::variant<Value, Fault> content;
  /// The answer began with an XML declaration (supervisord's does, its Go reimplementation's
  /// does not).
  bool has_declaration = false;
  /// Values of a second and further <param>: the Go reimplementation sends them.
  std::vector<Value> further_parameters = {};

  [[nodiscard]] const Value* value() const { return std::get_if<Value>(&content); }
  [[nodiscard]] const Fault* fault() const { return std::get_if<Fault>(&content); }
};

}  // namespace reeve::xmlrpc
