#include "cli/output.h"

#include <map>
#include <vector>

#include "cli/table.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

TEST_CASE("escaped: control characters and bidirectional overrides") {
  CHECK(escaped("plain naïve 日本 \U0001F600") == "plain naïve 日本 \U0001F600");
  CHECK(escaped("\x1B[2J") == "\\x1B[2J");
  CHECK(escaped("a\tb\r\n\x7F") == "a\\x09b\\x0D\\x0A\\x7F");
  CHECK(escaped("\u009B31m") == "\\u009B31m");
  CHECK(escaped("\u202Eabc\u2066") == "\\u202Eabc\\u2066");
  CHECK(escaped(std::string("\0", 1)) == "\\x00");
  CHECK(escaped("caf\xE9") == "caf\uFFFD");
  CHECK(escaped("\U000E0041") == "\\U000E0041");
}

TEST_CASE("display_width: wide characters take two columns, combining marks none") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("한글ｗ") == 6);
  CHECK(display_width("\U0001F600") == 2);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("naïve") == 5);
}

TEST_CASE("render_table: aligned columns with any characters, no trailing spaces") {
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

TEST_CASE("render_table: colors change no alignment") {
  const std::vector<Row> rows = {{{"a", Style::good}, {"b"}}, {{"aa", Style::bad}, {"b"}}};
  CHECK(render_table(rows, true) ==
        "\x1B[32ma\x1B[0m   b\n"
        "\x1B[31maa\x1B[0m  b\n");
}

using base::ErrorKind;

const std::vector<Verb> all_verbs = {
    Verb::list,   Verb::status,      Verb::start,         Verb::stop,  Verb::restart,
    Verb::signal, Verb::pid,         Verb::tail,          Verb::clear, Verb::reread,
    Verb::update, Verb::healthcheck, Verb::agent_request,
};

/// One digit for each verb, in the order above.
const std::map<ErrorKind, std::string> expected = {
    {ErrorKind::unreachable, "4444444441144"},     {ErrorKind::socket_missing, "4477777771147"},
    {ErrorKind::timeout, "4411111111141"},         {ErrorKind::cancelled, "1111111111111"},
    {ErrorKind::denied, "1111111111111"},          {ErrorKind::not_found, "1411111111141"},
    {ErrorKind::no_file, "1111111111111"},         {ErrorKind::conflict, "1171771111111"},
    {ErrorKind::stale, "1111111111111"},           {ErrorKind::invalid_argument, "1111111111111"},
    {ErrorKind::spawn_failed, "7777777777777"},    {ErrorKind::shutting_down, "1111111111111"},
    {ErrorKind::fault, "1111111111111"},           {ErrorKind::malformed, "1111111111111"},
    {ErrorKind::not_implemented, "1111111111111"}, {ErrorKind::internal, "1111111111111"},
};

TEST_CASE("exit_code: each verb and error kind") {
  for (const auto& [kind, codes] : expected) {
    for (std::size_t at = 0; at < all_verbs.size(); ++at) {
      CAPTURE(base::to_string(kind), at);
      CHECK(exit_code(all_verbs[at], kind) == codes[at] - '0');
    }
  }
  CHECK(expected.size() == static_cast<std::size_t>(ErrorKind::internal) + 1);
}

}  // namespace
}  // namespace reeve::cli
