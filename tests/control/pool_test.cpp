// The controller with its threads, on a real clock.

#include <atomic>
#include <thread>

#include "control/world.h"
#include "guards/programs.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::control {
namespace {

using namespace std::chrono_literals;

/// As many groups as there are programs; their supervisord lives on a clock of its own.
struct Pool {
  explicit Pool(int programs)
      : controller({{tests::member_of("", supervisord)},
                    [this] { return snapshot; },
                    [](std::string_view) {},
                    {}},
                   guards::Options{}, clock, base::Log()) {
    for (int i = 0; i < programs; ++i) {
      tests::FakeProgram program;
      program.name = *substrate::InstanceName::parse("job" + std::to_string(i));
      supervisord->add(program);
    }
    supervisord->tick(2s);
    auto first = std::make_shared<monitor::Snapshot>();
    first->supervisors = {tests::snapshot_of("", *supervisord, clock)};
    snapshot = std::move(first);
  }

  [[nodiscard]] auto submit(guards::Action action, int job) {
    return controller.submit(tests::World::command(action, ("job" + std::to_string(job)).c_str()));
  }

  base::SystemClock clock;
  tests::ManualClock manual;
  std::shared_ptr<tests::FakeSubstrate> supervisord =
      std::make_shared<tests::FakeSubstrate>(manual);
  std::shared_ptr<const monitor::Snapshot> snapshot;
  Controller controller;
};

TEST_CASE("Controller: several who want to know the programs at once ask supervisord once") {
  Pool pool(1);
  guards::ProgramCatalogue catalogue(pool.clock);
  const monitor::Member member = tests::member_of("", pool.supervisord);
  std::atomic<int> told = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { told += catalogue.of(member, 30s, std::stop_token()) ? 1 : 0; });
    }
  }
  CHECK(told == 8);
  CHECK(pool.supervisord->count(tests::Operation::programs) == 1);
}

TEST_CASE("Controller: of many commands on one process at once exactly one is accepted") {
  for (int round = 0; round < 20; ++round) {
    Pool pool(1);
    std::atomic<int> accepted = 0;
    {
      std::vector<std::jthread> clients;
      for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&] {
          if (pool.submit(guards::Action::restart, 0)) {
            ++accepted;
          }
        });
      }
    }
    CHECK(accepted == 1);
  }
}

TEST_CASE("Controller: the pool works off what is submitted, each process once") {
  constexpr int programs = 30;
  Pool pool(programs);
  std::atomic<int> done = 0;
  pool.controller.start();
  for (int i = 0; i < programs; ++i) {
    const auto accepted = pool.submit(guards::Action::restart, i);
    REQUIRE(accepted);
    CHECK(pool.controller.on_finished(accepted->id, [&](const Operation& operation) {
      done += operation.result == OperationResult::succeeded ? 1 : 0;
    }));
  }
  CHECK(tests::eventually(60s, [&] { return done == programs; }));
  CHECK(pool.supervisord->count(tests::Operation::stop) == programs);
  CHECK(pool.supervisord->count(tests::Operation::start) == programs);
}

TEST_CASE("Controller: a stop waits for the restart under way and is bounded by its deadline") {
  Pool pool(1);
  pool.supervisord->let_test_turn_clock();
  pool.supervisord->change({"job0", "job0"}, [](auto& program) { program.stops_after = 30s; });
  pool.controller.start();
  const std::string id = pool.submit(guards::Action::restart, 0)->id;
  REQUIRE(tests::eventually(60s, [&] {
    return pool.supervisord->look({"job0", "job0"}).state == substrate::InstanceState::stopping;
  }));
  {
    const std::jthread time([&](const std::stop_token& stop) {
      const auto deadline = base::Deadline::after(pool.clock, 20s, stop);
      while (!pool.controller.find(id)->done() && deadline.wait(1ms)) {
        pool.supervisord->tick(1s);
      }
    });
    const std::jthread stopper(
        [&] { pool.controller.stop(base::Deadline::after(pool.clock, 20s)); });
  }
  CHECK(pool.controller.find(id)->result == OperationResult::succeeded);
  CHECK(pool.supervisord->look({"job0", "job0"}).state == substrate::InstanceState::running);
}

TEST_CASE("Controller: a stop ends what hangs when its deadline is over") {
  Pool pool(1);
  pool.supervisord->let_test_turn_clock();
  pool.supervisord->fail({.operation = tests::Operation::get, .hangs = true});
  pool.controller.start();
  const std::string id = pool.submit(guards::Action::stop, 0)->id;
  REQUIRE(
      tests::eventually(60s, [&] { return pool.supervisord->count(tests::Operation::get) == 1; }));
  pool.controller.stop(base::Deadline::after(pool.clock, 0s));
  CHECK(pool.controller.find(id)->result == OperationResult::abandoned);
}

}  // namespace
}  // namespace reeve::control
