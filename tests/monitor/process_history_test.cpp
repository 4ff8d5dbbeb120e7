#include "monitor/process_history.h"

#include "monitor/details.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace events;
using substrate::InstanceState;

constexpr RunEnd exit_3{3, std::nullopt};
constexpr RunEnd by_kill{std::nullopt, 9};

struct Told {
  LogStateMachine machine;
  TransitionCounts counts{};

  explicit Told(InstanceState state = InstanceState::stopped) {
    TransitionCounts before{};
    machine.anchor_at(state, before);
  }
  template <class Line>
  Told& line(const Line& line) {
    machine.apply(line, counts);
    return *this;
  }
  Told& spawned() { return line(Spawned{"web", {7}}); }
  Told& success(bool at_once = false) { return line(EnteredRunning{"web", at_once}); }
  [[nodiscard]] std::uint32_t entries(InstanceState state) const {
    return counts[entries_at(state)];
  }
};

TEST_CASE("LogStateMachine: a crash loop in the log is starts, restarts and unexpected exits") {
  Told told;
  told.spawned().success().line(Exited{"web", exit_3, false}).spawned().success();
  CHECK(told.entries(InstanceState::starting) == 2);
  CHECK(told.entries(InstanceState::running) == 2);
  CHECK(told.entries(InstanceState::exited) == 1);
  CHECK(told.counts[restarts_at] == 1);
  CHECK(told.counts[unexpected_exits_at] == 1);
  CHECK(told.counts[ends_at] == 1);
  CHECK(told.machine.last_exit() == LastExit{3, std::nullopt, false});
}

TEST_CASE("LogStateMachine: a run that ended before it was RUNNING went to BACKOFF") {
  Told told;
  told.spawned().line(Exited{"web", by_kill, false}).line(GaveUp{"web"});
  CHECK(told.entries(InstanceState::backoff) == 1);
  CHECK(told.entries(InstanceState::fatal) == 1);
  CHECK(told.entries(InstanceState::running) == 0);
  CHECK(told.machine.last_exit() == LastExit{-1, 9, false});
}

TEST_CASE(
    "LogStateMachine: an expected exit, and any of a program without startsecs, came out of "
    "RUNNING") {
  Told told;
  SECTION("expected") {
    told.spawned().line(Exited{"web", {0, std::nullopt}, true});
  }
  SECTION("known to be RUNNING at once") {
    told.spawned().success(true).line(Exited{"web", exit_3, false});
    told.counts = {};
    told.spawned().line(Exited{"web", exit_3, false});
  }
  CHECK(told.entries(InstanceState::running) == 1);
  CHECK(told.entries(InstanceState::exited) == 1);
  CHECK(told.entries(InstanceState::backoff) == 0);
}

TEST_CASE("LogStateMachine: a requested stop implies STOPPING and is no unexpected exit") {
  Told told(InstanceState::running);
  told.line(Stopped{"web", {std::nullopt, 15}});
  CHECK(told.entries(InstanceState::stopping) == 1);
  CHECK(told.entries(InstanceState::stopped) == 1);
  CHECK(told.counts[unexpected_exits_at] == 0);
  CHECK(told.counts[ends_at] == 1);
  CHECK(told.machine.last_exit() == LastExit{-1, 15, std::nullopt});
}

TEST_CASE("LogStateMachine: STOPPING that an anchor saw already is not counted again") {
  Told told(InstanceState::stopping);
  told.line(Stopped{"web", exit_3});
  CHECK(told.entries(InstanceState::stopping) == 0);
  CHECK(told.entries(InstanceState::stopped) == 1);
}

TEST_CASE("LogStateMachine: a start that made no process is a start and goes to BACKOFF") {
  Told told(InstanceState::exited);
  told.line(SpawnError{"cannot", "web"});
  CHECK(told.entries(InstanceState::starting) == 1);
  CHECK(told.entries(InstanceState::backoff) == 1);
  CHECK(told.counts[restarts_at] == 1);
  CHECK_FALSE(told.machine.last_exit());
}

TEST_CASE("LogStateMachine: what the log does not tell is counted at the anchor that finds it") {
  const auto [before, now] = GENERATE(std::pair(InstanceState::running, InstanceState::stopping),
                                      std::pair(InstanceState::backoff, InstanceState::stopped));
  Told told(before);
  told.machine.anchor_at(now, told.counts);
  CHECK(told.entries(now) == 1);
  told.spawned();
  CHECK(told.counts[restarts_at] == 0);
}

TEST_CASE("LogStateMachine: after lines were missing nothing is guessed") {
  Told told(InstanceState::running);
  told.machine.lines_lost();
  SECTION("a start may have been by hand") {
    told.spawned();
    CHECK(told.counts[restarts_at] == 0);
    CHECK(told.entries(InstanceState::starting) == 1);
  }
  SECTION("an exit may have gone either way") {
    told.line(Exited{"web", exit_3, false});
    CHECK(told.entries(InstanceState::backoff) + told.entries(InstanceState::exited) == 0);
    CHECK(told.counts[unexpected_exits_at] == 1);
  }
  SECTION("the entry into STOPPING may have been counted") {
    told.line(Stopped{"web", exit_3});
    CHECK(told.entries(InstanceState::stopping) == 0);
    CHECK(told.entries(InstanceState::stopped) == 1);
  }
}

TEST_CASE(
    "LogStateMachine: another daemon ends what ran, nobody knows how; what had ended before is "
    "known") {
  Told told;
  told.spawned().success().line(Exited{"web", exit_3, false});
  SECTION("it ran again") {
    told.spawned().machine.daemon_restarted();
    CHECK_FALSE(told.machine.last_exit());
  }
  SECTION("it did not") {
    told.machine.daemon_restarted();
    CHECK(told.machine.last_exit() == LastExit{3, std::nullopt, false});
  }
}

TEST_CASE(
    "LogStateMachine: a start is no restart if something happened that the log does not tell, or "
    "by another "
    "daemon") {
  Told told(InstanceState::exited);
  SECTION("doubt") {
    told.machine.miss_transition();
  }
  SECTION("another daemon") {
    told.machine.daemon_restarted();
  }
  told.spawned();
  CHECK(told.entries(InstanceState::starting) == 1);
  CHECK(told.counts[restarts_at] == 0);
}

TEST_CASE(
    "ProcessHistory: a start time that supervisord moved back with its clock is the same run, "
    "while "
    "the daemon is the same") {
  const auto starts = [](const substrate::InstanceDetail& before,
                         const substrate::InstanceDetail& now, bool same_daemon) {
    ProcessHistory history;
    history.apply_poll(before, same_daemon);
    history.apply_poll(now, same_daemon);
    return history.current.polls[entries_at(InstanceState::starting)];
  };
  auto starting = running("web", {10, 5000});
  starting.state = InstanceState::starting;
  CHECK(starts(starting, running("web", {10, 1400}), true) == 0);
  CHECK(starts(running("web", {10, 5000}), running("web", {10, 1400}), true) == 0);
  CHECK(starts(running("web", {10, 5000}), running("web", {11, 1400}), true) == 1);
  CHECK(starts(running("web", {10, 5000}), running("web", {10, 5001}), true) == 1);
  CHECK(starts(running("web", {10, 5000}), running("web", {10, 1400}), false) == 1);
}

}  // namespace
}  // namespace reeve::monitor
