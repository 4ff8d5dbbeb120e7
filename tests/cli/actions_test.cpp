#include "cli/cli_fixture.h"
#include "support/catch.h"

namespace reeve::tests {
namespace {

using substrate::InstanceState;

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

TEST_CASE("actions: several targets in order; the last failure is the exit code") {
  CliFixture fixture;
  fixture.add("a", "a", false);
  fixture.add("b", "b", false);
  CHECK(fixture.run({"start", "b", "absent", "a"}) == 1);
  CHECK(fixture.out.str() == "b: started\na: started\n");
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
  CHECK(fixture.out.str() == "web:one: started\nweb:two: started\n");
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
  fixture.add("a", "a");
  fixture.add("b", "b");
  fixture.fake().change(
      {"a", "a"}, [](FakeProgram& program) { program.stops_after = std::chrono::seconds(4); });
  fixture.fake().after(std::chrono::seconds(2), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"restart", "a", "b"}) == 1);
  CHECK(fixture.out.str() == "a: restarted\n");
  CHECK(fixture.err.str() ==
        "reeve: interrupted: finishing the restart of a\n"
        "reeve: interrupted: 1 of 2 processes left as they are\n");
  CHECK(fixture.fake().look({"a", "a"}).state == InstanceState::running);
}

TEST_CASE("stop: an interrupt ends the wait with an error message") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.fake().change({"a", "a"}, [](FakeProgram& program) { program.stops_after.reset(); });
  fixture.fake().after(std::chrono::seconds(2), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"stop", "a"}) == 1);
  CHECK(fixture.out.str().empty());
  CHECK_FALSE(fixture.err.str().empty());
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
