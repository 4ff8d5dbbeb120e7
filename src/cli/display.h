#pragma once

// Text of strangers for a person's eyes: process names, descriptions and fault texts come from
// whoever wrote supervisord's configuration and from the programs themselves. Pure functions.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::cli {

/// The text with everything made visible that could move a cursor, change colours or reorder
/// what is shown: control characters and bidirectional overrides as \x1B or \u202E, bytes that
/// are not UTF-8 as U+FFFD.
[[nodiscard]] std::string visible(std::string_view text);

/// How many columns a terminal gives to a visible text: two for East Asian wide characters and
/// emoji, none for combining marks.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The text with blanks after it, up to `width` columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

enum class Tone { plain, good, busy, bad, faint };

struct Cell {
  std::string text;  ///< made visible by render_table
  Tone tone = Tone::plain;
};

using Row = std::vector<Cell>;

/// Aligned columns, two blanks apart, without blanks at the ends of lines.
[[nodiscard]] std::string render_table(const std::vector<Row>& rows, bool colored);

/// The text in the color of a tone.
[[nodiscard]] std::string toned(const std::string& text, Tone tone, bool colored);

}  // namespace reeve::cli
