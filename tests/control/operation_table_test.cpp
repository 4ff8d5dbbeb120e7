#include "control/operation_table.h"

#include "support/catch.h"

namespace reeve::control {
namespace {

guards::Command on(const char* process, const char* supervisor = "") {
  guards::Command command;
  command.target = {supervisor, *substrate::InstanceName::parse(process)};
  return command;
}

/// Added, and on the disk.
Operation enter(OperationTable& table, const guards::Command& command) {
  Operation operation = table.add(command, {});
  table.release(operation.id);
  return operation;
}

void finish(OperationTable& table, Operation operation) {
  operation.state = OperationState::done;
  (void)table.finish(operation);
}

TEST_CASE("OperationTable: operations on one group run one at a time, in the order they came") {
  OperationTable table("7");
  const Operation front = enter(table, on("web:front"));
  const Operation back = enter(table, on("web:back"));
  const Operation job = enter(table, on("job"));
  CHECK(table.take()->id == front.id);
  CHECK(table.take()->id == job.id);
  CHECK_FALSE(table.take());
  finish(table, front);
  CHECK(table.take()->id == back.id);
}

TEST_CASE(
    "OperationTable: groups of the same name on two supervisords do not wait for each other") {
  OperationTable table("7");
  (void)enter(table, on("web:front", "a"));
  (void)enter(table, on("web:front", "b"));
  CHECK(table.take());
  CHECK(table.take());
}

TEST_CASE("OperationTable: one supervisord cannot take all the workers") {
  OperationTable table("7");
  for (std::size_t i = 0; i <= OperationTable::max_per_supervisor; ++i) {
    (void)enter(table, on(("job" + std::to_string(i)).c_str(), "slow"));
  }
  const Operation other = enter(table, on("job", "other"));
  for (std::size_t i = 0; i < OperationTable::max_per_supervisor; ++i) {
    CHECK(table.take()->command.target.supervisor == "slow");
  }
  CHECK(table.take()->id == other.id);
  CHECK_FALSE(table.take());
}

TEST_CASE("OperationTable: alerts leave places for people, on each supervisord and in all") {
  OperationTable table("7");
  const auto of_alert = [](const std::string& process, const char* supervisor) {
    guards::Command command = on(process.c_str(), supervisor);
    command.trigger.emplace();
    return command;
  };
  for (const char* supervisor : {"one", "two", "three"}) {
    for (std::size_t i = 0; i < OperationTable::max_per_supervisor; ++i) {
      (void)enter(table, of_alert("p" + std::to_string(i), supervisor));
    }
  }
  std::size_t taken = 0;
  while (table.take()) {
    ++taken;
  }
  CHECK(taken == OperationTable::max_of_alerts);
  for (const char* supervisor : {"one", "two", "three"}) {
    (void)enter(table, on("person", supervisor));
    CHECK(table.take());
  }
}

TEST_CASE("OperationTable: ids are unique, and tell one run of the agent from another") {
  OperationTable table("1700000000000");
  CHECK(enter(table, on("a")).id == "1700000000000-1");
  CHECK(enter(table, on("b")).id == "1700000000000-2");
}

TEST_CASE(
    "OperationTable: of the operations that are done the last thousand are remembered, and all "
    "others") {
  OperationTable table("7");
  const Operation waiting = enter(table, on("waiting"));
  for (std::size_t i = 0; i < OperationTable::max_done + 10; ++i) {
    finish(table, enter(table, on("job")));
  }
  CHECK(table.find(waiting.id));
  CHECK_FALSE(table.find("7-2"));
  CHECK(table.list().size() <= OperationTable::max_done + 2);
}

guards::Command keyed(const char* actor, const std::string& key) {
  guards::Command command = on("job");
  command.actor = actor;
  command.idempotency_key = key;
  return command;
}

TEST_CASE("OperationTable: no noise of one actor displaces another's idempotency key") {
  OperationTable table("7");
  finish(table, enter(table, keyed("deploy", "release 5")));
  for (std::size_t i = 0; i < 2 * OperationTable::max_done; ++i) {
    finish(table, enter(table, keyed("noise", std::to_string(i))));
  }
  CHECK(table.find_repeated(keyed("deploy", "release 5")) != nullptr);
  CHECK(table.find_repeated(keyed("noise", "0")) == nullptr);
  CHECK(table.list().size() <= OperationTable::max_done + 1);
}

TEST_CASE("OperationTable: who has most loses its oldest first, down to an equal share") {
  CHECK(excess_of({{"a", 500}, {"b", 500}}).empty());
  CHECK(excess_of({{"a", 700}, {"b", 301}}) == DoneCounts{{"a", 1}});
  CHECK(excess_of({{"a", 2000}, {"b", 2000}, {"c", 3}}) == DoneCounts{{"a", 1502}, {"b", 1501}});
}

TEST_CASE(
    "OperationTable: an operation that is not on the disk yet is known, and not carried out") {
  OperationTable table("7");
  const Operation operation = table.add(on("job"), {});
  CHECK(table.in_flight(operation.command));
  CHECK_FALSE(table.take());
  CHECK_FALSE(table.take_queued());
  CHECK(table.is_held(operation.id));
  table.release(operation.id);
  CHECK_FALSE(table.is_held(operation.id));
  CHECK(table.take()->id == operation.id);
}

TEST_CASE("OperationTable: a group and its members exclude each other") {
  OperationTable table("7");
  guards::Command group = on("web:front");
  group.target.name.name.clear();
  group.group_order = guards::GroupOrder::rolling;
  const Operation whole = enter(table, group);
  CHECK(table.in_flight(on("web:back"))->id == whole.id);
  CHECK(table.in_flight(group)->id == whole.id);
  CHECK(table.in_flight(on("job")) == nullptr);
  CHECK(table.in_flight(on("web:back", "other")) == nullptr);
  finish(table, whole);
  const Operation member = enter(table, on("web:back"));
  CHECK(table.in_flight(group)->id == member.id);
}

TEST_CASE("OperationTable: an operation that could not be recorded leaves nothing behind") {
  OperationTable table("7");
  const Operation operation = table.add(on("job"), {});
  table.withdraw(operation.id);
  CHECK_FALSE(table.find(operation.id));
  CHECK_FALSE(table.in_flight(operation.command));
}

TEST_CASE(
    "OperationTable: what an earlier run began is taken when it may go on, and put back if not") {
  OperationTable table("7");
  Operation begun;
  begun.id = "6-1";
  begun.command = on("job");
  begun.state = OperationState::running;
  table.restore(begun);
  CHECK(table.interrupted() == std::vector{begun});
  CHECK_FALSE(table.take());
  CHECK_FALSE(table.take_queued());
  CHECK(table.take({"6-1"})->id == "6-1");
  CHECK(table.interrupted().empty());
  table.put_back("6-1");
  CHECK(table.interrupted() == std::vector{begun});
}

TEST_CASE("OperationTable: an id that an earlier run gave is not given again") {
  OperationTable table("7");
  Operation old;
  old.id = "7-1";
  old.state = OperationState::done;
  table.restore(old);
  CHECK(table.add(on("job"), {}).id == "7-2");
}

TEST_CASE("OperationTable: only so many can wait for one operation") {
  OperationTable table("7");
  const Operation operation = enter(table, on("job"));
  for (std::size_t i = 0; i < OperationTable::max_waiters; ++i) {
    CHECK(table.add_waiter(operation.id, [](const Operation&) {}));
  }
  CHECK_FALSE(table.add_waiter(operation.id, [](const Operation&) {}));
}

}  // namespace
}  // namespace reeve::control
