// Rules with a limit that all hosts share: when an alert gets its slot, waits for it, or is
// refused; and what becomes of the slot.

#include "alerts/alert_world.h"
#include "support/catch.h"

namespace reeve::alerts {
namespace {

using namespace std::chrono_literals;
using coordination::ClaimOutcome;
using tests::AlertWorld;
using tests::FakeCoordinator;

Options limited_rule() {
  Options options = tests::hung_rule();
  options.rules.front().limit = "web";
  options.rules.front().pending_for = 15min;
  return options;
}

/// A host that acts under `web`, and another that shares its limits.
struct Limited {
  Limited() : Limited(coordination::Limit{.at_once = 1, .budget = std::nullopt}) {}
  explicit Limited(const coordination::Limit& limit) { set(limit); }

  void set(const coordination::Limit& limit) {
    CHECK(other.change(coordination::SetLimit{"web", limit}, soon()));
  }
  [[nodiscard]] base::Deadline soon() const { return base::Deadline::after(world.clock, 5s); }
  [[nodiscard]] coordination::ClaimResult claim_as_other(const std::string& operation = "9-1") {
    return other.claim({.limit = "web",
                        .holder = {"host2", "web:web", operation, world.clock.system_now(), false}},
                       soon());
  }
  [[nodiscard]] std::vector<coordination::HeldSlot> held() {
    return other.view()->limits.at("web").held;
  }
  /// One pass of the responder's thread.
  void decide() { world.agent->responder.decide_pending(); }
  [[nodiscard]] std::string obstacle() const {
    const auto pending = world.agent->responder.pending();
    return pending.empty() ? "" : std::string(to_string(pending.front().obstacle.reason));
  }
  [[nodiscard]] std::string last_audited() const { return world.audited().back(); }

  AlertWorld world{limited_rule()};
  FakeCoordinator other{world.engine, {"host2", "", "", "", {}}};
};

TEST_CASE("limit: the request is answered at once, the thread claims the slot, then it acts") {
  Limited test;
  CHECK(test.world.decide(test.world.alert()) == "pending");
  CHECK(test.obstacle() == "waiting_for_slot");
  CHECK(test.held().empty());
  test.world.manual.advance(1ms);  // entries of one moment are in no order
  test.decide();
  CHECK(test.obstacle() == "");
  CHECK(test.last_audited() == "of-front accepted hung");
  const auto held = test.held();
  REQUIRE(held.size() == 1);
  CHECK(held.front().holder.host == "host1");
  CHECK(held.front().holder.process == "web:front");
  // The holder names the operation, and the operation its slot.
  const auto operation = test.world.agent->controller.find(held.front().holder.operation);
  REQUIRE(operation);
  REQUIRE(operation->command.slot);
  CHECK(operation->command.slot->lease == held.front().lease);
  test.world.work();
  CHECK(test.world.restarts() == 1);
  CHECK(test.held().empty());
}

TEST_CASE(
    "limit: without a free slot an alert waits, shown with the holders, and acts when one is") {
  Limited test;
  const auto taken = test.claim_as_other();
  REQUIRE(taken.outcome == ClaimOutcome::won);
  const auto answer = test.world.post({test.world.alert()});
  CHECK(answer.decisions.front().decision.reason == guards::Reason::pending);
  CHECK_THAT(answer.decisions.front().decision.detail,
             Catch::Contains("waiting_for_slot: all slots of 'web' are held: host2 (web:web"));
  const auto claims = [&] { return test.world.coordinator.stats().claims; };
  for (int i = 0; i < 5; ++i) {
    test.world.pass(10s);
    test.decide();
    test.world.agent->responder.on_shared_change();
  }
  CHECK(claims().empty());  // the view says it: etcd is not asked
  CHECK(test.world.restarts() == 0);
  test.decide();
  test.other.release(taken.slot, test.soon());
  test.decide();
  CHECK(test.obstacle() == "waiting_for_slot");  // not due yet
  test.world.agent->responder.on_shared_change();
  test.decide();
  CHECK(claims().at({"web", ClaimOutcome::won}) == 1);
  test.world.work();
  CHECK(test.world.restarts() == 1);
}

TEST_CASE("limit: an alert that is resolved while it waits needs no slot any more") {
  Limited test;
  const auto taken = test.claim_as_other();
  CHECK(test.world.decide(test.world.alert()) == "pending");
  CHECK(test.world.decide(test.world.resolved()) == "resolved");
  test.other.release(taken.slot, test.soon());
  test.world.agent->responder.on_shared_change();
  test.decide();
  test.world.work();
  CHECK(test.world.restarts() == 0);
  CHECK(test.held().empty());
}

TEST_CASE("limit: when pending_for is over it is refused: no_slot") {
  Limited test;
  REQUIRE(test.claim_as_other().outcome == ClaimOutcome::won);
  CHECK(test.world.decide(test.world.alert()) == "pending");
  test.world.pass(16min);
  test.decide();
  CHECK(test.obstacle() == "");
  CHECK(test.last_audited() == "of-front no_slot hung");
}

TEST_CASE("limit: every local guard is asked again before the slot is claimed") {
  Limited test;
  const auto taken = test.claim_as_other();
  CHECK(test.world.decide(test.world.alert()) == "pending");
  REQUIRE(test.world.agent->maintenance.set("*", 1h, "", "ops"));
  test.other.release(taken.slot, test.soon());
  test.world.agent->responder.on_shared_change();
  test.decide();
  CHECK(test.last_audited() == "of-front maintenance hung");
  CHECK(test.held().empty());
  CHECK(test.world.coordinator.stats().claims.empty());
}

TEST_CASE("limit: the budget of all hosts is used up, and what was not done is given back") {
  Limited test({.at_once = 1, .budget = coordination::Budget{2, 1h}});
  const auto first = test.claim_as_other();
  coordination::Slot slot = first.slot;
  slot.budget_lease = 0;  // it acted
  test.other.release(slot, test.soon());
  CHECK(test.world.decide(test.world.alert()) == "pending");
  test.decide();
  // A person stops it before the operation looks: nothing is done.
  CHECK(test.world.supervisord->stop_instance(*substrate::InstanceName::parse("web:front"),
                                              substrate::StopMode::graceful, test.soon()));
  const std::size_t stops = test.world.restarts();
  test.world.work();
  CHECK(test.world.restarts() == stops);
  CHECK(test.held().empty());
  CHECK(test.other.view()->limits.at("web").budget_used == 1);
  CHECK(test.world.decide(test.world.alert("web:back")) == "pending");
  test.decide();
  test.world.work();
  CHECK(test.world.restarts() == stops + 1);
  CHECK(test.other.view()->limits.at("web").budget_used == 2);
  test.world.pass(30min);
  auto again = test.world.alert("web:back");
  again.fingerprint = "another";
  CHECK(test.world.decide(again) == "pending");
  test.decide();
  CHECK(test.last_audited() == "another fleet_budget hung");
}

TEST_CASE("limit: one that does not exist refuses at once") {
  Limited test;
  REQUIRE(test.other.change(coordination::DeleteLimit{"web"}, test.soon()));
  CHECK(test.world.decide(test.world.alert()) == "no_such_limit");
}

TEST_CASE("limit: while etcd cannot be asked an alert waits, and is refused at the end") {
  Limited test;
  test.world.coordinator.set_reachable(false);
  CHECK(test.world.decide(test.world.alert()) == "pending");
  CHECK(test.obstacle() == "coordination_unreachable");
  test.world.pass(10s);
  test.decide();
  CHECK(test.obstacle() == "coordination_unreachable");
  test.world.coordinator.set_reachable(true);
  test.world.pass(5s);
  test.world.agent->responder.on_shared_change();
  test.decide();
  test.world.work();
  CHECK(test.world.restarts() == 1);
  test.world.pass(2h);
  test.world.coordinator.set_reachable(false);
  CHECK(test.world.decide(test.world.alert("web:back")) == "pending");
  test.world.pass(16min);
  test.decide();
  CHECK(test.last_audited() == "of-back coordination_unreachable hung");
  CHECK(test.world.restarts() == 1);
}

TEST_CASE("limit: a failed restart keeps its slot, so that others do not follow it") {
  Limited test;
  CHECK(test.world.decide(test.world.alert()) == "pending");
  test.decide();
  test.world.supervisord->change(*substrate::InstanceName::parse("web:front"),
                                 [](tests::FakeProgram& program) {
                                   program.dies_after = 0s;
                                   program.start_retries = 0;
                                 });
  test.world.work();
  const auto held = test.held();
  REQUIRE(held.size() == 1);
  CHECK(held.front().holder.failed);
  CHECK(test.claim_as_other().outcome == ClaimOutcome::no_free_slot);
  test.world.manual.advance(14min);
  CHECK(test.claim_as_other().outcome == ClaimOutcome::no_free_slot);
  test.world.manual.advance(2min);
  CHECK(test.claim_as_other().outcome == ClaimOutcome::won);
}

TEST_CASE("limit: a group's processes claim one after the other") {
  Limited test({.at_once = 5, .budget = std::nullopt});
  CHECK(test.world.decide(test.world.alert("web:front")) == "pending");
  CHECK(test.world.decide(test.world.alert("web:back")) == "pending");
  test.decide();
  CHECK(test.held().size() == 1);
  CHECK(test.obstacle() == "in_flight");
  test.world.work();
  test.world.pass(10s);
  test.decide();
  test.world.work();
  CHECK(test.world.restarts() == 2);
}

TEST_CASE("limit: a dry run needs no slot") {
  Options options = limited_rule();
  options.mode = Mode::dry_run;
  AlertWorld world(options);
  CHECK(world.decide(world.alert()) == "would_act");
}

TEST_CASE("limit: a person always acts; the slot is held meanwhile, or its lack is advice") {
  Limited test;
  guards::Command command = tests::World::command(guards::Action::restart, "web:front");
  auto& controller = test.world.agent->controller;
  const auto alone = controller.submit(command);
  REQUIRE(alone);
  test.world.work();
  CHECK(controller.find(alone->id)->result == control::OperationResult::succeeded);
  CHECK(controller.find(alone->id)->command.slot);
  CHECK(test.held().empty());
  const auto advice_of = [&] {
    const auto operation = controller.submit(command);
    REQUIRE(operation);
    test.world.work();
    CHECK(controller.find(operation->id)->result == control::OperationResult::succeeded);
    const auto advice = controller.find(operation->id)->advice;
    return advice.empty() ? "" : advice.back();
  };
  REQUIRE(test.claim_as_other().outcome == ClaimOutcome::won);
  CHECK_THAT(advice_of(), Catch::Contains("waiting_for_slot: all slots of 'web' are held: host2"));
  test.world.coordinator.set_reachable(false);
  CHECK_THAT(advice_of(), Catch::Contains("coordination_unreachable"));
  CHECK(test.held().size() == 1);
  // A process that no rule with a limit may act on has nothing to do with it.
  command = tests::World::command(guards::Action::restart, "job");
  CHECK(advice_of().empty());
}

TEST_CASE("limit: a restart that is resumed asks for no slot, and releases the one it had") {
  Limited test;
  const auto front = *substrate::InstanceName::parse("web:front");
  const auto claimed = test.world.coordinator.claim(
      {.limit = "web",
       .holder = {"host1", "web:front", "1-1", test.world.clock.system_now(), false}},
      test.soon());
  REQUIRE(claimed.outcome == ClaimOutcome::won);
  control::Operation operation;
  operation.id = "1-1";
  operation.command = tests::World::command(guards::Action::restart, "web:front");
  operation.command.slot = claimed.slot;
  operation.state = control::OperationState::running;
  operation.created_at = test.world.clock.system_now();
  operation.incarnation_before = test.world.supervisord->look(front).incarnation();
  operation.steps = {{control::OperationStep::looked, operation.created_at, ""},
                     {control::OperationStep::stop_requested, operation.created_at, ""}};
  REQUIRE(test.world.agent->journal->record({operation}));
  CHECK(test.world.supervisord->stop_instance(front, substrate::StopMode::graceful, test.soon()));
  test.world.publish();
  test.world.coordinator.set_reachable(false);
  test.world.restart();
  test.world.work();
  CHECK(test.world.supervisord->look(front).state == substrate::InstanceState::running);
  CHECK(test.held().empty());
  CHECK(test.world.coordinator.stats().claims.size() == 1);
}

}  // namespace
}  // namespace reeve::alerts
