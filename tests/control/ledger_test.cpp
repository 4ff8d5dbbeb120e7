#include "control/ledger.h"

#include "support/catch.h"

namespace reeve::control {
namespace {

Command on(const char* process, const char* supervisor = "") {
  Command command;
  command.target = {supervisor, *substrate::InstanceName::parse(process)};
  return command;
}

void finish(Ledger& ledger, Operation operation) {
  operation.state = OperationState::done;
  (void)ledger.finish(operation);
}

TEST_CASE("operations on one group run one at a time, in the order they came") {
  Ledger ledger("7");
  const Operation front = ledger.add(on("web:front"), {});
  const Operation back = ledger.add(on("web:back"), {});
  const Operation job = ledger.add(on("job"), {});
  CHECK(ledger.take()->id == front.id);
  CHECK(ledger.take()->id == job.id);
  CHECK_FALSE(ledger.take());
  finish(ledger, front);
  CHECK(ledger.take()->id == back.id);
}

TEST_CASE("groups of the same name on two supervisords do not wait for each other") {
  Ledger ledger("7");
  (void)ledger.add(on("web:front", "a"), {});
  (void)ledger.add(on("web:front", "b"), {});
  CHECK(ledger.take());
  CHECK(ledger.take());
}

TEST_CASE("one supervisord cannot take all the workers") {
  Ledger ledger("7");
  for (std::size_t i = 0; i <= Ledger::max_per_supervisor; ++i) {
    (void)ledger.add(on(("job" + std::to_string(i)).c_str(), "slow"), {});
  }
  const Operation other = ledger.add(on("job", "other"), {});
  for (std::size_t i = 0; i < Ledger::max_per_supervisor; ++i) {
    CHECK(ledger.take()->command.target.supervisor == "slow");
  }
  CHECK(ledger.take()->id == other.id);
  CHECK_FALSE(ledger.take());
}

TEST_CASE("ids are unique, and tell one run of the agent from another") {
  Ledger ledger("1700000000000");
  CHECK(ledger.add(on("a"), {}).id == "1700000000000-1");
  CHECK(ledger.add(on("b"), {}).id == "1700000000000-2");
}

TEST_CASE("of the operations that are done the last thousand are remembered, and all others") {
  Ledger ledger("7");
  const Operation waiting = ledger.add(on("waiting"), {});
  for (std::size_t i = 0; i < Ledger::max_done + 10; ++i) {
    finish(ledger, ledger.add(on("job"), {}));
  }
  CHECK(ledger.find(waiting.id));
  CHECK_FALSE(ledger.find("7-2"));
  CHECK(ledger.list().size() <= Ledger::max_done + 2);
}

TEST_CASE("only so many can wait for one operation") {
  Ledger ledger("7");
  const Operation operation = ledger.add(on("job"), {});
  for (std::size_t i = 0; i < Ledger::max_waiting; ++i) {
    CHECK(ledger.wait_for(operation.id, [](const Operation&) {}));
  }
  CHECK_FALSE(ledger.wait_for(operation.id, [](const Operation&) {}));
}

}  // namespace
}  // namespace reeve::control
