#pragma once

// guards.json: the book as text, under the stamp of its writing.

#include <optional>
#include <string>
#include <string_view>

#include "guards/guard_book.h"
#include "guards/guard_clock.h"

namespace reeve::guards {

inline constexpr std::string_view guard_file = "guards.json";

[[nodiscard]] std::string to_text(const Book& book, const Stamp& stamp);

struct ReadBook {
  Book book;  ///< in times of now
  bool future_dated = false;
};

/// Nothing if it is not such a text, or a version of it that we do not know.
[[nodiscard]] std::optional<ReadBook> parse_book(std::string_view text, const GuardClock& clock);

}  // namespace reeve::guards
