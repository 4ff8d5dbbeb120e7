#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/text.h"

namespace reeve::cli {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

constexpr std::array control_characters = {
    Range{0x00, 0x1F},     Range{0x7F, 0x9F},     Range{0x061C, 0x061C},
    Range{0x200E, 0x200F}, Range{0x2028, 0x202E}, Range{0x2066, 0x2069},
    Range{0xFEFF, 0xFEFF}, Range{0xFFF9, 0xFFFB}, Range{0xE0000, 0xE007F},
};
constexpr std::array zero_width = {
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x064B, 0x065F},
    Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF}, Range{0x200B, 0x200D}, Range{0x20D0, 0x20FF},
    Range{0x3099, 0x309A}, Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0xE0100, 0xE01EF},
};
constexpr std::array wide = {
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x23E9, 0x23EC},
    Range{0x2614, 0x2615},   Range{0x26A1, 0x26A1},   Range{0x2705, 0x2705},
    Range{0x274C, 0x274C},   Range{0x2753, 0x2757},   Range{0x2795, 0x2797},
    Range{0x2B50, 0x2B55},   Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},
    Range{0xA960, 0xA97F},   Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},
    Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},
    Range{0x16FE0, 0x18AFF}, Range{0x1B000, 0x1B2FF}, Range{0x1F004, 0x1F004},
    Range{0x1F18E, 0x1F19A}, Range{0x1F200, 0x1F265}, Range{0x1F300, 0x1F64F},
    Range{0x1F680, 0x1F6FF}, Range{0x1F7E0, 0x1F7EB}, Range{0x1F900, 0x1F9FF},
    Range{0x1FA70, 0x1FAFF}, Range{0x20000, 0x3FFFD},
};

template <std::size_t count>
bool within(const std::array<Range, count>& ranges, std::uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return range.first <= point && point <= range.last;
  });
}

/// The first code point of valid UTF-8 and its length.
struct CodePoint {
  std::uint32_t value;
  std::size_t length;
};

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U;
  std::uint32_t value = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t at = 1; at < length; ++at) {
    value = (value << 6U) | (static_cast<unsigned char>(text[at]) & 0x3FU);
  }
  return {value, length};
}

std::string escape_sequence(std::uint32_t point) {
  std::array<char, 16> text{};
  const char* const form = point < 0x80 ? "\\x%02X" : point < 0x10000 ? "\\u%04X" : "\\U%08X";
  const int length = std::snprintf(text.data(), text.size(), form, point);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string_view color_of(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::good:
      return "\x1B[32m";
    case Style::changing:
      return "\x1B[33m";
    case Style::bad:
      return "\x1B[31m";
    case Style::inactive:
      return "\x1B[2m";
  }
  return "";
}

}  // namespace

std::string escaped(std::string_view text) {
  const std::string valid = base::to_utf8(text);
  std::string result;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint point = first_code_point(rest);
    result += within(control_characters, point.value) ? escape_sequence(point.value)
                                                      : std::string(rest.substr(0, point.length));
    rest.remove_prefix(point.length);
  }
  return result;
}

std::size_t display_width(std::string_view text) {
  const std::string valid = base::to_utf8(text);
  std::size_t width = 0;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint point = first_code_point(rest);
    width += within(zero_width, point.value) ? 0U : within(wide, point.value) ? 2U : 1U;
    rest.remove_prefix(point.length);
  }
  return width;
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(text) + std::string(width > used ? width - used : 0, ' ');
}

std::string styled(const std::string& text, Style style, bool colored) {
  const std::string_view color = color_of(style);
  return !colored || color.empty() ? text : std::string(color) + text + "\x1B[0m";
}

std::string render_table(const std::vector<Row>& rows, bool colored) {
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    auto& texts = cells.emplace_back();
    for (std::size_t column = 0; column < row.size(); ++column) {
      texts.push_back(escaped(row[column].text));
      widths[column] = std::max(widths[column], display_width(texts.back()));
    }
  }
  std::string table;
  for (std::size_t line = 0; line < rows.size(); ++line) {
    std::string text;
    std::size_t pending = 0;  // spaces, written only if a cell follows
    for (std::size_t column = 0; column < rows[line].size(); ++column) {
      const std::string& cell = cells[line][column];
      if (!cell.empty()) {
        text += std::string(pending, ' ') + styled(cell, rows[line][column].style, colored);
        pending = 0;
      }
      pending += widths[column] - display_width(cell) + 2;
    }
    table += text + '\n';
  }
  return table;
}

Style style_of(substrate::InstanceState state) {
  using substrate::InstanceState;
  switch (state) {
    case InstanceState::running:
      return Style::good;
    case InstanceState::starting:
    case InstanceState::stopping:
      return Style::changing;
    case InstanceState::stopped:
    case InstanceState::exited:
      return Style::inactive;
    case InstanceState::backoff:
    case InstanceState::fatal:
    case InstanceState::unknown:
      return Style::bad;
  }
  return Style::plain;
}

}  // namespace reeve::cli
