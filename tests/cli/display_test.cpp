#include "cli/display.h"

#include "support/catch.h"

namespace reeve::cli {
namespace {

TEST_CASE("what could move a cursor or reorder text is made visible") {
  CHECK(visible("plain naïve 日本 \U0001F600") == "plain naïve 日本 \U0001F600");
  CHECK(visible("\x1B[2J") == "\\x1B[2J");
  CHECK(visible("a\tb\r\n\x7F") == "a\\x09b\\x0D\\x0A\\x7F");
  CHECK(visible("\u009B31m") == "\\u009B31m");
  CHECK(visible("\u202Eabc\u2066") == "\\u202Eabc\\u2066");
  CHECK(visible(std::string("\0", 1)) == "\\x00");
  CHECK(visible("caf\xE9") == "caf\uFFFD");
  CHECK(visible("\U000E0041") == "\\U000E0041");
}

TEST_CASE("wide characters take two columns and combining marks none") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("한글ｗ") == 6);
  CHECK(display_width("\U0001F600") == 2);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("naïve") == 5);
}

TEST_CASE("columns are aligned whatever the characters, and lines end without blanks") {
  const std::vector<Row> rows = {
      {{"NAME"}, {"STATE"}, {"WHY"}},
      {{"日本"}, {"RUNNING"}, {""}},
      {{"x\x1B"}, {""}, {"b"}},
  };
  CHECK(render_table(rows, false) ==
        "NAME   STATE    WHY\n"
        "日本   RUNNING\n"
        "x\\x1B           b\n");
}

TEST_CASE("color is around the text and changes no alignment") {
  const std::vector<Row> rows = {{{"a", Tone::good}, {"b"}}, {{"aa", Tone::bad}, {"b"}}};
  CHECK(render_table(rows, true) ==
        "\x1B[32ma\x1B[0m   b\n"
        "\x1B[31maa\x1B[0m  b\n");
}

}  // namespace
}  // namespace reeve::cli
