#pragma once

// guards.json: the book as text, under the stamp of its writing.

#include <optional>
#include <string>
#include <string_view>

#include "control/guard_book.h"
#include "reeve/control/guard_clock.h"

namespace reeve::control {

inline constexpr std::string_view guard_file = "guards.json";

[[nodiscard]] std::string to_text(const Book& book, const Stamp& stamp);

struct ReadBook {
  Book book;  ///< in times of now
  bool future_dated = false;
};

/// Nothing if it is not such a text, or a version of it that we do not know.
[[nodiscard]] std::optional<ReadBook> parse_book(std::string_view text, const GuardClock& clock);

}  // namespace reeve::control
