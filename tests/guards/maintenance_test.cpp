#include "guards/maintenance.h"

#include <fstream>

#include "guards/guarded_world.h"
#include "support/catch.h"

namespace reeve::guards {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;
using tests::GuardedWorld;

Target target(const std::string& name, const std::string& supervisor = "") {
  return {supervisor, *substrate::InstanceName::parse(name)};
}

TEST_CASE("Maintenance: maintenance covers what its scope names") {
  struct {
    const char* scope;
    bool front, back, job, elsewhere;
  } const cases[] = {
      {"*", true, true, true, true},
      {"web:*", true, true, false, true},
      {"web:front", true, false, false, true},
      {"job:job", false, false, true, false},
      {"prod/*", true, true, true, false},
      {"test/web:*", false, false, false, true},
      {"prod/web:back", false, true, false, false},
  };
  for (const auto& each : cases) {
    CAPTURE(each.scope);
    GuardedWorld world;
    REQUIRE(world.maintenance->set(each.scope, 1h, "", "ops"));
    CHECK(world.maintenance->covering(target("web:front", "prod")).has_value() == each.front);
    CHECK(world.maintenance->covering(target("web:back", "prod")).has_value() == each.back);
    CHECK(world.maintenance->covering(target("job", "prod")).has_value() == each.job);
    CHECK(world.maintenance->covering(target("web:front", "test")).has_value() == each.elsewhere);
  }
}

TEST_CASE(
    "Maintenance: a group with a slash in its name is covered, whatever the scope looks like") {
  GuardedWorld world;
  REQUIRE(world.maintenance->set("a/b:*", 1h, "", "ops"));
  CHECK(world.maintenance->covering({"prod", {"a/b", "c"}}));
  CHECK(world.maintenance->covering({"a", {"b", "c"}}));
  CHECK_FALSE(world.maintenance->covering({"prod", {"b", "c"}}));
}

TEST_CASE("Maintenance: windows of all hosts cover too, and end by the local clock at the latest") {
  GuardedWorld world;
  const coordination::SharedMaintenance window{
      "web:*", "disks", "ann", "host7", base::SystemTime(1'700'000'000s), 1h};
  world.maintenance->set_shared({window, {"web", "", "ann", "host7", {}, 1h}});
  const auto covering = world.maintenance->covering(target("web:front"));
  REQUIRE(covering);
  CHECK(covering->fleet);
  CHECK(covering->actor == "ann on host7");
  CHECK_FALSE(world.maintenance->covering(target("job")));
  CHECK(world.maintenance->list().size() == 1);  // the second is no scope
  world.manual.advance(50min);
  world.maintenance->set_shared({window});  // seen again: it does not begin anew
  CHECK(world.maintenance->covering(target("web:front")));
  world.manual.advance(11min);
  CHECK_FALSE(world.maintenance->covering(target("web:front")));
  CHECK(world.maintenance->list().empty());
  world.maintenance->set_shared({});
  REQUIRE(world.maintenance->set("web:*", 1h, "", "ops"));
  CHECK_FALSE(world.maintenance->covering(target("web:front"))->fleet);
}

TEST_CASE("Maintenance: windows of all hosts outlive the agent, until they end or are read again") {
  GuardedWorld world;
  const coordination::SharedMaintenance window{
      "web:*", "disks", "ann", "host7", base::SystemTime(1'700'000'000s), 1h};
  world.maintenance->set_shared({window});
  world.manual.advance(50min);
  world.restart();
  REQUIRE(world.maintenance->covering(target("web:front")));
  world.maintenance->set_shared({window});
  world.manual.advance(11min);
  CHECK_FALSE(world.maintenance->covering(target("web:front")));
  world.maintenance->set_shared({{"job:*", "", "ann", "host7", {}, 1h}});
  world.maintenance->set_shared({});
  world.restart();
  CHECK(world.maintenance->list().empty());
}

TEST_CASE("Maintenance: what is no scope is refused with the forms that there are") {
  GuardedWorld world;
  const std::string scope = GENERATE(as<std::string>(), "", "web", "web:", ":front", "*:front",
                                     "web:f*", "w?:*", "a:b:c", "/web:*", "*/web:*", "**");
  const auto refused = world.maintenance->set(scope, 1h, "", "ops");
  REQUIRE_FALSE(refused);
  CHECK(refused.error() ==
        base::Error{ErrorKind::invalid_argument,
                    "'" + scope +
                        "' is no scope of maintenance: write '*', 'group:*' or 'group:name', with "
                        "'SUPERVISOR/' before it where there are several"});
}

TEST_CASE("Maintenance: maintenance is over after its span, by the steady clock, over restarts") {
  GuardedWorld world;
  const auto window = world.maintenance->set("web:*", 1h, "new disks", "ops");
  REQUIRE(window);
  CHECK(*window == MaintenanceWindow{"web:*", world.manual.system_now() + 1h, "new disks", "ops"});
  world.manual.jump_system(24h);
  world.manual.advance(1h - 1s);
  world.restart();
  CHECK(
      world.maintenance->list() ==
      std::vector{MaintenanceWindow{"web:*", world.manual.system_now() + 1s, "new disks", "ops"}});
  world.manual.advance(1s);
  CHECK(world.maintenance->list().empty());
  CHECK_FALSE(world.maintenance->covering(target("web:front")));
}

TEST_CASE("Maintenance: setting a scope again replaces it, clearing ends it") {
  GuardedWorld world;
  REQUIRE(world.maintenance->set("*", 1h, "first", "ops"));
  REQUIRE(world.maintenance->set("*", 2h, "second", "dev"));
  REQUIRE(world.maintenance->list().size() == 1);
  CHECK(world.maintenance->list()[0].reason == "second");
  REQUIRE(world.maintenance->clear("*"));
  CHECK(world.maintenance->list().empty());
  CHECK(world.maintenance->clear("*").error().kind == ErrorKind::not_found);
  world.restart();
  CHECK(world.maintenance->list().empty());
}

TEST_CASE("Maintenance: of several windows the one that lasts longest is told") {
  GuardedWorld world;
  REQUIRE(world.maintenance->set("*", 1h, "", "ops"));
  REQUIRE(world.maintenance->set("web:front", 3h, "", "ops"));
  REQUIRE(world.maintenance->set("web:*", 2h, "", "ops"));
  CHECK(world.maintenance->covering(target("web:front"))->scope == "web:front");
  CHECK(world.maintenance->covering(target("web:back"))->scope == "web:*");
}

TEST_CASE("Maintenance: a span of nothing, or of more than a year, is refused") {
  GuardedWorld world;
  const base::Duration span =
      GENERATE(base::Duration(0), base::Duration(-1s), base::Duration(24h * 367));
  CHECK(world.maintenance->set("*", span, "", "ops").error().kind == ErrorKind::invalid_argument);
}

TEST_CASE("Maintenance: there are at most a thousand scopes") {
  GuardedWorld world;
  const std::string until =
      std::to_string((world.manual.steady_now() + 1h).time_since_epoch() / 1ns);
  std::string windows;
  for (int scope = 0; scope < 1000; ++scope) {
    windows += (scope == 0 ? "" : ",") + (R"({"scope":"g)" + std::to_string(scope)) +
               R"(:*","until":)" + until + R"(,"reason":"","actor":"ops"})";
  }
  world.restart([&] {
    std::ofstream(world.file("maintenance.json"))
        << R"({"version":1,"boot":"first","steady":0,"system":0,"windows":[)" << windows << "]}";
  });
  CHECK(world.maintenance->list().size() == 1000);
  CHECK(world.maintenance->set("one:more", 1h, "", "ops").error().kind ==
        ErrorKind::invalid_argument);
  CHECK(world.maintenance->set("g0:*", 1h, "", "ops"));
}

TEST_CASE(
    "Maintenance: maintenance that cannot be written down is refused, and nothing has changed") {
  GuardedWorld world;
  REQUIRE(world.maintenance->set("*", 1h, "", "ops"));
  world.break_writing("maintenance.json");
  CHECK_FALSE(world.maintenance->set("web:*", 1h, "", "ops"));
  CHECK_FALSE(world.maintenance->clear("*"));
  REQUIRE(world.maintenance->list().size() == 1);
  CHECK(world.maintenance->list()[0].scope == "*");
}

TEST_CASE(
    "Maintenance: a list of maintenance that cannot be read refuses all alerts until the guards "
    "are reset") {
  GuardedWorld world;
  const std::string damaged =
      GENERATE(as<std::string>(), "", "{}",
               R"({"version":1,"boot":"","steady":0,"system":0,"windows":[{}]})");
  world.restart([&] { std::ofstream(world.file("maintenance.json")) << damaged; });
  CHECK(world.guards->check(tests::alert_command(), tests::running_process(), false).reason ==
        Reason::state_unreadable);
  CHECK(world.maintenance->set("*", 1h, "", "ops").error().kind == ErrorKind::conflict);
  REQUIRE(world.guards->reset_all());
  CHECK_FALSE(world.maintenance->unreadable());
  CHECK(world.guards->check(tests::alert_command(), tests::running_process(), false).reason ==
        Reason::accepted);
  CHECK(world.maintenance->set("*", 1h, "", "ops"));
}

}  // namespace
}  // namespace reeve::guards
