#pragma once

// Reads members of a JSON object into values: what is absent or null stays as it was, what is of
// another kind or out of range makes the whole reading fail. Never throws. And the other way
// round: texts, which may hold any bytes.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "reeve/base/clock.h"

namespace reeve::records {

/// Members stay in the order in which they were put in.
using Json = nlohmann::ordered_json;

/// The object that `text` is; nothing if it is none.
[[nodiscard]] std::optional<Json> parse_object(std::string_view text);
/// On one line.
[[nodiscard]] std::string to_line(const Json& object);
/// A string, or where its bytes are no UTF-8 an array of them.
[[nodiscard]] Json text_to_json(std::string_view text);
/// As a member of `object`, if it is not empty.
void put_text(Json& object, const char* name, std::string_view text);

class JsonReader {
 public:
  /// `value` must outlive this.
  explicit JsonReader(const Json& value) : value_(&value), good_(value.is_object()) {}

  [[nodiscard]] bool good() const { return good_; }
  void fail() { good_ = false; }

  /// Null if it is absent or null.
  [[nodiscard]] const Json* find(const char* name) const;
  void text(const char* name, std::string& into);
  void flag(const char* name, bool& into);
  void real(const char* name, double& into);
  void span(const char* name, base::Duration& into);    ///< of nanoseconds
  void time(const char* name, base::SystemTime& into);  ///< nanoseconds since 1970

  template <class Integer>
  void number(const char* name, Integer& into) {
    if (const auto wide = integer(name)) {
      const bool fits = *wide >= static_cast<std::int64_t>(std::numeric_limits<Integer>::min()) &&
                        *wide <= static_cast<std::int64_t>(std::numeric_limits<Integer>::max());
      good_ = good_ && fits;
      into = fits ? static_cast<Integer>(*wide) : into;
    }
  }
  /// One of `all`, by its word.
  template <class All, class Enum>
  void word(const char* name, const All& all, Enum& into) {
    std::string word;
    text(name, word);
    for (const Enum each : all) {
      if (to_string(each) == word) {
        into = each;
        return;
      }
    }
    good_ = good_ && find(name) == nullptr;
  }
  /// Calls `read` with a reader of the object, where there is one.
  template <class Read>
  void inside(const char* name, const Read& read) {
    if (const Json* const object = find(name)) {
      JsonReader inner(*object);
      read(inner);
      good_ = good_ && inner.good();
    }
  }
  /// Calls `read` for each element of the array, where there is one, with a reader of which it is
  /// the member `name`.
  template <class Read>
  void each(const char* name, const Read& read) {
    const Json* const array = find(name);
    good_ = good_ && (array == nullptr || array->is_array());
    for (std::size_t at = 0; array != nullptr && good_ && at < array->size(); ++at) {
      const Json element = {{name, (*array)[at]}};
      JsonReader inner(element);
      read(inner);
      good_ = good_ && inner.good();
    }
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> integer(const char* name);

  const Json* value_;
  bool good_;
};

}  // namespace reeve::records
