#include "base/regular_expression.h"

#include "support/catch.h"

namespace reeve::base {
namespace {

RegularExpression parsed(const std::string& text) {
  auto expression = RegularExpression::parse(text);
  REQUIRE(expression);
  return *std::move(expression);
}

std::string problem_of(const std::string& text) {
  const auto expression = RegularExpression::parse(text);
  return expression ? "" : expression.error().message;
}

TEST_CASE("RegularExpression: matches the whole of a text only") {
  const auto web = parsed("web:.*");
  CHECK(web.full_match("web:"));
  CHECK(web.full_match("web:front"));
  CHECK_FALSE(web.full_match("myweb:front"));
  CHECK_FALSE(parsed("web|db").full_match("webs"));
  CHECK(parsed("^web$").full_match("web"));
  CHECK_FALSE(parsed("web.*").full_match("web\nfront"));
  CHECK(parsed("").full_match(""));
  CHECK_FALSE(parsed("").full_match("web"));
}

TEST_CASE("RegularExpression: a text without special characters is compared as it is") {
  CHECK(parsed("web:front-1").full_match("web:front-1"));
  CHECK_FALSE(parsed("web:front-1").full_match("web:front-11"));
  CHECK_FALSE(parsed("Web").full_match("web"));
  CHECK(parsed("(?i)Web").full_match("wEB"));
}

TEST_CASE("RegularExpression: an expression that would make a backtracking matcher hang answers") {
  const auto nested = parsed("([a-z]+:?)+_tmp");
  CHECK_FALSE(nested.full_match(std::string(100'000, 'a')));
  CHECK(nested.full_match(std::string(100'000, 'a') + "_tmp"));
  CHECK_FALSE(parsed("(a|.)*x").full_match(std::string(1'000'000, 'y')));
}

TEST_CASE("RegularExpression: an expression that needs more memory than allowed is still matched") {
  // Each of the last 60 characters is a state of its own, in any combination.
  const auto wide = parsed("(a|b)*a(a|b){60}");
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += (i * i) % 7 < 3 ? 'a' : 'b';
  }
  CHECK(wide.full_match(text + 'a' + std::string(60, 'b')));
  CHECK_FALSE(wide.full_match(text + 'b' + std::string(60, 'b')));
}

TEST_CASE("RegularExpression: a character of UTF-8 is one character") {
  CHECK(parsed("naïve-..").full_match("naïve-日本"));
  CHECK(parsed("[日月]本").full_match("日本"));
  CHECK(parsed("\\p{Greek}+").full_match("ωμέγα"));
  CHECK(parsed("日本").full_match("日本"));
  CHECK_FALSE(parsed(".").full_match("日本"));
}

TEST_CASE("RegularExpression: a byte that is not UTF-8 is one character") {
  CHECK(parsed("caf.:x").full_match("caf\xe9:x"));
  CHECK(parsed("caf\uFFFD:x").full_match("caf\xe9:x"));
  CHECK(problem_of("caf\xe9.*") == "invalid UTF-8 in 'caf\uFFFD.*'");
}

TEST_CASE("RegularExpression: a bad expression says what is wrong, and where") {
  CHECK(problem_of("(web") == "missing ): (web");
  CHECK(problem_of("web)") == "unexpected ): web)");
  CHECK(problem_of("web[a-") == "missing ]: [a- in 'web[a-'");
  CHECK(problem_of("web:**") == "bad repetition operator: ** in 'web:**'");
  CHECK(problem_of("(a+)\\1") == "invalid escape sequence: \\1 in '(a+)\\1'");
  CHECK(problem_of("web(?=:)") == "invalid perl operator: (?= in 'web(?=:)'");
  CHECK(problem_of("((a{100}){100}){100}") ==
        "invalid repetition size: {100} in '((a{100}){100}){100}'");
  CHECK(problem_of(std::string(1001, 'a')) == "longer than 1000 characters");
}

}  // namespace
}  // namespace reeve::base
