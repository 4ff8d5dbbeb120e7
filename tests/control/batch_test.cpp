// Actions on several processes of the little supervisord.

#include <algorithm>

#include "control/operation.h"
#include "control/world.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

using substrate::InstanceState;
using tests::World;

guards::Command on_front_and_job(guards::Action action,
                                 guards::GroupOrder order = guards::GroupOrder::rolling) {
  guards::Command command = World::command(action, "web:any");
  command.target = {};
  command.group_order = order;
  command.batch = {{"", {"web", "front"}}, {"", {"job", "job"}}};
  return command;
}

TEST_CASE("Controller: a batch is carried out process by process, over groups") {
  World world;
  const Operation done = world.carry_out(on_front_and_job(guards::Action::restart));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(world.asked().size() == 4);
  CHECK(world.asked()[0].substr(5) == world.asked()[1].substr(6));
  const std::vector<Operation> all = world.controller.list();
  REQUIRE(all.size() == 3);
  CHECK(all[0].members == std::vector{all[1].id, all[2].id});
  CHECK(all[1].command.batch.empty());
  CHECK_FALSE(all[1].command.group_order);
}

TEST_CASE("Controller: a batch that is not to roll stops all before it starts any") {
  World world;
  const Operation done =
      world.carry_out(on_front_and_job(guards::Action::restart, guards::GroupOrder::at_once));
  CHECK(done.result == OperationResult::succeeded);
  REQUIRE(world.asked().size() == 4);
  CHECK(world.asked()[1].starts_with("stop"));
  CHECK(world.asked()[2].starts_with("start"));
}

TEST_CASE("Controller: the first failure ends a rolling batch") {
  World world;
  world.supervisord->fail(
      {.operation = tests::Operation::stop, .error = {base::ErrorKind::fault, "no"}, .times = 1});
  const Operation done = world.carry_out(on_front_and_job(guards::Action::stop));
  CHECK(done.result == OperationResult::failed);
  CHECK(done.members.size() == 1);
  CHECK(world.asked().size() == 1);
}

TEST_CASE("Controller: Reeve's own program is refused in a batch, which is then not begun") {
  World world({substrate::InstanceName{"job", "job"}});
  const Submission refused = world.controller.submit(on_front_and_job(guards::Action::stop));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == guards::Reason::own_program);
  CHECK(world.controller.list().empty());
}

TEST_CASE("Operation: a batch and its members are read back from the journal's line") {
  Operation operation;
  operation.id = "1-1";
  operation.command = on_front_and_job(guards::Action::stop);
  operation.command.batch.front().supervisor = "one";
  operation.members = {"1-2", "1-3"};
  CHECK(operation_from(to_line(operation)) == operation);
}

}  // namespace
}  // namespace reeve::control
