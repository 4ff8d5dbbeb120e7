#include "base/text.h"

#include "support/catch.h"

namespace reeve::base {
namespace {

using namespace std::chrono_literals;

TEST_CASE("parse_number: a number is the whole text or nothing") {
  CHECK(parse_number<int>("42") == 42);
  CHECK(parse_number<int>("-7") == -7);
  CHECK(parse_number<std::int64_t>("3221225470") == 3221225470);
  for (const char* text : {"", "-", "4 2", " 42", "42 ", "0x10", "99999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number<int>(text));
  }
}

TEST_CASE("rfc3339: times are RFC 3339 in UTC with milliseconds") {
  CHECK(to_rfc3339(SystemTime(0s)) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(SystemTime(1'709'208'000'250ms)) == "2024-02-29T12:00:00.250Z");
}

TEST_CASE("rfc3339: times are read in any form that RFC 3339 allows") {
  const SystemTime noon(1'709'208'000s);
  CHECK(parse_rfc3339("2024-02-29T12:00:00Z") == noon);
  CHECK(parse_rfc3339("2024-02-29t12:00:00.25z") == noon + 250ms);
  CHECK(parse_rfc3339("2024-02-29T14:30:00+02:30") == noon);
  CHECK(parse_rfc3339("2024-02-29 04:00:00.1234567891-08:00") == noon + 123'456'789ns);
  CHECK(parse_rfc3339(to_rfc3339(noon + 7ms)) == noon + 7ms);
}

TEST_CASE("rfc3339: text that is no time, or is out of range, is refused") {
  for (const char* text :
       {"", "2024-02-29", "2024-02-30T12:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T12:00:00",
        "2024-02-29T12:00:00.Z", "2024-02-29T12:00:00Z ", "2024-02-29T12:00:00+2:00",
        "+024-02-29T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text));
  }
}

TEST_CASE("join: words are joined with a separator") {
  const std::vector<std::string> words = {"a", "", "c"};
  CHECK(join(words, ", ") == "a, , c");
  CHECK(join(std::vector<std::string>{}, ", ").empty());
  CHECK(join(words, "|", [](const std::string& word) { return word + "!"; }) == "a!|!|c!");
}

TEST_CASE("duration: a duration is a whole number and one unit") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("5s") == 5s);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0s") == 0s);
  for (const char* text : {"", "5", "s", "1.5s", "-5s", "5 s", "5d", "9999999999999999h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("duration: a duration is written in its largest whole unit") {
  for (const char* text : {"500ms", "90s", "2m", "1h", "0s", "36h"}) {
    CHECK(format_duration(*parse_duration(text)) == text);
  }
  CHECK(format_duration(120s) == "2m");
}

TEST_CASE("to_utf8: bytes that are not UTF-8 become U+FFFD, one for each") {
  CHECK(to_utf8("naïve 日本 🚀") == "naïve 日本 🚀");
  CHECK(to_utf8("caf\xe9!") == "caf\xEF\xBF\xBD!");
  CHECK(to_utf8("\xed\xa0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(to_utf8("cut \xe6\x97") == "cut \xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(is_utf8(std::string("a\0b", 3)));
  CHECK_FALSE(is_utf8("\xc0\x80"));
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));
}

TEST_CASE("matches_glob: a pattern is matched as the shell does, against the whole text") {
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("web:*", "web:front"));
  CHECK(matches_glob("*:*_0[0-3]", "worker:worker_02"));
  CHECK(matches_glob("a?c", "abc"));
  CHECK(matches_glob("[!a]x", "bx"));
  CHECK(matches_glob("a[", "a["));
  CHECK(matches_glob("[]]", "]"));
  CHECK_FALSE(matches_glob("web", "web:front"));
  CHECK_FALSE(matches_glob("[!a]x", "ax"));
  CHECK_FALSE(matches_glob("a?c", "ac"));
  CHECK_FALSE(matches_glob("", "a"));
}

TEST_CASE("matches_glob: a hostile pattern takes no more than text times pattern steps") {
  std::string pattern;
  for (int i = 0; i < 50; ++i) {
    pattern += "*a";
  }
  CHECK_FALSE(matches_glob(pattern + "b", std::string(5000, 'a')));
}

TEST_CASE("nearest: the nearest known word is offered only if it is near") {
  const std::vector<std::string> known = {"interval", "timeout", "url"};
  CHECK(nearest("intervall", known) == "interval");
  CHECK(nearest("tiemout", known) == "timeout");
  CHECK_FALSE(nearest("password", known));
  CHECK_FALSE(nearest("x", known));
  CHECK_FALSE(nearest("foo", {"log"}));
}

TEST_CASE("is_nested_beyond: brackets count, outside of texts alone") {
  CHECK_FALSE(is_nested_beyond(R"({"a":[1,{"b":[]}]})", 4));
  CHECK(is_nested_beyond(R"({"a":[1,{"b":[]}]})", 3));
  CHECK_FALSE(is_nested_beyond(R"(["[[[[", "\"[[[", "\\"])", 1));
  CHECK(is_nested_beyond(R"(["\\",[]])", 1));
  CHECK_FALSE(is_nested_beyond("]]]][", 1));
  CHECK(is_nested_beyond(std::string(1'000'000, '['), 16));
}

}  // namespace
}  // namespace reeve::base
