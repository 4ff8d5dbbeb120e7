#pragma once

// Tables for a terminal. Process names, descriptions and fault texts come from supervisord's
// configuration and from programs: nothing in them may control the terminal. Pure functions.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/substrate/instance.h"

namespace reeve::cli {

/// The text with control characters and bidirectional overrides escaped as \x1B or \u202E, and
/// bytes that are not UTF-8 as U+FFFD.
[[nodiscard]] std::string escaped(std::string_view text);

/// The columns that an escaped text takes: two for East Asian wide characters and
/// emoji, none for combining marks.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The text with spaces after it, up to `width` columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

enum class Style { plain, good, changing, bad, inactive };

struct Cell {
  std::string text;  ///< escaped by render_table()
  Style style = Style::plain;
};

using Row = std::vector<Cell>;

/// Aligned columns, two spaces apart, without trailing spaces.
[[nodiscard]] std::string render_table(const std::vector<Row>& rows, bool colored);

/// A state alone: how an exit came is not considered.
[[nodiscard]] Style style_of(substrate::InstanceState state);

/// The text in the color of a style.
[[nodiscard]] std::string styled(const std::string& text, Style style, bool colored);

}  // namespace reeve::cli
