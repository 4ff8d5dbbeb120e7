#pragma once

// The one reader and writer of JSON in the state directory. JsonReader reads members of an object
// into values: an absent member or null leaves its value as it was; a member of another type or
// out of range makes the whole reading fail. Never throws. Strings may hold any bytes.
// Includes no more of nlohmann than its forward declarations.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "reeve/base/clock.h"

namespace reeve::records {

/// Members keep the order in which they were added.
using Json = nlohmann::ordered_json;

/// On one line, without its end.
[[nodiscard]] std::string to_line(const Json& object);
/// A string, or an array of bytes where the text is not UTF-8.
[[nodiscard]] Json text_to_json(std::string_view text);
/// How many bytes text_to_json(text) takes in a line, its quotes aside: a control character takes
/// six, a byte of a text that is not UTF-8 four.
[[nodiscard]] std::size_t written_bytes(std::string_view text);
/// The text, or as much of its beginning as takes `max_bytes` in a line, and how many bytes are
/// left out. A character is never cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t max_bytes);
/// Adds it as a member of `object` unless it is empty.
void put_text(Json& object, const char* name, std::string_view text);

class JsonReader {
 public:
  /// `value` must outlive this.
  explicit JsonReader(const Json& value);

  [[nodiscard]] bool good() const { return good_; }
  void fail() { good_ = false; }
  /// Null if the member is absent or null.
  [[nodiscard]] const Json* find(const char* name) const;
  [[nodiscard]] bool has(const char* name) const { return find(name) != nullptr; }

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
  /// One of the values `all`, by its name.
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
    good_ = good_ && !has(name);
  }
  template <class All, class Enum>
  void word(const char* name, const All& all, std::optional<Enum>& into) {
    if (has(name)) {
      word(name, all, into.emplace());
    }
  }

  using Read = std::function<void(JsonReader&)>;
  /// Calls `read` with a reader of the object `name`, if there is one.
  void inside(const char* name, const Read& read);
  /// Calls `read` for each element of the array `name`, if there is one, with a reader of which
  /// the element is the member `name`.
  void each(const char* name, const Read& read);
  /// Calls `read` with a reader of each element of the array `name`, which must be there and hold
  /// objects.
  void each_object(const char* name, const Read& read);

 private:
  [[nodiscard]] std::optional<std::int64_t> integer(const char* name);

  const Json* value_;
  bool good_;
};

/// Calls `read` with a reader of the object that `text` is. False if it is none, or read failed.
[[nodiscard]] bool read_object(std::string_view text, const JsonReader::Read& read);

}  // namespace reeve::records
