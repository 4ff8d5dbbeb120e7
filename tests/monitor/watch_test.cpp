#include "monitor/watch.h"

#include "monitor/log_files.h"
#include "support/catch.h"
#include "support/fake_substrate.h"
#include "support/manual_clock.h"
#include "support/recording_sink.h"
#include "support/temporary_folder.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using tests::FakeFailure;
using tests::Operation;

struct Rig {
  tests::ManualClock clock;
  std::shared_ptr<tests::FakeSubstrate> supervisord = std::make_shared<tests::FakeSubstrate>(clock);
  std::shared_ptr<tests::RecordingSink> sink = std::make_shared<tests::RecordingSink>();
  int published = 0;
  std::stop_source stop;
  Watch watch{Member{"", "fake", 2s, false, supervisord, supervisord, supervisord},
              0,
              PollOptions{5s, 30s},
              clock,
              base::Log(sink),
              [this] { ++published; }};

  base::Duration poll() { return watch.poll(stop.get_token()); }
  void beat() { watch.beat(stop.get_token()); }
};

tests::FakeProgram program(const std::string& name) {
  tests::FakeProgram program;
  program.name = *substrate::InstanceName::parse(name);
  return program;
}

TEST_CASE("the first poll connects, lists and asks what supervisord it is") {
  Rig rig;
  rig.supervisord->add(program("web"));
  (void)rig.poll();
  CHECK(rig.supervisord->calls() == std::vector<tests::FakeCall>{{Operation::connect, ""},
                                                                 {Operation::list, ""},
                                                                 {Operation::describe, ""}});
  const SupervisorSnapshot seen = rig.watch.seen();
  CHECK(seen.up);
  CHECK(seen.pid == substrate::Pid{100});
  CHECK(seen.processes.size() == 1);
  CHECK(seen.description->version == "4.2.5");
  CHECK(rig.published == 3);
}

TEST_CASE("a supervisord that does not tell what it is is asked again at the next poll") {
  Rig rig;
  rig.supervisord->fail({Operation::describe});
  (void)rig.poll();
  CHECK_FALSE(rig.watch.seen().description);
  CHECK(rig.watch.seen().up);
  (void)rig.poll();
  CHECK(rig.watch.seen().description);
  (void)rig.poll();
  CHECK(rig.supervisord->count(Operation::describe) == 2);
}

TEST_CASE("while supervisord does not answer only heartbeats are sent") {
  Rig rig;
  (void)rig.poll();
  rig.supervisord->fail(
      {Operation::any, {base::ErrorKind::timeout, ""}, FakeFailure::always, true});
  rig.beat();
  CHECK_FALSE(rig.watch.seen().up);
  const std::size_t connects = rig.supervisord->count(Operation::connect);
  (void)rig.poll();
  (void)rig.poll();
  CHECK(rig.supervisord->count(Operation::connect) == connects);
  CHECK(rig.supervisord->count(Operation::list) == 1);
  CHECK(rig.watch.seen().polls.failures[static_cast<std::size_t>(PollFailure::timeout)] == 2);
  rig.supervisord->recover();
  rig.beat();
  (void)rig.poll();
  CHECK(rig.watch.seen().up);
}

TEST_CASE("a heartbeat is given up after the timeout of one call") {
  Rig rig;
  (void)rig.poll();
  rig.supervisord->fail({Operation::connect, {}, 1, true});
  const base::SteadyTime before = rig.clock.steady_now();
  rig.beat();
  CHECK(rig.clock.steady_now() - before == 2s);
  CHECK_FALSE(rig.watch.seen().up);
}

TEST_CASE("a poll that is too slow is given up after its own timeout") {
  Rig rig;
  rig.supervisord->fail({Operation::list, {}, 1, true});
  const base::Duration rest = rig.poll();
  CHECK(rest == 30s);
  CHECK_FALSE(rig.watch.seen().up);
  CHECK(rig.watch.seen().polls.failures[static_cast<std::size_t>(PollFailure::timeout)] == 1);
}

TEST_CASE("a supervisord that is refused at the first try has been tried, and the poll failed") {
  Rig rig;
  rig.supervisord->fail({Operation::connect});
  (void)rig.poll();
  CHECK(rig.watch.tried());
  CHECK(rig.supervisord->count(Operation::list) == 0);
  CHECK(rig.watch.seen().polls.failures[static_cast<std::size_t>(PollFailure::unreachable)] == 1);
}

TEST_CASE("a new daemon found by the poll itself is no storm of process restarts") {
  Rig rig;
  rig.supervisord->add(program("web"));
  rig.supervisord->tick(2s);
  (void)rig.poll();
  rig.supervisord->restart_manager({200});
  rig.supervisord->tick(2s);
  (void)rig.poll();
  CHECK(rig.watch.seen().restarts == 1);
  CHECK(rig.watch.seen().processes[0].counters.restarts == 0);
  CHECK(rig.watch.seen().processes[0].counters.starts == 1);
}

TEST_CASE("a program that crashes and is restarted counts a restart") {
  Rig rig;
  rig.supervisord->add(program("web"));
  rig.supervisord->tick(2s);
  (void)rig.poll();
  rig.supervisord->crash({"web", "web"}, 3);
  (void)rig.poll();
  CHECK(rig.watch.seen().processes[0].exit_status == 3);
  rig.supervisord->tick(3s);
  (void)rig.poll();
  CHECK(rig.watch.seen().processes[0].counters.restarts == 1);
  CHECK(rig.watch.seen().processes[0].exit_status == 3);
}

std::string log_line(const std::string& text) {
  return "2026-11-22 08:35:31,157 INFO " + text + "\n";
}

/// A Rig whose supervisord's log is followed.
struct LogRig : Rig {
  Watch following{Member{.name = "",
                         .url = "fake",
                         .call_timeout = 2s,
                         .substrate = supervisord,
                         .administration = supervisord,
                         .poll_source = supervisord,
                         .logs = supervisord},
                  0,
                  {},
                  clock,
                  base::Log(sink),
                  [] {},
                  "us"};

  LogRig() {
    supervisord->add(program("web"));
    supervisord->tick(2s);
    supervisord->write_manager_log(log_line("supervisord started with pid 100"));
    (void)following.poll(stop.get_token());
  }
  /// Until the log is the source.
  void join() {
    (void)following.read_log(stop.get_token());
    (void)following.survey(stop.get_token());
  }
  [[nodiscard]] CounterSource source() const { return following.seen().counter_source; }
  [[nodiscard]] std::uint64_t log_gaps() const {
    return following.seen().counter_gaps[static_cast<std::size_t>(CounterSource::log)];
  }
};

TEST_CASE("supervisord's log is a source once a survey has gone to its end") {
  LogRig rig;
  CHECK(rig.following.read_log(rig.stop.get_token()));
  CHECK(rig.source() == CounterSource::polls);
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.source() == CounterSource::log);
  CHECK(rig.supervisord->marks() == std::vector<std::string>{"us:0:1"});
  rig.supervisord->write_manager_log(log_line("exited: web (exit status 3; not expected)") +
                                     log_line("spawned: 'web' with pid 4711"));
  CHECK(rig.following.read_log(rig.stop.get_token()));
  const ProcessSnapshot web = rig.following.seen().processes[0];
  CHECK(web.counters.unexpected_exits == 1U);
  CHECK(web.counters.restarts == 1);
  CHECK(web.exit_status == 3);
}

TEST_CASE("a log that cannot be read is left alone for a minute") {
  LogRig rig;
  rig.supervisord->fail({Operation::read_manager_log, {base::ErrorKind::no_file, "no log"}});
  CHECK_FALSE(rig.following.read_log(rig.stop.get_token()));
  CHECK_FALSE(rig.following.read_log(rig.stop.get_token()));
  CHECK(rig.supervisord->count(Operation::read_manager_log) == 1);
  rig.clock.advance(1min);
  CHECK(rig.following.read_log(rig.stop.get_token()));
}

TEST_CASE("a log that is not to be followed any more is no source, until it is again") {
  LogRig rig;
  rig.join();
  CHECK(rig.source() == CounterSource::log);
  PollOptions options;
  options.main_log = MainLog::off;
  rig.following.configure(options);
  CHECK_FALSE(rig.following.read_log(rig.stop.get_token()));
  CHECK(rig.source() == CounterSource::polls);
  CHECK(rig.log_gaps() == 1);
  rig.following.configure({});
  rig.join();
  CHECK(rig.source() == CounterSource::log);
}

TEST_CASE("a log of which nothing comes, while polls do, is no source, and is left alone") {
  LogRig rig;
  rig.join();
  const std::size_t readings = rig.supervisord->count(Operation::read_manager_log);
  rig.supervisord->fail({Operation::read_manager_log, {}, FakeFailure::always, true});
  (void)rig.following.read_log(rig.stop.get_token());
  CHECK(rig.source() == CounterSource::log);
  for (int i = 0; i < 4; ++i) {
    (void)rig.following.read_log(rig.stop.get_token());
  }
  CHECK(rig.source() == CounterSource::polls);
  CHECK(rig.supervisord->count(Operation::read_manager_log) == readings + 3);
}

TEST_CASE("a survey whose own text shows that programs write in the log ends the trust in it") {
  LogRig rig;
  rig.join();
  // Behind what is read just before the survey.
  rig.supervisord->after(0s, [&] {
    rig.supervisord->after(0s, [&] {
      rig.supervisord->write_manager_log("2026-11-22 08:35:31,157 DEBG 'web' stdout output:\n" +
                                         log_line("exited: web (exit status 3; not expected)"));
    });
  });
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.source() == CounterSource::polls);
  CHECK(rig.log_gaps() == 1);
  CHECK(rig.following.seen().processes[0].counters.unexpected_exits == 0U);
  REQUIRE(rig.sink->entries().back().level == base::LogLevel::warning);
  const std::size_t entries = rig.sink->entries().size();
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.sink->entries().size() == entries);
}

TEST_CASE("a supervisord that cannot be surveyed is polled instead") {
  LogRig rig;
  rig.supervisord->fail(
      {Operation::survey, {base::ErrorKind::not_implemented, ""}, FakeFailure::always});
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.following.seen().up);
  CHECK(rig.supervisord->count(Operation::list) == 2);
}

TEST_CASE("an event stream that is configured is down until it speaks, any other is not there") {
  Rig rig;
  CHECK_FALSE(rig.watch.seen().event_stream);
  Watch told({.name = "",
              .url = "fake",
              .call_timeout = 2s,
              .substrate = rig.supervisord,
              .administration = rig.supervisord,
              .poll_source = rig.supervisord,
              .expects_events = true},
             0, {}, rig.clock, base::Log(rig.sink), [] {});
  REQUIRE(told.seen().event_stream);
  CHECK_FALSE(told.seen().event_stream->up);
  CHECK(told.seen().event_stream->counts.size() == events::type_labels().size());
  Delivery delivery;
  delivery.heard.emplace_back(events::Event{});
  delivery.last = rig.clock.steady_now();
  told.hear(delivery);
  CHECK(told.seen().event_stream->up);
}

TEST_CASE("records that were not whole are counted") {
  Rig rig;
  rig.supervisord->add(program("web"));
  rig.supervisord->reject({"web", "web"});
  (void)rig.poll();
  (void)rig.poll();
  CHECK(rig.watch.seen().polls.rejected_records == 2);
  CHECK(rig.watch.seen().processes.empty());
}

/// A Rig with so many programs that events have touched.
struct TouchedRig : Rig {
  explicit TouchedRig(int programs) {
    Delivery delivery;
    for (int i = 0; i < programs; ++i) {
      const std::string name = "web" + std::to_string(i);
      supervisord->add(program(name));
      events::StateChange change;
      change.name = {name, name};
      events::Event event;
      event.what = change;
      delivery.heard.emplace_back(std::move(event));
    }
    (void)poll();
    watch.hear(delivery);
  }
  void look() { watch.look(stop.get_token()); }
  [[nodiscard]] std::size_t looks() const { return supervisord->count(Operation::get); }
};

TEST_CASE("all looks together take no longer than a poll may") {
  TouchedRig rig(40);
  const std::function<void()> be_slow = [&] {
    rig.clock.advance(1s);
    rig.supervisord->after(0s, be_slow);
  };
  rig.supervisord->after(0s, be_slow);
  const base::SteadyTime before = rig.clock.steady_now();
  rig.look();
  CHECK(rig.clock.steady_now() - before <= 32s);
}

TEST_CASE("a look that is not answered is abandoned when a heartbeat fails") {
  TouchedRig rig(2);
  rig.supervisord->fail({Operation::get, {}, FakeFailure::always, true});
  rig.supervisord->fail({Operation::connect, {}});
  rig.supervisord->after(100ms, [&] { rig.beat(); });
  const base::SteadyTime before = rig.clock.steady_now();
  rig.look();
  CHECK(rig.clock.steady_now() - before == 100ms);
  CHECK(rig.looks() == 1);
}

TEST_CASE("a record that is not whole keeps nobody from looking at the next process") {
  TouchedRig rig(3);
  rig.supervisord->fail({Operation::get, {base::ErrorKind::malformed, "no state"}});
  rig.look();
  CHECK(rig.looks() == 3);
}

TEST_CASE("after a stop nothing is learned any more") {
  Rig rig;
  (void)rig.poll();
  rig.stop.request_stop();
  (void)rig.poll();
  rig.beat();
  CHECK(rig.watch.seen().up);
  CHECK(rig.sink->entries().size() == 1);
}

TEST_CASE("where there are several supervisords, the log says which one answers") {
  Rig rig;
  Watch named(Member{"db", "fake", 2s, false, rig.supervisord, rig.supervisord, rig.supervisord}, 1,
              {}, rig.clock, base::Log(rig.sink), [] {});
  (void)named.poll(rig.stop.get_token());
  REQUIRE(rig.sink->entries().size() == 1);
  CHECK(rig.sink->entries()[0].fields.front() == base::LogField{"supervisor", "db"});
}

TEST_CASE("the waits of two members differ, by at most five per cent, and never exceed") {
  Pace a(1);
  Pace b(2);
  int differing = 0;
  for (int i = 0; i < 100; ++i) {
    a.next();
    b.next();
    const base::Duration wait = a.shorten(10s);
    CHECK(wait == a.shorten(10s));
    CHECK(wait <= 10s);
    CHECK(wait >= 9500ms);
    differing += wait != b.shorten(10s) ? 1 : 0;
  }
  CHECK(differing > 50);
}

TEST_CASE("log files on this host have a size; what is no file, not there or not whole has none") {
  const tests::TemporaryFolder folder;
  substrate::InstanceDetail logs;
  logs.stdout_log = folder.write("out.log", "twelve bytes");
  logs.stderr_log = folder.write("empty.log", "");
  substrate::InstanceDetail none;
  none.stdout_log = folder.path() + "/missing.log";
  substrate::InstanceDetail devices;
  devices.stdout_log = "/dev/null";
  devices.stderr_log = "relative.log";
  const auto sizes = measure_logs({logs, none, devices});
  REQUIRE(sizes.size() == 3);
  CHECK(sizes[0].standard_output == 12U);
  CHECK(sizes[0].standard_error == 0U);
  CHECK_FALSE(sizes[1].standard_output);
  CHECK_FALSE(sizes[1].standard_error);
  CHECK_FALSE(sizes[2].standard_output);
  CHECK_FALSE(sizes[2].standard_error);
}

}  // namespace
}  // namespace reeve::monitor
