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
Operation enter(OperationTable& ledger, const guards::Command& command) {
  Operation operation = ledger.add(command, {});
  ledger.release(operation.id);
  return operation;
}

void finish(OperationTable& ledger, Operation operation) {
  operation.state = OperationState::done;
  (void)ledger.finish(operation);
}

TEST_CASE("OperationTable: operations on one group run one at a time, in the order they came") {
  OperationTable ledger("7");
  const Operation front = enter(ledger, on("web:front"));
  const Operation back = enter(ledger, on("web:back"));
  const Operation job = enter(ledger, on("job"));
  CHECK(ledger.take()->id == front.id);
  CHECK(ledger.take()->id == job.id);
  CHECK_FALSE(ledger.take());
  finish(ledger, front);
  CHECK(ledger.take()->id == back.id);
}

TEST_CASE(
    "OperationTable: groups of the same name on two supervisords do not wait for each other") {
  OperationTable ledger("7");
  (void)enter(ledger, on("web:front", "a"));
  (void)enter(ledger, on("web:front", "b"));
  CHECK(ledger.take());
  CHECK(ledger.take());
}

TEST_CASE("OperationTable: one supervisord cannot take all the workers") {
  OperationTable ledger("7");
  for (std::size_t i = 0; i <= OperationTable::max_per_supervisor; ++i) {
    (void)enter(ledger, on(("job" + std::to_string(i)).c_str(), "slow"));
  }
  const Operation other = enter(ledger, on("job", "other"));
  for (std::size_t i = 0; i < OperationTable::max_per_supervisor; ++i) {
    CHECK(ledger.take()->command.target.supervisor == "slow");
  }
  CHECK(ledger.take()->id == other.id);
  CHECK_FALSE(ledger.take());
}

TEST_CASE("OperationTable: ids are unique, and tell one run of the agent from another") {
  OperationTable ledger("1700000000000");
  CHECK(enter(ledger, on("a")).id == "1700000000000-1");
  CHECK(enter(ledger, on("b")).id == "1700000000000-2");
}

TEST_CASE(
    "OperationTable: of the operations that are done the last thousand are remembered, and all "
    "others") {
  OperationTable ledger("7");
  const Operation waiting = enter(ledger, on("waiting"));
  for (std::size_t i = 0; i < OperationTable::max_done + 10; ++i) {
    finish(ledger, enter(ledger, on("job")));
  }
  CHECK(ledger.find(waiting.id));
  CHECK_FALSE(ledger.find("7-2"));
  CHECK(ledger.list().size() <= OperationTable::max_done + 2);
}

TEST_CASE(
    "OperationTable: an operation that is not on the disk yet is known, and not carried out") {
  OperationTable ledger("7");
  const Operation operation = ledger.add(on("job"), {});
  CHECK(ledger.in_flight(operation.command));
  CHECK_FALSE(ledger.take());
  CHECK_FALSE(ledger.take_queued());
  CHECK(ledger.holds(operation.id));
  ledger.release(operation.id);
  CHECK_FALSE(ledger.holds(operation.id));
  CHECK(ledger.take()->id == operation.id);
}

TEST_CASE("OperationTable: a group and its members exclude each other") {
  OperationTable ledger("7");
  guards::Command group = on("web:front");
  group.target.name.name.clear();
  group.group_order = guards::GroupOrder::rolling;
  const Operation whole = enter(ledger, group);
  CHECK(ledger.in_flight(on("web:back"))->id == whole.id);
  CHECK(ledger.in_flight(group)->id == whole.id);
  CHECK(ledger.in_flight(on("job")) == nullptr);
  CHECK(ledger.in_flight(on("web:back", "other")) == nullptr);
  finish(ledger, whole);
  const Operation member = enter(ledger, on("web:back"));
  CHECK(ledger.in_flight(group)->id == member.id);
}

TEST_CASE("OperationTable: an operation that could not be recorded leaves nothing behind") {
  OperationTable ledger("7");
  const Operation operation = ledger.add(on("job"), {});
  ledger.withdraw(operation.id);
  CHECK_FALSE(ledger.find(operation.id));
  CHECK_FALSE(ledger.in_flight(operation.command));
}

TEST_CASE(
    "OperationTable: what an earlier run began is taken when it may go on, and put back if not") {
  OperationTable ledger("7");
  Operation begun;
  begun.id = "6-1";
  begun.command = on("job");
  begun.state = OperationState::running;
  ledger.restore(begun);
  CHECK(ledger.cut_off() == std::vector{begun});
  CHECK_FALSE(ledger.take());
  CHECK_FALSE(ledger.take_queued());
  CHECK(ledger.take({"6-1"})->id == "6-1");
  CHECK(ledger.cut_off().empty());
  ledger.put_back("6-1");
  CHECK(ledger.cut_off() == std::vector{begun});
}

TEST_CASE("OperationTable: an id that an earlier run gave is not given again") {
  OperationTable ledger("7");
  Operation old;
  old.id = "7-1";
  old.state = OperationState::done;
  ledger.restore(old);
  CHECK(ledger.add(on("job"), {}).id == "7-2");
}

TEST_CASE("OperationTable: only so many can wait for one operation") {
  OperationTable ledger("7");
  const Operation operation = enter(ledger, on("job"));
  for (std::size_t i = 0; i < OperationTable::max_waiting; ++i) {
    CHECK(ledger.wait_for(operation.id, [](const Operation&) {}));
  }
  CHECK_FALSE(ledger.wait_for(operation.id, [](const Operation&) {}));
}

}  // namespace
}  // namespace reeve::control
