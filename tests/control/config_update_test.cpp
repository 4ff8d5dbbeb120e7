// Updates of the little supervisord's configuration.

#include <algorithm>
#include <string>
#include <vector>

#include "control/world.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

using guards::Reason;
using tests::World;

guards::Command update(std::vector<std::string> groups = {}) {
  guards::Command command = World::command(guards::Action::update, "web:any");
  command.target = {};
  command.group_order = guards::GroupOrder::rolling;
  command.groups = std::move(groups);
  return command;
}

tests::FakeProgram program(const char* name, const char* command = "/bin/sleep 100000") {
  tests::FakeProgram made;
  made.name = *substrate::InstanceName::parse(name);
  made.command = command;
  return made;
}

/// job is changed, web is removed, fresh is added.
void change_all(World& world) {
  world.supervisord->configure(program("job", "/bin/sleep 7"));
  world.supervisord->unconfigure("web");
  world.supervisord->configure(program("fresh"));
}

std::vector<std::string> names(World& world) {
  const auto deadline = base::Deadline::after(world.clock, std::chrono::seconds(5));
  std::vector<std::string> names;
  const auto listing = world.supervisord->list_instances(deadline);
  for (const auto& each : listing->instances) {
    names.push_back(each.name.text());
  }
  return names;
}

TEST_CASE("Controller: an update removes, replaces and adds groups, each an operation of its own") {
  World world;
  change_all(world);
  const auto before = world.look("job").incarnation();
  const Operation done = world.carry_out(update());
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.changed == true);
  CHECK(names(world) == std::vector<std::string>{"fresh", "job"});
  CHECK(world.look("job").state == substrate::InstanceState::running);
  CHECK(world.look("job").incarnation() != before);
  const auto all = world.controller.list();
  REQUIRE(all.size() == 4);
  CHECK(all[0].members == std::vector{all[1].id, all[2].id, all[3].id});
  for (std::size_t at = 1; at < all.size(); ++at) {
    CHECK(all[at].result == OperationResult::succeeded);
    CHECK(all[at].command.action == guards::Action::update);
    CHECK(all[at].command.target.name.name.empty());
  }
}

TEST_CASE("Controller: an update of some groups leaves the others as they are") {
  World world;
  change_all(world);
  const Operation done = world.carry_out(update({"fresh"}));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(names(world) == std::vector<std::string>{"fresh", "job", "web:back", "web:front"});
  CHECK(world.supervisord->count(tests::Operation::stop) == 0);
}

TEST_CASE("Controller: an update of what has not changed does nothing") {
  World world;
  CHECK(world.carry_out(update()).changed == false);
  CHECK(world.carry_out(update({"web"})).changed == false);
  CHECK(world.supervisord->count(tests::Operation::stop) == 0);
  const auto unknown = world.controller.submit(update({"nobody"}));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().reason == Reason::no_target);
}

TEST_CASE(
    "Controller: an update is refused unless each process that is there or comes is allowed") {
  World world;
  change_all(world);
  guards::Command command = update();
  command.actor_allow = {*substrate::Selector::parse("web:*"), *substrate::Selector::parse("job")};
  const auto refused = world.controller.submit(command);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == Reason::not_allowed);
  CHECK(refused.error().error.message.find("fresh") != std::string::npos);
  command.groups = {"web", "job"};
  CHECK(world.carry_out(command).result == OperationResult::succeeded);
}

TEST_CASE("Controller: Reeve's own group is never updated") {
  World world({substrate::InstanceName{"job", "job"}});
  change_all(world);
  const auto refused = world.controller.submit(update({"job"}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == Reason::own_program);
  const auto before = world.look("job").incarnation();
  const Operation done = world.carry_out(update());
  CHECK(done.result == OperationResult::succeeded);
  REQUIRE(done.advice.size() == 1);
  CHECK(done.advice[0].find("job") != std::string::npos);
  CHECK(world.look("job").incarnation() == before);
}

TEST_CASE("Controller: a program that ran Reeve stays Reeve's, whatever the changed files say") {
  World world;
  world.supervisord->add(program("exporter", "/usr/bin/reeve relay-events"));
  world.supervisord->tick(std::chrono::seconds(2));
  world.publish();
  (void)world.carry_out(World::command(guards::Action::restart, "job"));  // it knows the programs
  world.supervisord->configure(program("exporter", "/bin/sleep 1"));
  (void)world.supervisord->reread(base::Deadline::after(world.clock, std::chrono::seconds(5)));
  world.manual.advance(std::chrono::minutes(2));  // and asks for them again
  const auto refused = world.controller.submit(update({"exporter"}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == Reason::own_program);
}

TEST_CASE("Controller: an update whose new program does not start has failed, and says why") {
  World world;
  tests::FakeProgram broken = program("fresh");
  broken.command_missing = true;
  world.supervisord->configure(broken);
  world.supervisord->unconfigure("web");
  const Operation done = world.carry_out(update());
  CHECK(done.result == OperationResult::failed);
  REQUIRE(done.error);
  CHECK(done.error->message.find("FATAL") != std::string::npos);
}

TEST_CASE("Controller: an update goes on where an answer is lost, whether or not it was done") {
  for (const tests::Operation lost :
       {tests::Operation::stop, tests::Operation::list, tests::Operation::remove_group,
        tests::Operation::add_group}) {
    for (const bool after_its_work : {false, true}) {
      World world;
      change_all(world);
      const auto accepted = world.controller.submit(update());
      REQUIRE(accepted);
      world.supervisord->fail({.operation = lost,
                               .error = {base::ErrorKind::timeout, "no answer"},
                               .times = 1,
                               .after_its_work = after_its_work});
      while (world.controller.run_next()) {
      }
      CHECK(world.controller.find(accepted->id)->result == OperationResult::succeeded);
      CHECK(names(world) == std::vector<std::string>{"fresh", "job"});
      CHECK(world.look("job").state == substrate::InstanceState::running);
    }
  }
}

TEST_CASE("Controller: an update is refused while it is not known which processes there are") {
  World world({substrate::InstanceName{"job", "job"}});
  world.supervisord->unconfigure("job");
  auto unread = std::make_shared<monitor::Snapshot>();
  unread->supervisors.emplace_back().name = "";
  world.snapshot = std::move(unread);
  const auto refused = world.controller.submit(update());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == Reason::unreachable);
  CHECK(world.supervisord->count(tests::Operation::reread) == 0);
}

TEST_CASE("Controller: a group that is removed is checked by its programs, too") {
  World world;
  world.supervisord->unconfigure("web");
  auto without_web = std::make_shared<monitor::Snapshot>(*world.snapshot);
  without_web->supervisors[0].processes = std::vector<monitor::ProcessSnapshot>();
  world.snapshot = std::move(without_web);
  guards::Command command = update();
  command.actor_allow = {*substrate::Selector::parse("job")};
  const auto refused = world.controller.submit(command);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == Reason::not_allowed);
}

TEST_CASE("Controller: a broken configuration is refused with what supervisord says") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::reread,
                           .error = {base::ErrorKind::invalid_argument, "no such section"},
                           .times = 1});
  const auto refused = world.controller.submit(update());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error.message == "no such section");
}

TEST_CASE("Controller: the same key is the same update, though nothing is left to change") {
  World world;
  change_all(world);
  guards::Command command = update();
  command.idempotency_key = "k";
  const Operation done = world.carry_out(command);
  const auto again = world.controller.submit(command);
  REQUIRE(again);
  CHECK(again->id == done.id);
}

TEST_CASE("Controller: a dry run of an update names its groups and changes nothing") {
  World world;
  change_all(world);
  guards::Command command = update();
  command.dry_run = true;
  const auto would = world.controller.submit(command);
  REQUIRE(would);
  CHECK(would->changed == true);
  CHECK(would->command.batch.size() == 3);
  CHECK(names(world).size() == 3);
}

}  // namespace
}  // namespace reeve::control
