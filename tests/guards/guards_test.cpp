// The guards over their state directory: what is counted, what is kept, what is refused.

#include "guards/guards.h"

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "guards/guarded_world.h"
#include "support/catch.h"

namespace reeve::guards {
namespace {

using namespace std::chrono_literals;
using tests::alert_command;
using tests::GuardedWorld;
using tests::running_process;

Reason record_action(GuardedWorld& world, const Command& command = alert_command()) {
  return world.guards->check_and_record(command, running_process()).reason;
}

Reason check(GuardedWorld& world, const Command& command = alert_command()) {
  return world.guards->check(command, running_process(), false).reason;
}

Command dry_run() {
  Command command = alert_command();
  command.dry_run = true;
  return command;
}

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_CASE(
    "Guards: what was done is followed by a cooldown that grows until it is left alone for long") {
  GuardedWorld world;
  Command command = alert_command();
  command.trigger->limits.per_target = {100, 1h};
  for (const auto cooldown : {5min, 10min, 20min, 40min, 60min, 60min}) {
    REQUIRE(record_action(world, command) == Reason::accepted);
    world.manual.advance(cooldown - 1s);
    CHECK(record_action(world, command) == Reason::cooldown);
    world.manual.advance(1s);
  }
  world.manual.advance(6h);
  CHECK(record_action(world, command) == Reason::accepted);
  world.manual.advance(5min);
  CHECK(record_action(world, command) == Reason::accepted);
}

TEST_CASE("Guards: the jitter makes a cooldown a tenth shorter or longer") {
  for (const auto& [random, cooldown] : {std::pair(0.0, 270s), std::pair(1.0, 330s)}) {
    GuardedWorld world;
    world.random = random;
    REQUIRE(record_action(world) == Reason::accepted);
    world.manual.advance(cooldown - 1s);
    CHECK(record_action(world) == Reason::cooldown);
    world.manual.advance(1s);
    CHECK(record_action(world) == Reason::accepted);
  }
}

TEST_CASE("Guards: a used up budget latches: nothing is done until a person resets it") {
  GuardedWorld world;
  Command command = alert_command();
  command.trigger->limits.cooldown.max = 1s;
  for (int action = 0; action < 3; ++action) {
    REQUIRE(record_action(world, command) == Reason::accepted);
    world.manual.advance(1s);
  }
  CHECK_FALSE(world.guards->list().at(0).gave_up);
  CHECK(check(world, command) == Reason::gave_up);
  CHECK(world.guards->list().at(0).gave_up);
  world.manual.advance(24h * 30);
  world.restart();
  CHECK(record_action(world, command) == Reason::gave_up);
  REQUIRE(world.guards->reset(command.target));
  CHECK(world.guards->list().empty());
  CHECK(record_action(world, command) == Reason::accepted);
}

TEST_CASE("Guards: cooldown, budget and latch are the process's, whatever rule acted") {
  GuardedWorld world;
  Command other = alert_command();
  other.trigger->rule = "another";
  other.trigger->fingerprint = "ffff";
  REQUIRE(record_action(world) == Reason::accepted);
  CHECK(record_action(world, other) == Reason::cooldown);
  CHECK(record_action(world, alert_command("web:back")) == Reason::accepted);
}

TEST_CASE(
    "Guards: the budget of all alerts is one, and a reset of one process gives none of it back") {
  GuardedWorld world({{2, 1h}, {}});
  REQUIRE(record_action(world, alert_command("a")) == Reason::accepted);
  world.manual.advance(30min);
  REQUIRE(record_action(world, alert_command("b")) == Reason::accepted);
  CHECK(record_action(world, alert_command("c")) == Reason::budget);
  REQUIRE(world.guards->reset(alert_command("a").target));
  CHECK(record_action(world, alert_command("c")) == Reason::budget);
  world.manual.advance(30min);
  CHECK(record_action(world, alert_command("c")) == Reason::accepted);
  CHECK(record_action(world, alert_command("d")) == Reason::budget);
}

TEST_CASE(
    "Guards: what is considered is not counted, what is spent is, over restarts of the agent") {
  GuardedWorld world;
  CHECK(check(world) == Reason::accepted);
  CHECK(check(world) == Reason::accepted);
  CHECK(world.guards->list().empty());
  REQUIRE(record_action(world) == Reason::accepted);
  const auto known = world.guards->list();
  REQUIRE(known.size() == 1);
  CHECK(known[0] ==
        GuardState{alert_command().target, world.manual.system_now() + 5min, 1, 1, 3, false});
  world.restart();
  CHECK(world.guards->list() == known);
  CHECK(check(world) == Reason::cooldown);
}

TEST_CASE("Guards: a rehearsal has a book of its own, which is thrown away with new settings") {
  GuardedWorld world;
  CHECK(check(world, dry_run()) == Reason::would_act);
  CHECK(check(world, dry_run()) == Reason::cooldown);
  CHECK(check(world) == Reason::accepted);
  CHECK(world.guards->list().empty());
  world.guards->configure(world.options);
  CHECK(check(world, dry_run()) == Reason::would_act);
}

TEST_CASE("Guards: whether a process cools down is known of actions and of rehearsals apart") {
  GuardedWorld world;
  const Target target = alert_command().target;
  const auto& guards = *world.guards;
  CHECK(check(world, dry_run()) == Reason::would_act);
  CHECK(guards.is_cooling_down(target, true));
  CHECK_FALSE(guards.is_cooling_down(target, false));
  REQUIRE(record_action(world) == Reason::accepted);
  CHECK(guards.is_cooling_down(target, false));
  world.manual.advance(5min);
  CHECK_FALSE(guards.is_cooling_down(target, false));
  CHECK_FALSE(guards.is_cooling_down(target, true));
}

TEST_CASE("Guards: a rehearsal that would give up latches nothing but the rehearsal") {
  GuardedWorld world;
  Command command = dry_run();
  command.trigger->limits.cooldown.max = 0s;
  command.trigger->limits.per_target = {1, 1h};
  CHECK(check(world, command) == Reason::would_act);
  CHECK(check(world, command) == Reason::gave_up);
  world.manual.advance(2h);
  CHECK(check(world, command) == Reason::gave_up);
  CHECK(world.guards->list().empty());
  REQUIRE(world.guards->reset(command.target));
  CHECK(check(world, command) == Reason::would_act);
}

TEST_CASE("Guards: a rehearsal heeds what was truly done") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  CHECK(check(world, dry_run()) == Reason::cooldown);
}

TEST_CASE(
    "Guards: many processes with an alert at once open the breaker, over restarts, for its hold") {
  GuardedWorld world;
  std::vector<Target> firing;
  for (const char* name : {"a", "b", "c"}) {
    CHECK_FALSE(world.guards->breaker_open());
    firing.push_back(alert_command(name).target);
    world.guards->report_firing(firing, 10);
  }
  CHECK(world.guards->breaker_open());
  const auto decision = world.guards->check_and_record(alert_command(), tests::running_process());
  CHECK(decision.reason == Reason::breaker_open);
  CHECK(decision.detail.find("(3 of 10 within 5m; the limit is 30%, at least 3)") !=
        std::string::npos);
  world.restart();
  CHECK(record_action(world) == Reason::breaker_open);
  world.manual.advance(15min);
  CHECK_FALSE(world.guards->breaker_open());
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE("Guards: a process without a history is in the initial cooldown of its rule") {
  GuardedWorld world;
  const guards::Cooldown cooldown{.initial = 2h};
  const Target target = alert_command().target;
  CHECK(world.guards->initial_cooldown_until(target, cooldown) == world.manual.system_now() + 1h);
  CHECK_FALSE(world.guards->initial_cooldown_until(target, {.initial = 30min}));
  REQUIRE(record_action(world) == Reason::accepted);
  CHECK_FALSE(world.guards->initial_cooldown_until(target, cooldown));
}

TEST_CASE("Guards: while the breaker is open, guards are shown of the processes that opened it") {
  GuardedWorld world;
  const auto target = [](const char* name) { return alert_command(name).target; };
  world.guards->report_firing({target("a"), target("b")}, 3);
  CHECK(world.guards->list().empty());
  world.guards->report_firing({target("c")}, 3);
  world.guards->report_firing({}, 3);
  const auto open = world.guards->stats();
  CHECK(open.breaker_open);
  CHECK(open.breaker_until == world.manual.system_now() + 15min);
  REQUIRE(open.guards.size() == 3);
  GuardState untouched;
  untouched.target = target("a");
  CHECK(open.guards[0] == untouched);
  world.manual.advance(15min);
  CHECK(world.guards->list().empty());
}

TEST_CASE("Guards: fewer than the share or the least number of processes do not open the breaker") {
  GuardedWorld world;
  const auto target = [](const char* name) { return alert_command(name).target; };
  world.guards->report_firing({target("a"), target("b"), target("c")}, 11);
  CHECK_FALSE(world.guards->breaker_open());
  world.guards->configure({{10, 1h}, {.min_targets = 4}});
  world.guards->report_firing({}, 1);
  CHECK_FALSE(world.guards->breaker_open());
}

TEST_CASE("Guards: processes count for the breaker only while their alerts are fresh") {
  GuardedWorld world;
  for (const char* name : {"a", "b", "c"}) {
    world.guards->report_firing({alert_command(name).target}, 3);
    world.manual.advance(150s);
  }
  CHECK_FALSE(world.guards->breaker_open());
}

TEST_CASE("Guards: a storm that goes on keeps the breaker open") {
  GuardedWorld world;
  const std::vector<Target> firing = {alert_command("a").target, alert_command("b").target,
                                      alert_command("c").target};
  for (int minute = 0; minute < 60; ++minute) {
    world.guards->report_firing(firing, 3);
    CHECK(world.guards->breaker_open());
    world.manual.advance(1min);
  }
}

TEST_CASE(
    "Guards: without a state every process is in its initial cooldown, also after a restart") {
  GuardedWorld world;
  world.restart([&] { std::filesystem::remove(world.file("guards.json")); });
  CHECK(record_action(world) == Reason::cooldown);
  world.manual.advance(3min);
  world.restart();
  CHECK(record_action(world) == Reason::cooldown);
  world.manual.advance(2min);
  CHECK(record_action(world) == Reason::accepted);
  CHECK(world.sink->entries().at(0).message ==
        "there is no state of the guards yet: every process is in its initial cooldown");
}

TEST_CASE("Guards: a reset ends the initial cooldown, too") {
  GuardedWorld world;
  world.restart([&] { std::filesystem::remove(world.file("guards.json")); });
  SECTION("of one process") {
    REQUIRE(world.guards->reset(alert_command().target));
    CHECK(record_action(world, alert_command("job")) == Reason::cooldown);
  }
  SECTION("of all") {
    REQUIRE(world.guards->reset_all());
    CHECK(record_action(world, alert_command("job")) == Reason::accepted);
  }
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE(
    "Guards: a state that cannot be read refuses everything until it is reset, which begins anew") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  world.manual.advance(24h);
  const std::string whole = read(world.file("guards.json"));
  const std::string damaged = GENERATE_COPY(
      as<std::string>(), "", "{}", "[]", whole.substr(0, whole.size() / 2), R"({"version":2})",
      "x" + whole, whole.substr(0, whole.find("\"total\"")) + "\"targets\":[]}");
  world.restart([&] { std::ofstream(world.file("guards.json")) << damaged; });
  CHECK(world.guards->unreadable());
  CHECK(check(world) == Reason::state_unreadable);
  CHECK(check(world, dry_run()) == Reason::state_unreadable);
  CHECK(record_action(world) == Reason::state_unreadable);
  CHECK(world.guards->reset(alert_command().target).error().kind == base::ErrorKind::conflict);
  world.restart();
  CHECK(record_action(world) == Reason::state_unreadable);
  REQUIRE(world.guards->reset_all());
  CHECK_FALSE(world.guards->unreadable());
  CHECK(record_action(world) == Reason::cooldown);
  world.manual.advance(5min);
  world.restart();
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE("Guards: a target that lacks a member makes the state unreadable") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  std::string text = read(world.file("guards.json"));
  const std::string member =
      GENERATE(as<std::string>(), "\"actions\"", "\"gave_up\"", "\"in_row\"", "\"group\"");
  text.replace(text.find(member), member.size(), "\"other\"");
  world.restart([&] { std::ofstream(world.file("guards.json")) << text; });
  CHECK(record_action(world) == Reason::state_unreadable);
}

TEST_CASE("Guards: times without measure make the state unreadable") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  std::string text = read(world.file("guards.json"));
  const auto at = text.find("\"total\":[") + 9;
  const std::string time =
      GENERATE(as<std::string>(), "9223372036854775807", "18446744073709551615", "1e300", "null",
               "\"1\"", "-9223372036854775808");
  text.replace(at, text.find(']', at) - at, time);
  world.restart([&] { std::ofstream(world.file("guards.json")) << text; });
  CHECK(record_action(world) == Reason::state_unreadable);
}

TEST_CASE("Guards: a state from the future is read as of now, and that is said") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  world.restart([&] {
    world.boot = "second";
    world.manual.jump_system(-24h);
  });
  CHECK(world.sink->entries().back().message ==
        "the state of the guards is dated in the future: no time has passed since then");
  world.manual.advance(5min - 1s);
  CHECK(record_action(world) == Reason::cooldown);
  world.manual.advance(1s);
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE("Guards: an action that claims to be done in the future was done now") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  std::string text = read(world.file("guards.json"));
  const auto at = text.find("\"total\":[") + 9;
  text.replace(at, text.find(']', at) - at, "7777777777777777");
  world.options.total = {1, 1h};
  world.restart([&] { std::ofstream(world.file("guards.json")) << text; });
  CHECK(record_action(world, alert_command("job")) == Reason::budget);
  world.manual.advance(1h);
  CHECK(record_action(world, alert_command("job")) == Reason::accepted);
}

TEST_CASE("Guards: over a reboot a cooldown goes on by the system clock") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  world.restart([&] {
    world.boot = "second";
    world.manual.jump_system(4min);
  });
  CHECK(record_action(world) == Reason::cooldown);
  world.manual.advance(1min);
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE("Guards: the system clock, set back or forth, neither ends nor prolongs a cooldown") {
  GuardedWorld world;
  REQUIRE(record_action(world) == Reason::accepted);
  const auto jump = GENERATE(24h, -24h);
  world.manual.jump_system(jump);
  CHECK(world.guards->list().at(0).cooldown_until == world.manual.system_now() + 5min);
  world.manual.advance(5min - 1s);
  CHECK(record_action(world) == Reason::cooldown);
  world.manual.advance(1s);
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE("Guards: an action that cannot be written down is refused, and not counted") {
  GuardedWorld world;
  world.break_writing("guards.json");
  const GuardDecision refused = world.guards->check_and_record(alert_command(), running_process());
  CHECK(refused.reason == Reason::state_unreadable);
  CHECK_THAT(refused.detail,
             Catch::Matchers::StartsWith(
                 "the state of the guards could not be written, so nothing was done"));
  CHECK(world.guards->list().empty());
  world.mend_writing("guards.json");
  CHECK(record_action(world) == Reason::accepted);
}

TEST_CASE("Guards: the breaker opens even if that cannot be written down") {
  GuardedWorld world;
  world.break_writing("guards.json");
  const std::vector<Target> storm = {alert_command("a").target, alert_command("b").target,
                                     alert_command("c").target};
  world.guards->report_firing(storm, 3);
  CHECK(world.guards->breaker_open());
  world.mend_writing("guards.json");
  world.guards->report_firing(storm, 3);
  world.restart();
  CHECK(world.guards->breaker_open());
}

TEST_CASE("Guards: a latch holds even if it cannot be written down") {
  GuardedWorld world;
  Command command = alert_command();
  command.trigger->limits.cooldown.max = 0s;
  command.trigger->limits.per_target = {1, 1h};
  REQUIRE(record_action(world, command) == Reason::accepted);
  world.break_writing("guards.json");
  CHECK(check(world, command) == Reason::gave_up);
  world.manual.advance(2h);
  CHECK(check(world, command) == Reason::gave_up);
  world.mend_writing("guards.json");
  CHECK(check(world, command) == Reason::gave_up);  // which writes it down
  world.restart();
  CHECK(check(world, command) == Reason::gave_up);
}

TEST_CASE("Guards: a process whose name is no UTF-8 is known again") {
  GuardedWorld world;
  Command command = alert_command();
  command.target = {"", {"b\xc3", "\xff"}};
  REQUIRE(record_action(world, command) == Reason::accepted);
  world.restart();
  CHECK(record_action(world, command) == Reason::cooldown);
}

TEST_CASE("Guards: what can no longer count is forgotten") {
  GuardedWorld world;
  REQUIRE(record_action(world, alert_command("old")) == Reason::accepted);
  world.manual.advance(Budget::max_within);
  REQUIRE(record_action(world, alert_command("new")) == Reason::accepted);
  const auto known = world.guards->list();
  REQUIRE(known.size() == 1);
  CHECK(known[0].target == alert_command("new").target);
}

TEST_CASE("Guards: what nothing is known of cannot be reset") {
  GuardedWorld world;
  REQUIRE(world.guards->reset_all());
  CHECK(world.guards->reset(alert_command().target).error().kind == base::ErrorKind::not_found);
}

TEST_CASE("Guards: people are told all that would stand against an alert") {
  GuardedWorld world({{1, 1h}, {}});
  CHECK(world.guards->standing_objections(alert_command().target).empty());
  REQUIRE(record_action(world) == Reason::accepted);
  REQUIRE(world.maintenance->set("web:*", 1h, "new disks", "ops"));
  world.guards->report_firing(
      {alert_command("a").target, alert_command("b").target, alert_command("c").target}, 3);
  std::vector<Reason> told;
  for (const GuardDecision& each : world.guards->standing_objections(alert_command().target)) {
    told.push_back(each.reason);
    CHECK_FALSE(each.detail.empty());
  }
  CHECK(told ==
        std::vector{Reason::maintenance, Reason::breaker_open, Reason::cooldown, Reason::budget});
}

TEST_CASE("Guards: two who spend at the same time do not exceed a budget") {
  GuardedWorld world({{10, 1h}, {}});
  std::atomic<int> accepted = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int action = 0; action < 5; ++action) {
          const std::string name = "p" + std::to_string(thread) + std::to_string(action);
          accepted += record_action(world, alert_command(name)) == Reason::accepted ? 1 : 0;
        }
      });
    }
  }
  CHECK(accepted == 10);
}

}  // namespace
}  // namespace reeve::guards
