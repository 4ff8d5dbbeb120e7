#include "cli/terminal_text.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "cli/table.h"

namespace reeve::cli {
namespace {

constexpr char escape = '\x1B';
constexpr std::size_t max_color_bytes = 32;
constexpr std::string_view default_colors = "\x1B[0m";

struct Color {
  std::size_t length = 0;    ///< 0: it is none
  bool is_complete = false;  ///< if not, more bytes may make it one
};

/// `ESC [ numbers m` at the beginning of the text.
Color color_at(std::string_view text) {
  const std::size_t end = text.find_first_not_of("0123456789;:", 2);
  const bool begins = text.size() < 2 || text[1] == '[';
  if (!begins || std::min(end, text.size()) >= max_color_bytes) {
    return {};
  }
  if (end == std::string_view::npos) {
    return {.length = text.size(), .is_complete = false};
  }
  return text[end] == 'm' ? Color{.length = end + 1, .is_complete = true} : Color{};
}

bool resets_colors(std::string_view color) {
  return color == default_colors || color == "\x1B[m";
}

bool is_continuation(char byte) {
  return (byte & '\xC0') == '\x80';
}

/// How many bytes at the end may be the beginning of a character of UTF-8.
std::size_t cut_character(std::string_view text) {
  const std::size_t most = std::min<std::size_t>(text.size(), 3);
  for (std::size_t size = 1; size <= most; ++size) {
    const auto byte = static_cast<unsigned char>(text[text.size() - size]);
    if (!is_continuation(static_cast<char>(byte))) {
      const std::size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
      return size < whole ? size : 0;
    }
  }
  return 0;
}

}  // namespace

std::string TerminalText::take(std::string_view bytes) {
  rest_ += bytes;
  return process(false);
}

std::string TerminalText::end() {
  std::string text = process(true);
  return std::exchange(is_colored_, false) ? text.append(default_colors) : text;
}

std::string TerminalText::process(bool is_last) {
  std::string shown;
  std::string_view left = rest_;
  while (!left.empty()) {
    std::size_t size = left.find_first_of("\n\t\r\x1B");
    if (size != 0) {
      const bool is_cut = size == std::string_view::npos && !is_last;
      size = std::min(size, left.size() - (is_cut ? cut_character(left) : 0));
      shown += escaped(left.substr(0, size));
      left.remove_prefix(size);
      if (is_cut) {
        break;
      }
      continue;
    }
    size = 1;
    const bool is_line_end = left.front() == '\r' && left.substr(1, 1) == "\n";
    const Color color =
        left.front() == escape && colors_ == Colors::kept ? color_at(left) : Color{};
    if (!is_last && ((left == "\r") || (color.length > 0 && !color.is_complete))) {
      break;
    }
    if (color.is_complete) {
      size = color.length;
      is_colored_ = !resets_colors(left.substr(0, size));
    }
    const bool is_kept =
        left.front() == '\n' || left.front() == '\t' || is_line_end || color.is_complete;
    shown += is_kept ? std::string(left.substr(0, size)) : escaped(left.substr(0, size));
    left.remove_prefix(size);
  }
  rest_ = std::string(left);
  return shown;
}

std::string for_terminal(std::string_view text, bool is_terminal) {
  if (!is_terminal) {
    return std::string(text);
  }
  TerminalText shown(Colors::escaped);
  const std::string begin = shown.take(text);
  return begin + shown.end();
}

}  // namespace reeve::cli
