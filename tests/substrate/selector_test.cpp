#include "substrate/selector.h"

#include "support/catch.h"

namespace reeve::substrate {
namespace {

bool selects(const char* pattern, const char* name, const char* supervisor = "") {
  const auto selector = Selector::parse(pattern);
  REQUIRE(selector);
  return selector->matches(supervisor, *InstanceName::parse(name));
}

TEST_CASE("Selector: a bare name selects the process whose group has that name too, and no other") {
  CHECK(selects("web", "web"));
  CHECK_FALSE(selects("web", "web:front"));
  CHECK_FALSE(selects("front", "web:front"));
}

TEST_CASE("Selector: what is denied by a bare name is the process, and the group of that name") {
  const auto covers = [](const char* pattern, const char* name, const char* supervisor = "") {
    return Selector::parse(pattern)->covers(supervisor, *InstanceName::parse(name));
  };
  CHECK(covers("web", "web"));
  CHECK(covers("web", "web:front"));
  CHECK(covers("w*", "web:front"));
  CHECK(covers("host1/web", "web:front", "host1"));
  CHECK_FALSE(covers("host1/web", "web:front", "host2"));
  CHECK_FALSE(covers("front", "web:front"));
  CHECK_FALSE(covers("web:back", "web:front"));
}

TEST_CASE("Selector: a group is selected by group:* or group: alone") {
  CHECK(selects("web:*", "web:front"));
  CHECK(selects("web:", "web:front"));
  CHECK(selects("web:*", "web"));
  CHECK_FALSE(selects("web:*", "website:front"));
}

TEST_CASE("Selector: a star alone selects everything") {
  CHECK(selects("*", "web"));
  CHECK(selects("*", "web:front", "host1"));
}

TEST_CASE("Selector: a supervisord's name before a slash narrows the selection to it") {
  CHECK(selects("host1/web", "web", "host1"));
  CHECK_FALSE(selects("host1/web", "web", "host2"));
  CHECK(selects("web", "web", "host2"));
}

TEST_CASE("Selector: a name with pattern characters in it can be written as it is") {
  CHECK(selects("a[1]", "a[1]"));
}

TEST_CASE("Selector: what names no process is refused") {
  for (const char* text : {"", ":", ":p", "a:b:c", "/web", "host1/"}) {
    CAPTURE(text);
    CHECK_FALSE(Selector::parse(text));
  }
}

}  // namespace
}  // namespace reeve::substrate
