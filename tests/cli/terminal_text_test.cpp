#include "cli/terminal_text.h"

#include <initializer_list>

#include "support/catch.h"

namespace reeve::cli {
namespace {

/// The pieces one after the other, and the end.
std::string shown(Colors colors, std::initializer_list<std::string_view> pieces) {
  TerminalText text(colors);
  std::string all;
  for (const std::string_view piece : pieces) {
    all += text.take(piece);
  }
  return all + text.end();
}

TEST_CASE("TerminalText: lines, tabs and colors are kept") {
  for (const char* plain : {"", "one\n\ttwo\r\n", "\xC3\xA4\xE6\x97\xA5\xF0\x9F\x98\x80",
                            "\x1B[31mred\x1B[0m", "\x1B[38;2;1;2;3mx\x1B[m"}) {
    CHECK(shown(Colors::kept, {plain}) == plain);
  }
  CHECK(shown(Colors::kept, {"\x1B[1;31mleft on"}) == "\x1B[1;31mleft on\x1B[0m");
  CHECK(shown(Colors::escaped, {"\x1B[31mred\n"}) == "\\x1B[31mred\n");
}

TEST_CASE("TerminalText: what would control the terminal is escaped") {
  for (const auto& [sent, seen] :
       {std::pair("\x1B[2J", "\\x1B[2J"), std::pair("\x1B]0;title\x07", "\\x1B]0;title\\x07"),
        std::pair("\x1B]52;c;Y2F0\x1B\\", "\\x1B]52;c;Y2F0\\x1B\\"),
        std::pair("shown\rhidden", "shown\\x0Dhidden"), std::pair("\x1B[?1049h", "\\x1B[?1049h"),
        std::pair("\xC2\x9B"
                  "2J",
                  "\\u009B2J"),
        std::pair("\xE2\x80\xAE"
                  "x",
                  "\\u202Ex"),
        std::pair("\x08\x7F\xFF", "\\x08\\x7F\xEF\xBF\xBD"),
        std::pair("\x1B[1111111111111111111111111111111111m",
                  "\\x1B[1111111111111111111111111111111111m"),
        std::pair("\x1B[3", "\\x1B[3"), std::pair("\x1B", "\\x1B"), std::pair("\r", "\\x0D")}) {
    CHECK(shown(Colors::kept, {sent}) == seen);
  }
}

TEST_CASE("TerminalText: where the pieces are cut does not show") {
  const std::string text =
      "a\x1B[31mb\x1B[0m\xC3\xA4\xF0\x9F\x98\x80\r\n\x1B[2J\x1B]0;x\x07\xE2\x82\n\rz\x1B[1;";
  const std::string whole = shown(Colors::kept, {text});
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      CAPTURE(first, second);
      const std::string_view all = text;
      CHECK(shown(Colors::kept, {all.substr(0, first), all.substr(first, second - first),
                                 all.substr(second)}) == whole);
    }
  }
}

TEST_CASE("for_terminal: bytes for a pipe are unchanged") {
  CHECK(for_terminal("\x1B[2J\xFF", false) == "\x1B[2J\xFF");
  CHECK(for_terminal("\x1B[2J\n", true) == "\\x1B[2J\n");
}

}  // namespace
}  // namespace reeve::cli
