#pragma once

// Small, total functions on text: numbers, durations, times, UTF-8, name patterns. None throws.

#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::base {

/// The whole of `text` as a decimal number; nothing on a sign alone, blanks, rest or overflow.
template <class Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end || text.empty()) {
    return std::nullopt;
  }
  return number;
}

/// `500ms`, `5s`, `2m`, `1h`: a number and one unit. invalid_argument says what is expected.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
/// The shortest such text: 1500ms, 90s, 2m.
[[nodiscard]] std::string format_duration(Duration span);

/// For people: milliseconds below a second, else whole seconds as 7s, 1m22s, 3h2m.
[[nodiscard]] std::string readable_duration(Duration span);

/// RFC 3339 in UTC with milliseconds: "2024-02-29T12:00:00.250Z".
[[nodiscard]] std::string to_rfc3339(SystemTime time);
/// Any RFC 3339 time of the years 1970 to 2261, with fractions and offsets; nothing otherwise.
[[nodiscard]] std::optional<SystemTime> parse_rfc3339(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view bytes);
/// The same text with U+FFFD for each byte that is not part of valid UTF-8.
[[nodiscard]] std::string to_utf8(std::string_view bytes);

/// `things` with `separator` between them: words, or what `word_of` makes of each.
template <class Range, class WordOf = std::identity>
[[nodiscard]] std::string join(const Range& things, std::string_view separator,
                               const WordOf& word_of = {}) {
  std::string joined;
  bool first = true;
  for (const auto& thing : things) {
    joined += std::exchange(first, false) ? std::string_view() : separator;
    joined += std::invoke(word_of, thing);
  }
  return joined;
}

/// Shell-style match of a whole text: `*` any run, `?` one byte, `[abc] [a-z] [!a]` one of a
/// set. A `[` without its `]` stands for itself. Linear in text times pattern.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);
[[nodiscard]] bool is_glob(std::string_view text);

/// Whether arrays and objects in this JSON lie deeper than that in each other. In one pass: to be
/// asked before others' text is parsed, since parsers take stack, or much memory, for depth.
[[nodiscard]] bool is_nested_beyond(std::string_view json, std::size_t depth);

/// The closest of `known` within two edits, and half its length, for "did you mean": nothing if
/// none is close.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace reeve::base
