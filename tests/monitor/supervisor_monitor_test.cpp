#include "monitor/supervisor_monitor.h"

#include <cstdio>
#include <filesystem>

#include "procfs/made_proc.h"
#include "support/catch.h"
#include "support/fake_substrate.h"
#include "support/manual_clock.h"
#include "support/plenty.h"
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
  SupervisorMonitor monitor{Member{"", "fake", 2s, false, supervisord, supervisord, supervisord},
                            0,
                            PollOptions{5s, 30s},
                            clock,
                            base::Log(sink),
                            [this] { ++published; }};

  base::Duration poll() { return monitor.poll(stop.get_token()); }
  void beat() { monitor.send_heartbeat(stop.get_token()); }
};

tests::FakeProgram program(const std::string& name) {
  tests::FakeProgram program;
  program.name = *substrate::InstanceName::parse(name);
  return program;
}

TEST_CASE("SupervisorMonitor: the first poll connects, lists and asks what supervisord it is") {
  Rig rig;
  rig.supervisord->add(program("web"));
  (void)rig.poll();
  CHECK(rig.supervisord->calls() == std::vector<tests::FakeCall>{{Operation::connect, ""},
                                                                 {Operation::list, ""},
                                                                 {Operation::describe, ""}});
  const SupervisorSnapshot seen = rig.monitor.snapshot();
  CHECK(seen.up);
  CHECK(seen.pid == substrate::Pid{100});
  CHECK(seen.processes.size() == 1);
  CHECK(seen.description->version == "4.2.5");
  CHECK(rig.published == 3);
}

TEST_CASE(
    "SupervisorMonitor: a supervisord that does not tell what it is is asked again at the next "
    "poll") {
  Rig rig;
  rig.supervisord->fail({Operation::describe});
  (void)rig.poll();
  CHECK_FALSE(rig.monitor.snapshot().description);
  CHECK(rig.monitor.snapshot().up);
  (void)rig.poll();
  CHECK(rig.monitor.snapshot().description);
  (void)rig.poll();
  CHECK(rig.supervisord->count(Operation::describe) == 2);
}

TEST_CASE("SupervisorMonitor: while supervisord does not answer only heartbeats are sent") {
  Rig rig;
  (void)rig.poll();
  rig.supervisord->fail(
      {Operation::any, {base::ErrorKind::timeout, ""}, FakeFailure::always, true});
  rig.beat();
  CHECK_FALSE(rig.monitor.snapshot().up);
  const std::size_t connects = rig.supervisord->count(Operation::connect);
  (void)rig.poll();
  (void)rig.poll();
  CHECK(rig.supervisord->count(Operation::connect) == connects);
  CHECK(rig.supervisord->count(Operation::list) == 1);
  CHECK(rig.monitor.snapshot().polls.failures[static_cast<std::size_t>(PollFailure::timeout)] == 2);
  rig.supervisord->recover();
  rig.beat();
  (void)rig.poll();
  CHECK(rig.monitor.snapshot().up);
}

TEST_CASE("SupervisorMonitor: a heartbeat is given up after the timeout of one call") {
  Rig rig;
  (void)rig.poll();
  rig.supervisord->fail({Operation::connect, {}, 1, true});
  const base::SteadyTime before = rig.clock.steady_now();
  rig.beat();
  CHECK(rig.clock.steady_now() - before == 2s);
  CHECK_FALSE(rig.monitor.snapshot().up);
}

TEST_CASE("SupervisorMonitor: a poll that is too slow is given up after its own timeout") {
  Rig rig;
  rig.supervisord->fail({Operation::list, {}, 1, true});
  const base::Duration rest = rig.poll();
  CHECK(rest == 30s);
  CHECK_FALSE(rig.monitor.snapshot().up);
  CHECK(rig.monitor.snapshot().polls.failures[static_cast<std::size_t>(PollFailure::timeout)] == 1);
}

TEST_CASE("SupervisorMonitor: a first poll without an answer is abandoned when a heartbeat fails") {
  Rig rig;
  rig.supervisord->fail({Operation::list, {}, 1, true});
  rig.supervisord->after(1s, [&] {
    rig.supervisord->fail({Operation::connect});
    rig.beat();
  });
  const base::SteadyTime before = rig.clock.steady_now();
  CHECK(rig.poll() == 0s);
  CHECK(rig.clock.steady_now() - before == 1s);
  CHECK(rig.monitor.tried());
}

TEST_CASE(
    "SupervisorMonitor: a supervisord that is refused at the first try has been tried, and the "
    "poll failed") {
  Rig rig;
  rig.supervisord->fail({Operation::connect});
  (void)rig.poll();
  CHECK(rig.monitor.tried());
  CHECK(rig.supervisord->count(Operation::list) == 0);
  CHECK(rig.monitor.snapshot().polls.failures[static_cast<std::size_t>(PollFailure::unreachable)] ==
        1);
}

TEST_CASE(
    "SupervisorMonitor: a new daemon found by the poll itself is no storm of process restarts") {
  Rig rig;
  rig.supervisord->add(program("web"));
  rig.supervisord->tick(2s);
  (void)rig.poll();
  rig.supervisord->restart_manager({200});
  rig.supervisord->tick(2s);
  (void)rig.poll();
  CHECK(rig.monitor.snapshot().restarts == 1);
  CHECK(rig.monitor.snapshot().processes[0].counters.restarts == 0);
  CHECK(rig.monitor.snapshot().processes[0].counters.starts == 1);
}

TEST_CASE("SupervisorMonitor: a program that crashes and is restarted counts a restart") {
  Rig rig;
  rig.supervisord->add(program("web"));
  rig.supervisord->tick(2s);
  (void)rig.poll();
  rig.supervisord->crash({"web", "web"}, 3);
  (void)rig.poll();
  CHECK(rig.monitor.snapshot().processes[0].exit_status == 3);
  rig.supervisord->tick(3s);
  (void)rig.poll();
  CHECK(rig.monitor.snapshot().processes[0].counters.restarts == 1);
  CHECK(rig.monitor.snapshot().processes[0].exit_status == 3);
}

std::string log_line(const std::string& text) {
  return "2026-11-22 08:35:31,157 INFO " + text + "\n";
}

/// A Rig whose supervisord's log is followed.
struct LogRig : Rig {
  SupervisorMonitor following{Member{.name = "",
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
  [[nodiscard]] CounterSource source() const { return following.snapshot().counter_source; }
  [[nodiscard]] std::uint64_t log_gaps() const {
    return following.snapshot().counter_gaps[static_cast<std::size_t>(CounterSource::log)];
  }
};

TEST_CASE("SupervisorMonitor: supervisord's log is a source once a survey has gone to its end") {
  LogRig rig;
  CHECK(rig.following.read_log(rig.stop.get_token()));
  CHECK(rig.source() == CounterSource::polls);
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.source() == CounterSource::log);
  CHECK(rig.supervisord->marks() == std::vector<std::string>{"us:0:1"});
  rig.supervisord->write_manager_log(log_line("exited: web (exit status 3; not expected)") +
                                     log_line("spawned: 'web' with pid 4711"));
  CHECK(rig.following.read_log(rig.stop.get_token()));
  const ProcessSnapshot web = rig.following.snapshot().processes[0];
  CHECK(web.counters.unexpected_exits == 1U);
  CHECK(web.counters.restarts == 1);
  CHECK(web.exit_status == 3);
}

TEST_CASE("SupervisorMonitor: a log without text, as /dev/null, is no source, and left alone") {
  Rig rig;
  SupervisorMonitor following(Member{.name = "",
                                     .url = "fake",
                                     .call_timeout = 2s,
                                     .substrate = rig.supervisord,
                                     .administration = rig.supervisord,
                                     .poll_source = rig.supervisord,
                                     .logs = rig.supervisord},
                              0, {}, rig.clock, base::Log(rig.sink), [] {});
  rig.supervisord->add(program("web"));
  rig.supervisord->tick(2s);
  (void)following.poll(rig.stop.get_token());
  CHECK_FALSE(following.read_log(rig.stop.get_token()));
  (void)following.survey(rig.stop.get_token());
  const std::size_t reads = rig.supervisord->count(Operation::read_manager_log);
  CHECK_FALSE(following.read_log(rig.stop.get_token()));
  CHECK(rig.supervisord->count(Operation::read_manager_log) == reads);
  CHECK(following.snapshot().counter_source == CounterSource::polls);
  CHECK_FALSE(following.snapshot().processes[0].counters.unexpected_exits);
  rig.supervisord->write_manager_log(log_line("supervisord started with pid 100"));
  rig.clock.advance(1min);
  CHECK(following.read_log(rig.stop.get_token()));
}

TEST_CASE("SupervisorMonitor: a log that cannot be read is left alone for a minute") {
  LogRig rig;
  rig.supervisord->fail({Operation::read_manager_log, {base::ErrorKind::no_file, "no log"}});
  CHECK_FALSE(rig.following.read_log(rig.stop.get_token()));
  CHECK_FALSE(rig.following.read_log(rig.stop.get_token()));
  CHECK(rig.supervisord->count(Operation::read_manager_log) == 1);
  rig.clock.advance(1min);
  CHECK(rig.following.read_log(rig.stop.get_token()));
}

TEST_CASE(
    "SupervisorMonitor: a log that is not to be followed any more is no source, until it is "
    "again") {
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

TEST_CASE(
    "SupervisorMonitor: a log of which nothing comes, while polls do, is no source, and is left "
    "alone") {
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

TEST_CASE(
    "SupervisorMonitor: a survey whose own text shows that programs write in the log ends the "
    "trust in it") {
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
  CHECK(rig.following.snapshot().processes[0].counters.unexpected_exits == 0U);
  REQUIRE(rig.sink->entries().back().level == base::LogLevel::warning);
  const std::size_t entries = rig.sink->entries().size();
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.sink->entries().size() == entries);
}

TEST_CASE("SupervisorMonitor: a poll brings the rest of a log that is followed") {
  LogRig rig;
  rig.join();
  const std::size_t reads = rig.supervisord->count(Operation::read_manager_log);
  rig.supervisord->write_manager_log(log_line("exited: web (exit status 3; not expected)") +
                                     log_line("spawned: 'web' with pid 4711"));
  (void)rig.following.poll(rig.stop.get_token());
  CHECK(rig.supervisord->count(Operation::read_manager_log) == reads + 1);
  CHECK(rig.following.snapshot().processes[0].counters.unexpected_exits == 1U);
  CHECK(rig.following.snapshot().processes[0].exit_status == 3);
  CHECK(rig.source() == CounterSource::log);
}

TEST_CASE("SupervisorMonitor: a text that a poll cannot bring is read before another poll") {
  LogRig rig;
  rig.join();
  rig.supervisord->write_manager_log(log_line("exited: web (exit status 3; not expected)") +
                                     log_line("a name that is not UTF-8: \xE9"));
  const std::size_t lists = rig.supervisord->count(Operation::list);
  (void)rig.following.poll(rig.stop.get_token());
  CHECK(rig.supervisord->count(Operation::list) == lists + 2);
  CHECK(rig.following.snapshot().processes[0].counters.unexpected_exits == 1U);
  CHECK(rig.source() == CounterSource::log);
  CHECK(rig.log_gaps() == 0);
}

TEST_CASE("SupervisorMonitor: what reading an unreadable log takes is not the poll's time") {
  LogRig rig;
  rig.join();
  rig.supervisord->write_manager_log(log_line("a name that is not UTF-8: \xE9"));
  const std::size_t reads = rig.supervisord->count(Operation::read_manager_log);
  bool was_slow = false;
  const std::function<void()> be_slow = [&] {  // once the log is read after the first poll
    if (rig.supervisord->count(Operation::read_manager_log) == reads + 2) {
      was_slow = true;
      rig.clock.advance(3s);
    } else {
      rig.supervisord->after(0s, be_slow);
    }
  };
  be_slow();
  CHECK(rig.following.poll(rig.stop.get_token()) == 0s);
  CHECK(was_slow);
  CHECK(rig.following.snapshot().polls.duration_sum_seconds == 0);
}

TEST_CASE("SupervisorMonitor: a log that a poll is refused is left alone for a minute") {
  LogRig rig;
  rig.join();
  const std::size_t reads = rig.supervisord->count(Operation::read_manager_log);
  rig.supervisord->fail({Operation::read_manager_log, {base::ErrorKind::no_file, "no log"}});
  (void)rig.following.poll(rig.stop.get_token());
  CHECK(rig.following.snapshot().up);
  CHECK(rig.source() == CounterSource::polls);
  (void)rig.following.poll(rig.stop.get_token());
  CHECK(rig.supervisord->count(Operation::read_manager_log) == reads + 1);
}

TEST_CASE(
    "SupervisorMonitor: a restart that keeps the daemon's pid and is told by the log of the same "
    "poll is no restart of its processes") {
  LogRig rig;
  rig.join();
  const bool survey = GENERATE(false, true);
  rig.supervisord->restart_manager({100});
  rig.supervisord->tick(2s);
  rig.supervisord->write_manager_log(log_line("supervisord started with pid 100") +
                                     log_line("spawned: 'web' with pid 4711"));
  (void)(survey ? rig.following.survey(rig.stop.get_token())
                : rig.following.poll(rig.stop.get_token()));
  CHECK(rig.following.snapshot().restarts == 1);
  CHECK(rig.following.snapshot().processes[0].counters.restarts == 0);
  (void)rig.following.poll(rig.stop.get_token());
  CHECK(rig.following.snapshot().restarts == 1);
}

TEST_CASE("SupervisorMonitor: a supervisord that cannot be surveyed is polled instead") {
  LogRig rig;
  rig.supervisord->fail(
      {Operation::survey, {base::ErrorKind::not_implemented, ""}, FakeFailure::always});
  (void)rig.following.survey(rig.stop.get_token());
  CHECK(rig.following.snapshot().up);
  CHECK(rig.supervisord->count(Operation::list) == 2);
}

TEST_CASE(
    "SupervisorMonitor: an event stream that is configured is down until it speaks, any other is "
    "not there") {
  Rig rig;
  CHECK_FALSE(rig.monitor.snapshot().event_stream);
  SupervisorMonitor told({.name = "",
                          .url = "fake",
                          .call_timeout = 2s,
                          .substrate = rig.supervisord,
                          .administration = rig.supervisord,
                          .poll_source = rig.supervisord,
                          .expects_events = true},
                         0, {}, rig.clock, base::Log(rig.sink), [] {});
  REQUIRE(told.snapshot().event_stream);
  CHECK_FALSE(told.snapshot().event_stream->up);
  CHECK(told.snapshot().event_stream->counts.size() == events::type_labels().size());
  EventBatch batch;
  batch.items.emplace_back(events::Event{});
  batch.last_event_at = rig.clock.steady_now();
  told.apply_events(batch);
  CHECK(told.snapshot().event_stream->up);
}

TEST_CASE("SupervisorMonitor: records that were not whole are counted") {
  Rig rig;
  rig.supervisord->add(program("web"));
  rig.supervisord->reject({"web", "web"});
  (void)rig.poll();
  (void)rig.poll();
  CHECK(rig.monitor.snapshot().polls.rejected_records == 2);
  CHECK(rig.monitor.snapshot().processes.empty());
}

/// A Rig with so many programs that events have touched.
struct TouchedRig : Rig {
  explicit TouchedRig(int programs) {
    EventBatch batch;
    for (int i = 0; i < programs; ++i) {
      const std::string name = "web" + std::to_string(i);
      supervisord->add(program(name));
      events::StateChange change;
      change.name = {name, name};
      events::Event event;
      event.what = change;
      batch.items.emplace_back(std::move(event));
    }
    (void)poll();
    monitor.apply_events(batch);
  }
  void look() { monitor.read_changed(stop.get_token()); }
  [[nodiscard]] std::size_t looks() const { return supervisord->count(Operation::get); }
};

TEST_CASE("SupervisorMonitor: all looks together take no longer than a poll may") {
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

TEST_CASE("SupervisorMonitor: a look that is not answered is abandoned when a heartbeat fails") {
  TouchedRig rig(2);
  rig.supervisord->fail({Operation::get, {}, FakeFailure::always, true});
  rig.supervisord->fail({Operation::connect, {}});
  rig.supervisord->after(100ms, [&] { rig.beat(); });
  const base::SteadyTime before = rig.clock.steady_now();
  rig.look();
  CHECK(rig.clock.steady_now() - before == 100ms);
  CHECK(rig.looks() == 1);
}

TEST_CASE(
    "SupervisorMonitor: a record that is not whole keeps nobody from looking at the next process") {
  TouchedRig rig(3);
  rig.supervisord->fail({Operation::get, {base::ErrorKind::malformed, "no state"}});
  rig.look();
  CHECK(rig.looks() == 3);
}

TEST_CASE("SupervisorMonitor: after a stop nothing is learned any more") {
  Rig rig;
  (void)rig.poll();
  rig.stop.request_stop();
  (void)rig.poll();
  rig.beat();
  CHECK(rig.monitor.snapshot().up);
  CHECK(rig.sink->entries().size() == 1);
}

TEST_CASE(
    "SupervisorMonitor: where there are several supervisords, the log says which one answers") {
  Rig rig;
  SupervisorMonitor named(
      Member{"db", "fake", 2s, false, rig.supervisord, rig.supervisord, rig.supervisord}, 1, {},
      rig.clock, base::Log(rig.sink), [] {});
  (void)named.poll(rig.stop.get_token());
  REQUIRE(rig.sink->entries().size() == 1);
  CHECK(rig.sink->entries()[0].fields.front() == base::LogField{"supervisor", "db"});
}

TEST_CASE(
    "SupervisorMonitor: the waits of two members differ, by at most five per cent, and never "
    "exceed") {
  JitteredInterval a(1);
  JitteredInterval b(2);
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

TEST_CASE(
    "SupervisorMonitor: log files on this host have a size; what is no file, not there or not "
    "whole has none") {
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

TEST_CASE(
    "SupervisorMonitor: /dev/stdout and what leads there has no size: to the agent it is its own "
    "output") {
  const tests::TemporaryFolder folder;
  const std::string file = folder.write("out.log", "twelve bytes");
  const auto own = std::fopen(file.c_str(), "r");
  REQUIRE(own != nullptr);
  const std::string open_file = "/fd/" + std::to_string(::fileno(own));
  auto linked_to = [&, links = 0](const std::string& target) mutable {
    const std::string path = folder.path() + "/link" + std::to_string(++links);
    std::filesystem::create_symlink(target, path);
    return path;
  };
  const auto size = [](const std::string& path) {
    substrate::InstanceDetail instance;
    instance.stdout_log = path;
    return measure_logs({instance})[0].standard_output;
  };
  CHECK_FALSE(size("/dev/stdout"));
  CHECK_FALSE(size("/dev" + open_file));
  CHECK_FALSE(size("/proc/self" + open_file));
  CHECK_FALSE(size(linked_to("/dev" + open_file)));
  CHECK_FALSE(size(linked_to("missing")));
  CHECK(size(linked_to("out.log")) == 12U);
  CHECK(size(linked_to(file)) == 12U);
  CHECK(std::fclose(own) == 0);
}

constexpr int daemon_pid = 50;

/// A supervisord with two programs on this host, `web` with a child of its own.
struct Host {
  Host() {
    proc.set(1, child_of(0));
    proc.set(daemon_pid, child_of(1));
    proc.set(60, child_of(daemon_pid));
    proc.set(61, child_of(60));
    proc.set(70, child_of(daemon_pid));
    snapshot.up = true;
    snapshot.pid = substrate::Pid{daemon_pid};
    snapshot.processes = ProcessList({program("db", 70), program("idle", 0), program("web", 60)});
  }

  static procfs::MadeProcess child_of(int parent) {
    procfs::MadeProcess made;
    made.parent = parent;
    return made;
  }

  static ProcessSnapshot program(const std::string& name, int pid) {
    ProcessSnapshot process;
    process.detail.name = {name, name};
    if (pid > 0) {
      process.detail.pid = substrate::Pid{pid};
    }
    return process;
  }

  ResourceMeter meter(bool looks_local = true) const {
    return {looks_local, {.folder = proc.path()}, base::Log(sink)};
  }

  procfs::MadeProc proc;
  std::shared_ptr<tests::RecordingSink> sink = std::make_shared<tests::RecordingSink>();
  SupervisorSnapshot snapshot;
};

TEST_CASE(
    "ResourceMeter: what each running program uses is measured with its children, in the order of "
    "names") {
  const Host host;
  auto meter = host.meter();
  const Usages usages = meter.measure(host.snapshot, {}, tests::plenty());
  REQUIRE(usages);
  REQUIRE(usages->size() == 2);
  CHECK((*usages)[0].name == substrate::InstanceName{"db", "db"});
  CHECK((*usages)[0].tree.processes == 1);
  CHECK((*usages)[1].name == substrate::InstanceName{"web", "web"});
  CHECK((*usages)[1].pid == substrate::Pid{60});
  CHECK((*usages)[1].tree.processes == 2);
  CHECK_FALSE((*usages)[1].tree.proportional_bytes);
}

TEST_CASE("ResourceMeter: while supervisord is not up nothing is measured") {
  Host host;
  host.snapshot.up = false;
  CHECK_FALSE(host.meter().measure(host.snapshot, {}, tests::plenty()));
}

TEST_CASE("ResourceMeter: by itself only what looks local is measured; on and off are obeyed") {
  const Host host;
  auto remote = host.meter(false);
  auto local = host.meter();
  CHECK_FALSE(remote.measure(host.snapshot, {MeasureResources::automatic}, tests::plenty()));
  CHECK(remote.measure(host.snapshot, {MeasureResources::on}, tests::plenty()));
  CHECK_FALSE(local.measure(host.snapshot, {MeasureResources::off}, tests::plenty()));
}

TEST_CASE(
    "ResourceMeter: proportional memory is read from the moment that it is asked for, counters go "
    "on") {
  Host host;
  auto meter = host.meter();
  auto busy = Host::child_of(60);
  busy.user = 500;
  host.proc.set(61, busy);
  const auto before = meter.measure(host.snapshot, {}, tests::plenty())->back().tree;
  host.proc.remove(61);
  ResourceOptions proportional;
  proportional.proportional_memory = true;
  const auto after = meter.measure(host.snapshot, proportional, tests::plenty())->back().tree;
  CHECK(after.proportional_bytes == 5U * 1024);
  CHECK(after.cpu == before.cpu);
}

TEST_CASE(
    "ResourceMeter: a supervisord whose pids mean strangers here is told about once and never "
    "measured") {
  Host host;
  host.proc.set(70, Host::child_of(2));
  auto meter = host.meter();
  for (int pass = 0; pass < 10; ++pass) {
    CHECK_FALSE(meter.measure(host.snapshot, {MeasureResources::on}, tests::plenty()));
  }
  REQUIRE(host.sink->entries().size() == 1);
  CHECK(host.sink->entries()[0].level == base::LogLevel::info);
}

TEST_CASE("ResourceMeter: without a visible program there is no proof and no measuring") {
  Host host;
  host.snapshot.processes = ProcessList({Host::program("web", 999)});
  auto meter = host.meter();
  for (int pass = 0; pass < 10; ++pass) {
    CHECK_FALSE(meter.measure(host.snapshot, {}, tests::plenty()));
  }
  CHECK(host.sink->entries().empty());
}

TEST_CASE(
    "ResourceMeter: programs that a killed supervisord left behind do not refute its successor for "
    "long") {
  Host host;
  auto meter = host.meter();
  REQUIRE(meter.measure(host.snapshot, {}, tests::plenty()));
  host.proc.remove(daemon_pid);
  host.proc.set(51, Host::child_of(1));
  for (const int orphan : {60, 70}) {
    host.proc.set(orphan, Host::child_of(1));
  }
  host.snapshot.pid = substrate::Pid{51};
  host.snapshot.restarts = 1;
  CHECK_FALSE(meter.measure(host.snapshot, {}, tests::plenty()));
  host.proc.set(80, Host::child_of(51));
  host.snapshot.processes = ProcessList({Host::program("web", 80)});
  const Usages usages = meter.measure(host.snapshot, {}, tests::plenty());
  REQUIRE(usages);
  CHECK(usages->front().pid == substrate::Pid{80});
}

TEST_CASE("ResourceMeter: a restart that keeps the daemon's pid has to be proven anew") {
  Host host;
  auto meter = host.meter();
  REQUIRE(meter.measure(host.snapshot, {}, tests::plenty()));
  host.proc.set(60, Host::child_of(2));
  host.snapshot.restarts = 1;
  CHECK_FALSE(meter.measure(host.snapshot, {}, tests::plenty()));
}

TEST_CASE(
    "ResourceMeter: a stranger that was given the pid of a program that has ended is not "
    "measured") {
  Host host;
  auto meter = host.meter();
  REQUIRE(meter.measure(host.snapshot, {}, tests::plenty())->size() == 2);
  host.proc.set(60, Host::child_of(1));
  const Usages usages = meter.measure(host.snapshot, {}, tests::plenty());
  REQUIRE(usages);
  REQUIRE(usages->size() == 1);
  CHECK(usages->front().name.name == "db");
}

}  // namespace
}  // namespace reeve::monitor
