#include "monitor/monitor.h"

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include <unistd.h>

#include "base/guarded.h"
#include "reeve/base/deadline.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/fake_substrate.h"
#include "support/manual_clock.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using tests::eventually;
using tests::FakeFailure;
using tests::Operation;

constexpr auto patience = 60s;

/// A little supervisord with one program, and what a monitor needs to watch it.
struct Watched {
  explicit Watched(std::string member_name = "") : name(std::move(member_name)) {
    tests::FakeProgram program;
    program.name = {"web", "web"};
    supervisord->add(program);
  }

  [[nodiscard]] Member member() const {
    return {name, "fake", 50ms, false, supervisord, supervisord, supervisord};
  }
  void hang() { supervisord->fail({Operation::any, {}, FakeFailure::always, true}); }

  std::string name;
  tests::ManualClock clock;  // of the programs alone; the monitor lives by the real one
  std::shared_ptr<tests::FakeSubstrate> supervisord = std::make_shared<tests::FakeSubstrate>(clock);
};

constexpr PollOptions fast{20ms, 10s};

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

bool is_up(const Monitor& monitor, const std::string& name = "") {
  return monitor.snapshot()->find(name)->up;
}

TEST_CASE("Monitor: there is a snapshot before anything is known, and it says so") {
  const base::SystemClock clock;
  const Watched watched;
  const Monitor monitor({watched.member()}, fast, clock, base::Log());
  const auto snapshot = monitor.snapshot();
  REQUIRE(snapshot);
  CHECK_FALSE(snapshot->complete);
  REQUIRE(snapshot->supervisors.size() == 1);
  CHECK_FALSE(snapshot->supervisors[0].up);
}

TEST_CASE("Monitor: a hung supervisord is shown as down, and as up again soon after it answers") {
  const base::SystemClock clock;
  Watched watched;
  Monitor monitor({watched.member()}, fast, clock, base::Log());
  monitor.start();
  REQUIRE(eventually(patience, [&] { return is_up(monitor); }));
  CHECK(monitor.snapshot()->complete);
  CHECK(monitor.snapshot()->supervisors[0].processes.size() == 1);

  watched.hang();
  REQUIRE(eventually(patience, [&] { return !is_up(monitor); }));
  const std::size_t first = watched.supervisord->count(Operation::connect);
  REQUIRE(eventually(  // what was under way has ended
      patience, [&] { return watched.supervisord->count(Operation::connect) > first + 2; }));
  const std::size_t lists = watched.supervisord->count(Operation::list);
  const std::size_t connects = watched.supervisord->count(Operation::connect);
  REQUIRE(eventually(
      patience, [&] { return watched.supervisord->count(Operation::connect) > connects + 2; }));
  CHECK(watched.supervisord->count(Operation::list) == lists);

  watched.supervisord->recover();
  REQUIRE(eventually(patience, [&] { return is_up(monitor); }));
  CHECK(monitor.snapshot()->supervisors[0].restarts == 0);
}

TEST_CASE("Monitor: a full poll that is slow does not hide that supervisord answers") {
  const base::SystemClock clock;
  Watched watched;
  Member member = watched.member();
  member.call_timeout = 10s;  // heartbeats do not hang here
  Monitor monitor({std::move(member)}, fast, clock, base::Log());
  monitor.start();
  REQUIRE(eventually(patience, [&] { return is_up(monitor); }));
  watched.supervisord->fail({Operation::list, {}, FakeFailure::always, true});
  const std::size_t connects = watched.supervisord->count(Operation::connect);
  REQUIRE(eventually(
      patience, [&] { return watched.supervisord->count(Operation::connect) > connects + 5; }));
  CHECK(is_up(monitor));
}

/// The system's clock, which a test can put forward.
class ShiftedClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady_now() const override {
    return system_.steady_now() + shift.load();
  }
  [[nodiscard]] base::SystemTime system_now() const override { return system_.system_now(); }
  bool wait_until(base::SteadyTime time, const std::stop_token& stop) const override {
    return system_.wait_until(time - shift.load(), stop);
  }

  std::atomic<base::Duration> shift{base::Duration::zero()};

 private:
  base::SystemClock system_;
};

TEST_CASE("Monitor: a listener that does not return is noticed, and a stop does not wait for it") {
  ShiftedClock clock;
  const Watched watched;
  Monitor monitor({watched.member()}, fast, clock, base::Log());
  std::atomic<bool> stuck = false;
  std::atomic<bool> released = false;
  monitor.on_publish([&](const auto& snapshot) {
    if (snapshot->complete) {
      stuck = true;
      released.wait(false);
    }
  });
  monitor.start();
  REQUIRE(eventually(patience, [&] { return stuck.load(); }));
  CHECK_FALSE(monitor.publisher_hangs());
  clock.shift = 31s;
  CHECK(monitor.publisher_hangs());
  clock.shift = 0s;
  CHECK_FALSE(monitor.stop(20ms));
  released = true;
  released.notify_all();
  CHECK(monitor.stop(patience));
  CHECK_FALSE(monitor.publisher_hangs());
}

TEST_CASE("Monitor: a supervisord that hangs delays no other") {
  const base::SystemClock clock;
  Watched hung("hung");
  Watched good("good");
  hung.hang();
  Monitor monitor({hung.member(), good.member()}, fast, clock, base::Log());
  monitor.start();
  REQUIRE(eventually(patience, [&] { return is_up(monitor, "good"); }));
  REQUIRE(eventually(patience, [&] { return monitor.snapshot()->complete; }));
  CHECK_FALSE(is_up(monitor, "hung"));
}

TEST_CASE("Monitor: a nudge polls long before the interval is over") {
  const base::SystemClock clock;
  Watched watched("web");
  Monitor monitor({watched.member()}, {1h, 10s}, clock, base::Log());
  monitor.start();
  REQUIRE(eventually(patience, [&] { return is_up(monitor, "web"); }));
  monitor.nudge("another");
  monitor.nudge("web");
  CHECK(eventually(patience, [&] { return watched.supervisord->count(Operation::list) == 2; }));
}

TEST_CASE("Monitor: new intervals hold at once") {
  const base::SystemClock clock;
  Watched watched;
  Monitor monitor({watched.member()}, {1h, 10s}, clock, base::Log());
  monitor.start();
  REQUIRE(eventually(patience, [&] { return is_up(monitor); }));
  monitor.configure(fast);
  CHECK(eventually(patience, [&] { return watched.supervisord->count(Operation::list) > 5; }));
}

TEST_CASE(
    "Monitor: each publication is handed on, the empty first one included, and generations grow") {
  const base::SystemClock clock;
  Watched watched;
  base::Guarded<std::vector<std::uint64_t>> generations;
  Monitor monitor({watched.member()}, fast, clock, base::Log());
  monitor.on_publish([&](const auto& snapshot) {
    generations.with([&](auto& seen) { seen.push_back(snapshot->generation); });
  });
  monitor.start();
  REQUIRE(eventually(patience, [&] { return generations.copy().size() > 3; }));
  CHECK(monitor.stop());
  const auto seen = generations.copy();
  CHECK(seen.front() == 0);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

/// A listener that hears whatever marks the supervisord was given, and what it is told to.
struct Listener {
  Monitor& monitor;
  Watched& watched;
  std::uint64_t serial = 0;
  std::size_t marks_heard = 0;

  void hear(decltype(events::Event::what) what) {
    events::Event event;
    event.pool = "reeve";
    event.what = std::move(what);
    event.serials = {serial, serial};
    ++serial;
    const base::SystemClock clock;
    monitor.inbox().put({std::make_shared<const events::EventSource>(),
                         {clock.steady_now(), clock.system_now()},
                         std::move(event)});
  }
  void hear_marks() {
    const auto marks = watched.supervisord->marks();
    for (; marks_heard < marks.size(); ++marks_heard) {
      hear(events::RemoteCommunication{substrate::survey_mark_type, marks[marks_heard]});
    }
  }
};

TEST_CASE("Monitor: a listener is known by a mark, and what it says is shown without a poll") {
  const base::SystemClock clock;
  Watched watched;
  Monitor monitor({watched.member()}, {1h, 10s}, clock, base::Log());
  monitor.start();
  REQUIRE(eventually(patience, [&] { return is_up(monitor); }));
  Listener listener{monitor, watched};
  listener.hear(events::Tick{5s, {}});
  REQUIRE(eventually(patience, [&] {
    listener.hear_marks();
    return monitor.snapshot()->supervisors[0].counter_source == CounterSource::events;
  }));
  events::StateChange crash;
  crash.name = {"web", "web"};
  crash.to = substrate::InstanceState::exited;
  crash.from = substrate::InstanceState::running;
  crash.expected = false;
  listener.hear(crash);
  REQUIRE(eventually(patience, [&] {
    return monitor.snapshot()->supervisors[0].processes[0].counters.unexpected_exits == 1U;
  }));
  // Looked at again, since the event cannot tell all of it: it runs, here.
  CHECK(eventually(patience, [&] {
    return monitor.snapshot()->supervisors[0].processes[0].detail.pid.has_value();
  }));
  CHECK(watched.supervisord->count(Operation::get) >= 1);
  CHECK(watched.supervisord->count(Operation::list) == 1);
}

TEST_CASE("Monitor: stopping is prompt while calls hang, and stopping twice is harmless") {
  const base::SystemClock clock;
  Watched watched;
  watched.hang();
  Member member = watched.member();
  member.call_timeout = 1h;
  Monitor monitor({std::move(member)}, {20ms, 1h}, clock, base::Log());
  monitor.start();
  REQUIRE(
      eventually(patience, [&] { return watched.supervisord->count(Operation::connect) >= 2; }));
  // Would hang for an hour, and the test with it, if a call did not carry the stop.
  CHECK(monitor.stop());
  CHECK(monitor.stop());
  CHECK_FALSE(monitor.snapshot()->complete);
}

TEST_CASE("Monitor: a hundred hangs and returns leave no thread behind") {
  const base::SystemClock clock;
  pid_t first = 0;  // with the first thread a sanitizer may start one of its own
  std::jthread([&] { first = ::gettid(); }).join();
  // The kernel lists a thread a moment longer than it is waited for.
  REQUIRE(eventually(patience, [&] {
    return !std::filesystem::exists("/proc/self/task/" + std::to_string(first));
  }));
  const std::size_t before = threads();
  {
    Watched watched;
    Member member = watched.member();
    member.call_timeout = 2ms;
    Monitor monitor({std::move(member)}, {2ms, 10s}, clock, base::Log());
    monitor.start();
    for (int cycle = 0; cycle < 100; ++cycle) {
      REQUIRE(eventually(patience, [&] { return is_up(monitor); }));
      watched.hang();
      REQUIRE(eventually(patience, [&] { return !is_up(monitor); }));
      watched.supervisord->recover();
    }
    CHECK(eventually(patience, [&] { return threads() == before + 3; }));
  }
  CHECK(eventually(patience, [&] { return threads() == before; }));
}

}  // namespace
}  // namespace reeve::monitor
