#include "substrate/selector.h"

#include <algorithm>

#include "support/catch.h"

namespace reeve::substrate {
namespace {

/// Two supervisords, host1 and host2; the processes `names` are on both.
KnownNames known(std::vector<std::string> names = {}) {
  return {
      .has_supervisor = [](std::string_view name) { return name == "host1" || name == "host2"; },
      .has_process =
          [names = std::move(names)](std::string_view, const InstanceName& name) {
            return std::find(names.begin(), names.end(), name.full()) != names.end();
          }};
}

bool selects(const char* pattern, const char* name, const char* supervisor = "",
             const std::vector<std::string>& names = {}) {
  const auto selector = Selector::parse(pattern);
  REQUIRE(selector);
  return selector->matches(supervisor, *InstanceName::parse(name), known(names));
}

TEST_CASE("Selector: a bare name selects the process whose group has that name too, and no other") {
  CHECK(selects("web", "web"));
  CHECK_FALSE(selects("web", "web:front"));
  CHECK_FALSE(selects("front", "web:front"));
}

TEST_CASE("Selector: what is denied by a bare name is the process, and the group of that name") {
  const auto covers = [](const char* pattern, const char* name, const char* supervisor = "") {
    return Selector::parse(pattern)->covers(supervisor, *InstanceName::parse(name), known());
  };
  CHECK(covers("web", "web"));
  CHECK(covers("web", "web:front"));
  CHECK(covers("w*", "web:front"));
  CHECK(covers("host1/web", "web:front", "host1"));
  CHECK_FALSE(covers("host1/web", "web:front", "host2"));
  CHECK_FALSE(covers("front", "web:front"));
  CHECK_FALSE(covers("web:back", "web:front"));
  const KnownNames odd = known({"web:*", "db-?:db-?"});  // named like the patterns
  CHECK(Selector::parse("web:*")->covers("", {"web", "front"}, odd));
  CHECK(Selector::parse("db-?")->covers("", {"db-1", "db-1"}, odd));
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

TEST_CASE("Selector: what is the name of a process is that name alone") {
  const std::vector<std::string> names = {"pool:worker[1]", "pool:worker1", "job*:job*",
                                          "job1:job1"};
  CHECK(selects("pool:worker[1]", "pool:worker[1]", "", names));
  CHECK_FALSE(selects("pool:worker[1]", "pool:worker1", "", names));
  CHECK(selects("pool:worker[2]", "pool:worker2", "", names));
  CHECK(selects("job*", "job*", "", names));
  CHECK_FALSE(selects("job*", "job1", "", names));
  CHECK(selects("*", "job1", "", {"*:*"}));
  CHECK(Selector::parse("job*")->single("", known(names)) == InstanceName{"job*", "job*"});
  CHECK_FALSE(Selector::parse("jo*")->single("", known(names)));
  CHECK(Selector::parse("job*")->covers("", {"job1", "job1"}, known(names)));  // a deny list
}

TEST_CASE("Selector: one that is made of a name is no pattern") {
  const Selector selector = Selector::of("host1", {"pool", "worker[1]"});
  CHECK(selector.text() == "host1/pool:worker[1]");
  CHECK(selector.matches("host1", {"pool", "worker[1]"}, known()));
  CHECK_FALSE(selector.matches("host2", {"pool", "worker[1]"}, known()));
  CHECK_FALSE(selector.matches("host1", {"pool", "worker1"}, known()));
  CHECK(selector.single() == InstanceName{"pool", "worker[1]"});
}

TEST_CASE("Selector: a prefix is a supervisord only if one has that name") {
  CHECK(selects("a/b", "a/b", "host1"));
  CHECK(selects("a/b:*", "a/b:c", "host2"));
  CHECK_FALSE(selects("host1/b", "host1/b", "host1"));
  CHECK(selects("host1/a/b", "a/b", "host1"));
  CHECK(Selector::parse("a/b")->supervisor(known()).empty());
  CHECK(Selector::parse("host1/b")->supervisor(known()) == "host1");
}

TEST_CASE("Selector: what names no process is refused") {
  for (const char* text : {"", ":", ":p", "a:b:c", "/web", "host1/"}) {
    CAPTURE(text);
    CHECK_FALSE(Selector::parse(text));
  }
}

}  // namespace
}  // namespace reeve::substrate
