#include "api/request_body.h"

#include "support/catch.h"

namespace reeve::api {
namespace {

using guards::Action;

int status_of(std::string_view body, Action action = Action::stop) {
  const auto read = read_action_body(body, action);
  return read ? 200 : read.error().status;
}

std::string detail_of(std::string_view body, Action action = Action::stop) {
  const auto read = read_action_body(body, action);
  return read ? "" : read.error().detail;
}

TEST_CASE("read_action_body: all members are optional, and so is the body") {
  for (const char* body : {"", "{}", " {\n} "}) {
    const auto read = read_action_body(body, Action::restart);
    REQUIRE(read);
    CHECK(read->wait);
    CHECK_FALSE(read->dry_run);
    CHECK_FALSE(read->if_incarnation);
  }
}

TEST_CASE("read_action_body: each member is read") {
  const auto read = read_action_body(
      R"({"wait": false, "reason": "because", "dry_run": true, "if_incarnation": "10:1700000000"})",
      Action::stop);
  REQUIRE(read);
  CHECK_FALSE(read->wait);
  CHECK(read->reason == "because");
  CHECK(read->dry_run);
  CHECK(read->if_incarnation == *substrate::Incarnation::parse("10:1700000000"));
  CHECK(read_action_body(R"({"signal": "HUP"})", Action::signal)->signal == "HUP");
}

TEST_CASE("read_action_body: anything but a JSON object is malformed") {
  for (const char* body :
       {"{", "[]", "null", "1", "\"x\"", "{}{}", "{\"wait\":}", "{'wait': true}",
        "{\"wait\": true,}", "\xEF\xBB\xBF", "{\"reason\": \"\xFF\"}", "nul\0l"}) {
    CAPTURE(body);
    CHECK(status_of(body) == 400);
  }
}

TEST_CASE("read_action_body: an unknown member is named, with the known ones") {
  CHECK(status_of(R"({"timeout": 5})") == 400);
  CHECK(detail_of(R"({"timeout": 5})") ==
        "'timeout' is not known: the members are wait, signal, reason, dry_run, "
        "if_incarnation and rolling");
}

TEST_CASE("read_action_body: a member given twice is refused") {
  CHECK(detail_of(R"({"dry_run": true, "dry_run": false})") == "'dry_run' is given twice");
}

TEST_CASE("read_action_body: a member of another type is named") {
  for (const char* name : {"wait", "dry_run", "reason", "signal", "if_incarnation"}) {
    for (const char* value : {"1", "null", "[]", "{}", "1e400"}) {
      const std::string body = "{\"" + std::string(name) + "\": " + value + "}";
      CAPTURE(body);
      const auto read = read_action_body(body, Action::signal);
      REQUIRE_FALSE(read);
      const bool number_too_large = std::string(value) == "1e400";
      CHECK(read.error().status == (number_too_large ? 400 : 422));
      CHECK((number_too_large || read.error().detail.find(name) != std::string::npos));
    }
  }
  CHECK(status_of(R"({"if_incarnation": "now"})") == 422);
}

TEST_CASE("read_action_body: members without a meaning for the action are refused") {
  CHECK(status_of("{}", Action::signal) == 422);
  CHECK(status_of(R"({"signal": "HUP"})", Action::stop) == 422);
  CHECK(status_of(R"({"wait": false})", Action::restart) == 422);
  CHECK(status_of(R"({"wait": true})", Action::restart) == 200);
}

TEST_CASE("read_action_body: size, depth and texts are bounded") {
  CHECK(status_of(std::string(max_body_bytes + 1, ' ')) == 413);
  CHECK(detail_of(R"({"x": )" + std::string(5'000, '[') + std::string(5'000, ']') + "}") ==
        "the body is nested too deeply");
  CHECK(status_of(std::string(10'000, '[')) == 400);
  CHECK(status_of(R"({"reason": ")" + std::string(1'025, 'x') + "\"}") == 422);
  CHECK(status_of(R"({"signal": ")" + std::string(33, 'x') + "\"}", Action::signal) == 422);
}

}  // namespace
}  // namespace reeve::api
