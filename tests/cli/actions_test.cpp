#include <algorithm>
#include <sstream>

#include "cli/cli_fixture.h"
#include "support/catch.h"

namespace reeve::tests {
namespace {

using substrate::InstanceState;

/// Processes of one priority are acted on side by side.
std::vector<std::string> sorted_lines(const std::ostringstream& text) {
  std::istringstream stream(text.str());
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

using Lines = std::vector<std::string>;

/// Of a program alone.
void add_with_priority(CliFixture& fixture, const std::string& name, int priority,
                       bool autostart = true) {
  FakeProgram program;
  program.name = {name, name};
  program.priority = priority;
  program.autostart = autostart;
  fixture.fake().add(program);
  fixture.fake().tick(std::chrono::seconds(3));
}

TEST_CASE("start, stop: print what happened, and succeed if nothing had to be done") {
  CliFixture fixture;
  fixture.add("web", "web", false);
  CHECK(fixture.run({"start", "web"}) == 0);
  CHECK(fixture.out.str() == "web: started\n");
  CHECK(fixture.run({"start", "web"}) == 0);
  CHECK(fixture.out.str() == "web: already running\n");
  CHECK(fixture.run({"stop", "web"}) == 0);
  CHECK(fixture.out.str() == "web: stopped\n");
  CHECK(fixture.run({"stop", "web"}) == 0);
  CHECK(fixture.out.str() == "web: not running\n");
  CHECK(fixture.err.str().empty());
}

TEST_CASE("stop: --no-wait returns while the process is still stopping") {
  CliFixture fixture;
  fixture.add("web", "web");
  fixture.fake().change({"web", "web"}, [](FakeProgram& program) { program.stops_after.reset(); });
  CHECK(fixture.run({"stop", "--no-wait", "web"}) == 0);
  CHECK(fixture.out.str() == "web: stop requested\n");
  CHECK(fixture.fake().look({"web", "web"}).state == InstanceState::stopping);
}

TEST_CASE("start: succeeds for a process in BACKOFF, as with supervisorctl") {
  CliFixture fixture;
  fixture.add("web", "web", false);
  fixture.fake().change({"web", "web"}, [](FakeProgram& program) {
    program.dies_after = std::chrono::milliseconds(100);
    program.start_retries = 100;
  });
  CHECK(fixture.run({"start", "web"}) == 7);
  REQUIRE(fixture.fake().look({"web", "web"}).state == InstanceState::backoff);
  CHECK(fixture.run({"start", "web"}) == 0);
  CHECK(fixture.out.str() == "web: already started, it is BACKOFF now\n");
}

TEST_CASE("start: a program that does not stay up is a spawn error with its reason") {
  CliFixture fixture;
  fixture.add("web", "web", false);
  fixture.fake().change({"web", "web"},
                        [](FakeProgram& program) { program.spawn_error = "no more forks"; });
  CHECK(fixture.run({"start", "web"}) == 7);
  CHECK(fixture.err.str().find("reeve: web did not stay up: no more forks") == 0);
  CHECK(fixture.out.str().empty());
}

TEST_CASE("actions: several targets; the last failure is the exit code") {
  CliFixture fixture;
  fixture.add("a", "a", false);
  fixture.add("b", "b", false);
  CHECK(fixture.run({"start", "b", "absent", "a"}) == 1);
  CHECK(sorted_lines(fixture.out) == Lines{"a: started", "b: started"});
  CHECK(fixture.err.str().find("absent") != std::string::npos);
}

TEST_CASE("actions: a pattern acts on the matched processes that need it") {
  CliFixture fixture;
  fixture.add("web", "one");
  fixture.add("web", "two", false);
  fixture.add("db", "db");
  CHECK(fixture.run({"stop", "web:*"}) == 0);
  CHECK(fixture.out.str() == "web:one: stopped\n");
  CHECK(fixture.run({"start", "web:o*", "all"}) == 0);
  CHECK(sorted_lines(fixture.out) == Lines{"web:one: started", "web:two: started"});
}

TEST_CASE("actions: by priority, stops in reverse, those of one priority side by side") {
  CliFixture fixture;
  add_with_priority(fixture, "web", 20);
  add_with_priority(fixture, "app", 10);
  add_with_priority(fixture, "db", 1);
  add_with_priority(fixture, "cache", 1);
  CHECK(fixture.run({"stop", "all"}) == 0);
  CHECK(fixture.out.str().find("web: stopped\napp: stopped\n") == 0);
  CHECK(sorted_lines(fixture.out).size() == 4);
  CHECK(fixture.run({"start", "web", "db", "app", "cache"}) == 0);
  CHECK(fixture.out.str().ends_with("app: started\nweb: started\n"));
  CHECK(fixture.run({"restart", "all"}) == 0);
  CHECK(fixture.out.str().ends_with("app: restarted\nweb: restarted\n"));
  const auto calls = fixture.fake().calls();
  const auto place = [&](Operation operation, const std::string& subject) {
    const auto found = std::find(calls.rbegin(), calls.rend(), FakeCall{operation, subject});
    return std::distance(found, calls.rend());
  };
  CHECK(place(Operation::stop, "web") < place(Operation::stop, "app"));
  CHECK(place(Operation::stop, "app") < place(Operation::stop, "db"));
  CHECK(place(Operation::stop, "db") < place(Operation::start, "db"));
  CHECK(place(Operation::start, "cache") < place(Operation::start, "web"));
}

TEST_CASE("selection: the name of a process is that process, whatever it looks like") {
  CliFixture fixture;
  for (const char* name : {"worker[1]", "worker1", "worker2"}) {
    fixture.add("pool", name);
  }
  fixture.add("job*", "job*");
  fixture.add("job1", "job1");
  CHECK(fixture.run({"stop", "pool:worker[1]"}) == 0);
  CHECK(fixture.out.str() == "pool:worker[1]: stopped\n");
  CHECK(fixture.run({"stop", "job*"}) == 0);
  CHECK(fixture.out.str() == "job*: stopped\n");
  CHECK(fixture.run({"stop", "pool:worker[2]"}) == 0);
  CHECK(fixture.out.str() == "pool:worker2: stopped\n");
  fixture.fake().write_log({"pool", "worker[1]"}, substrate::LogStream::standard_output, "x");
  CHECK(fixture.run({"tail", "pool:worker[1]"}) == 0);
  CHECK(fixture.out.str() == "x");
  CHECK(fixture.run({"status", "job*"}) == 3);
  CHECK(fixture.out.str().find("job1") == std::string::npos);
}

TEST_CASE("selection: a prefix is a supervisord only if one has that name") {
  CliFixture fixture;
  fixture.add("a/b", "a/b");
  fixture.add("g", "c/d");
  CHECK(fixture.run({"stop", "a/b"}) == 0);
  CHECK(fixture.out.str() == "a/b: stopped\n");
  CHECK(fixture.run({"status", "g:c/d"}) == 0);
  CHECK(fixture.run({"list", "a/*"}) == 0);
  CHECK(fixture.out.str().find("a/b") != std::string::npos);
}

TEST_CASE("selection: a group's name alone is answered with the form for the group") {
  CliFixture fixture;
  fixture.add("web", "front");
  for (const char* command : {"start", "stop", "restart", "status", "tail"}) {
    CHECK(fixture.run({command, "web"}) != 0);
    CHECK(fixture.err.str().ends_with("web is a group: web:*\n"));
  }
}

TEST_CASE("actions: a pattern without a match is an error, an unknown group supervisorctl's") {
  CliFixture fixture;
  CHECK(fixture.run({"stop", "x*"}) == 1);
  CHECK(fixture.err.str() == "reeve: no process matches 'x*'\n");
  CHECK(fixture.run({"start", "x*"}) == 1);
  CHECK(fixture.run({"start", "x:*"}) == 2);
  CHECK(fixture.run({"restart", "x:"}) == 2);
  CHECK(fixture.run({"stop", "x:*"}) == 1);
  CHECK(fixture.run({"start", "all"}) == 0);
  CHECK(fixture.run({"start", "a:b:c"}) == 1);
}

TEST_CASE(
    "actions: all and patterns leave out Reeve's own program with a notice, its name does not") {
  CliFixture fixture;
  FakeProgram own;
  own.name = {"agent", "agent"};
  own.command = "/usr/bin/reeve serve";
  fixture.fake().add(own);
  fixture.add("web", "web");
  CHECK(fixture.run({"stop", "all"}) == 0);
  CHECK(fixture.out.str() == "web: stopped\n");
  CHECK(fixture.err.str() ==
        "reeve: leaving out agent: it runs Reeve itself; name it to act on it\n");
  CHECK(fixture.run({"stop", "agent"}) == 0);
  CHECK(fixture.out.str() == "agent: stopped\n");
}

TEST_CASE("restart: stops and starts, also a process that did not run") {
  CliFixture fixture;
  fixture.add("web", "web");
  const auto before = fixture.fake().look({"web", "web"}).pid;
  CHECK(fixture.run({"restart", "web"}) == 0);
  CHECK(fixture.out.str() == "web: restarted\n");
  CHECK(fixture.fake().look({"web", "web"}).pid != before);
  CHECK(fixture.run({"stop", "web"}) == 0);
  CHECK(fixture.run({"restart", "web"}) == 0);
  CHECK(fixture.fake().look({"web", "web"}).state == InstanceState::running);
}

TEST_CASE("restart: an interrupt lets the current process finish and skips the others") {
  CliFixture fixture;
  add_with_priority(fixture, "a", 2);
  add_with_priority(fixture, "b", 1);
  fixture.fake().change(
      {"a", "a"}, [](FakeProgram& program) { program.stops_after = std::chrono::seconds(4); });
  fixture.fake().after(std::chrono::seconds(2), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"restart", "a", "b"}) == 1);
  CHECK(fixture.out.str() == "a: restarted\n");
  CHECK(fixture.err.str() ==
        "reeve: interrupted: finishing the restart of what was stopped; interrupt again to stop"
        " now\n"
        "reeve: interrupted: 1 of 2 processes left as they are\n");
  CHECK(fixture.fake().look({"a", "a"}).state == InstanceState::running);
}

TEST_CASE("restart: after an interrupt a long start is left to supervisord, and said so") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().change(
      {"a", "a"}, [](FakeProgram& program) { program.start_seconds = std::chrono::hours(1); });
  const auto begun = fixture.clock.steady_now();
  fixture.fake().after(std::chrono::seconds(3), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"restart", "a"}) == 1);
  CHECK(fixture.err.str() ==
        "reeve: interrupted: finishing the restart of a; interrupt again to stop now\n"
        "reeve: a is still STARTING; supervisord goes on with it\n");
  CHECK(fixture.clock.steady_now() - begun < std::chrono::seconds(20));
}

TEST_CASE("restart: after an interrupt a process has 15 seconds to stop") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().change({"a", "a"}, [](FakeProgram& program) {
    program.stops_after.reset();
    program.stop_wait_seconds = std::chrono::hours(1);
  });
  fixture.fake().after(std::chrono::seconds(3), [&] { fixture.stop.request_stop(); });
  const auto begun = fixture.clock.steady_now();
  CHECK(fixture.run({"restart", "a"}) == 1);
  CHECK(fixture.err.str().ends_with(
      "reeve: a is still STOPPING and will not be started again: reeve start a, once it has "
      "stopped\n"));
  CHECK(fixture.clock.steady_now() - begun < std::chrono::seconds(25));
}

TEST_CASE("restart: --timeout ends it while stopping, and says that the process stays stopped") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().change({"a", "a"}, [](FakeProgram& program) {
    program.stops_after.reset();
    program.stop_wait_seconds = std::chrono::seconds(10);
  });
  CHECK(fixture.run({"restart", "a", "--timeout", "3s"}) == 1);
  CHECK(fixture.err.str() ==
        "reeve: a is still STOPPING and will not be started again: reeve start a, once it has "
        "stopped\n");
  fixture.fake().tick(std::chrono::minutes(1));
  CHECK(fixture.fake().look({"a", "a"}).state == InstanceState::stopped);
  CHECK(fixture.run({"start", "a"}) == 0);
}

TEST_CASE("start, stop: an interrupt ends the wait, and says what the process does") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().change({"a", "a"}, [](FakeProgram& program) { program.stops_after.reset(); });
  fixture.fake().after(std::chrono::seconds(2), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"stop", "a"}) == 1);
  CHECK(fixture.out.str().empty());
  CHECK(fixture.err.str() == "reeve: a is still STOPPING; supervisord goes on with it\n");
}

TEST_CASE("stop: --timeout bounds the wait") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().change({"a", "a"}, [](FakeProgram& program) {
    program.stops_after.reset();
    program.stop_wait_seconds = std::chrono::hours(1);
  });
  CHECK(fixture.run({"stop", "a", "--timeout", "3s"}) == 1);
  CHECK(fixture.fake().look({"a", "a"}).state == InstanceState::stopping);
}

TEST_CASE("signal: sent to running processes, an error for others") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.add("b", "b", false);
  CHECK(fixture.run({"signal", "CONT", "a"}) == 0);
  CHECK(fixture.out.str() == "a: signalled\n");
  CHECK(fixture.run({"signal", "CONT", "b"}) == 7);
  CHECK(fixture.run({"signal", "CONT", "all"}) == 0);
  CHECK(fixture.out.str() == "a: signalled\n");
}

TEST_CASE("clear: empties the logs of processes") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().write_log({"a", "a"}, substrate::LogStream::standard_output, "x");
  CHECK(fixture.run({"clear", "a"}) == 0);
  CHECK(fixture.out.str() == "a: cleared\n");
  CHECK(fixture.run({"tail", "a"}) == 0);
  CHECK(fixture.out.str().empty());
}

TEST_CASE("actions: --quiet leaves out results but not errors") {
  CliFixture fixture;
  fixture.add("a", "a");
  CHECK(fixture.run({"stop", "-q", "a", "absent"}) == 1);
  CHECK(fixture.out.str().empty());
  CHECK_FALSE(fixture.err.str().empty());
}

TEST_CASE("actions: with --output json each result and each error is a line") {
  CliFixture fixture;
  fixture.add("web", "one");
  CHECK(fixture.run({"stop", "web:one", "web:two", "--output", "json"}) == 1);
  CHECK(fixture.out.str() == R"({"supervisor":null,"group":"web","name":"one","result":"stopped"})"
                             "\n");
  CHECK(fixture.err.str().find(R"({"error":"not_found","message":")") == 0);
  CHECK(fixture.err.str().find(R"("process":"web:two")") != std::string::npos);
}

TEST_CASE("actions: a missing socket is exit code 7, a refused connection 4") {
  CliFixture fixture;
  fixture.fake().fail({Operation::any, {base::ErrorKind::socket_missing, "no socket"}, 9});
  CHECK(fixture.run({"start", "a"}) == 7);
  CHECK(fixture.run({"stop", "a"}) == 7);
  fixture.fake().recover();
  fixture.fake().fail({Operation::any, {base::ErrorKind::unreachable, "refused"}, 9});
  CHECK(fixture.run({"start", "a", "--url", "http://h"}) == 4);
  CHECK(fixture.run({"restart", "all", "--url", "http://h"}) == 4);
}

TEST_CASE("selection: SUPERVISOR/NAME selects one of several supervisords") {
  CliFixture fixture;
  fixture.configure_supervisors({"x", "y"});
  for (const char* name : {"x", "y"}) {
    FakeProgram program;
    program.name = {"web", "web"};
    fixture.fake(name).add(program);
    fixture.fake(name).tick(std::chrono::seconds(3));
  }
  CHECK(fixture.run({"stop", "y/web"}) == 0);
  CHECK(fixture.out.str() == "y/web: stopped\n");
  CHECK(fixture.run({"stop", "web"}) == 1);
  CHECK(fixture.err.str() ==
        "reeve: several supervisords have 'web': put SUPERVISOR/ before it, as in x/web\n");
  CHECK(fixture.run({"stop", "z/web"}) == 1);
  CHECK(fixture.err.str() == "reeve: no supervisord is named 'z'\n");
  CHECK(fixture.run({"start", "all"}) == 0);
  CHECK(fixture.out.str() == "y/web: started\n");
  CHECK(fixture.run({"stop", "web", "--supervisor", "x"}) == 0);
  CHECK(fixture.out.str() == "web: stopped\n");
}

TEST_CASE("update: stops, removes and adds groups as supervisorctl does") {
  CliFixture fixture;
  fixture.add("old", "old");
  fixture.add("kept", "kept");
  fixture.add("web", "web");
  fixture.fake().unconfigure("old");
  FakeProgram changed;
  changed.name = {"web", "web"};
  changed.command = "/bin/other";
  fixture.fake().configure(changed);
  FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  fixture.fake().configure(fresh);
  CHECK(fixture.run({"reread"}) == 0);
  CHECK(fixture.out.str() == "fresh: available\nold: disappeared\nweb: changed\n");
  CHECK(fixture.run({"update"}) == 0);
  CHECK(fixture.out.str() ==
        "old: removed process group\nweb: updated process group\nfresh: added process group\n");
  CHECK(fixture.run({"reread"}) == 0);
  CHECK(fixture.out.str() == "no changes\n");
  CHECK(fixture.run({"status", "old"}) == 4);
}

TEST_CASE("update: named groups only; an unknown group is an error") {
  CliFixture fixture;
  FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  fixture.fake().configure(fresh);
  fresh.name = {"other", "other"};
  fixture.fake().configure(fresh);
  CHECK(fixture.run({"update", "fresh", "absent"}) == 1);
  CHECK(fixture.out.str() == "fresh: added process group\n");
  CHECK(fixture.err.str() == "reeve: no such group: absent\n");
}

TEST_CASE("update: an interrupt counts the skipped groups and fails") {
  CliFixture fixture;
  fixture.add("old", "old");
  fixture.fake().change(
      {"old", "old"}, [](FakeProgram& program) { program.stops_after = std::chrono::seconds(4); });
  fixture.fake().unconfigure("old");
  FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  fixture.fake().configure(fresh);
  fresh.name = {"other", "other"};
  fixture.fake().configure(fresh);
  fixture.fake().after(std::chrono::seconds(2), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"update"}) == 1);
  CHECK(fixture.err.str().find("reeve: interrupted: 2 of 3 groups left as they are\n") !=
        std::string::npos);
  CHECK(fixture.fake().count(Operation::add_group) == 0);
}

TEST_CASE("update: leaves out Reeve's own group with a notice") {
  CliFixture fixture;
  FakeProgram own;
  own.name = {"agent", "agent"};
  own.command = "reeve serve";
  fixture.fake().add(own);
  own.command = "reeve serve --config new.yaml";
  fixture.fake().configure(own);
  CHECK(fixture.run({"update"}) == 0);
  CHECK(fixture.out.str().empty());
  CHECK(fixture.err.str() ==
        "reeve: leaving out agent: it runs Reeve itself; update it with supervisorctl\n");
  FakeProgram relay;  // to add it stops nothing, also where it was read before
  relay.name = {"relay", "relay"};
  relay.command = "reeve relay-events";
  fixture.fake().configure(relay);
  CHECK(fixture.run({"reread"}) == 0);
  CHECK(fixture.run({"update"}) == 0);
  CHECK(fixture.out.str() == "relay: added process group\n");
}

TEST_CASE("reread: a broken configuration is an error") {
  CliFixture fixture;
  fixture.fake().fail({Operation::reread, {base::ErrorKind::invalid_argument, "line 3"}});
  CHECK(fixture.run({"reread"}) == 1);
  fixture.fake().fail({Operation::reread});
  CHECK(fixture.run({"update", "--url", "http://h"}) == 1);
}

}  // namespace
}  // namespace reeve::tests
