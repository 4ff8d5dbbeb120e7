#include "cli/world.h"
#include "support/catch.h"

namespace reeve::tests {
namespace {

using substrate::InstanceState;

TEST_CASE("start and stop say what happened, and are done when nothing had to be") {
  World world;
  world.add("web", "web", false);
  CHECK(world.run({"start", "web"}) == 0);
  CHECK(world.out.str() == "web: started\n");
  CHECK(world.run({"start", "web"}) == 0);
  CHECK(world.out.str() == "web: already running\n");
  CHECK(world.run({"stop", "web"}) == 0);
  CHECK(world.out.str() == "web: stopped\n");
  CHECK(world.run({"stop", "web"}) == 0);
  CHECK(world.out.str() == "web: not running\n");
  CHECK(world.err.str().empty());
}

TEST_CASE("a stop without waiting returns while the process is still stopping") {
  World world;
  world.add("web", "web");
  world.fake().change({"web", "web"}, [](FakeProgram& program) { program.stops_after.reset(); });
  CHECK(world.run({"stop", "--no-wait", "web"}) == 0);
  CHECK(world.out.str() == "web: stop requested\n");
  CHECK(world.fake().look({"web", "web"}).state == InstanceState::stopping);
}

TEST_CASE("a start of what supervisord is retrying is done, as with supervisorctl") {
  World world;
  world.add("web", "web", false);
  world.fake().change({"web", "web"}, [](FakeProgram& program) {
    program.dies_after = std::chrono::milliseconds(100);
    program.start_retries = 100;
  });
  CHECK(world.run({"start", "web"}) == 7);
  REQUIRE(world.fake().look({"web", "web"}).state == InstanceState::backoff);
  CHECK(world.run({"start", "web"}) == 0);
  CHECK(world.out.str() == "web: already started, it is BACKOFF now\n");
}

TEST_CASE("a program that does not stay up is a spawn error with its reason") {
  World world;
  world.add("web", "web", false);
  world.fake().change({"web", "web"},
                      [](FakeProgram& program) { program.spawn_error = "no more forks"; });
  CHECK(world.run({"start", "web"}) == 7);
  CHECK(world.err.str().find("reeve: web did not stay up: no more forks") == 0);
  CHECK(world.out.str().empty());
}

TEST_CASE("several targets are acted on in order, and the last failure is the exit code") {
  World world;
  world.add("a", "a", false);
  world.add("b", "b", false);
  CHECK(world.run({"start", "b", "nobody", "a"}) == 1);
  CHECK(world.out.str() == "b: started\na: started\n");
  CHECK(world.err.str().find("nobody") != std::string::npos);
}

TEST_CASE("patterns act on what they match and needs it, names on what they name") {
  World world;
  world.add("web", "one");
  world.add("web", "two", false);
  world.add("db", "db");
  CHECK(world.run({"stop", "web:*"}) == 0);
  CHECK(world.out.str() == "web:one: stopped\n");
  CHECK(world.run({"start", "web:o*", "all"}) == 0);
  CHECK(world.out.str() == "web:one: started\nweb:two: started\n");
}

TEST_CASE("a pattern that matches nothing is an error; for an unknown group supervisorctl's") {
  World world;
  CHECK(world.run({"stop", "x*"}) == 1);
  CHECK(world.err.str() == "reeve: no process matches 'x*'\n");
  CHECK(world.run({"start", "x*"}) == 1);
  CHECK(world.run({"start", "x:*"}) == 2);
  CHECK(world.run({"restart", "x:"}) == 2);
  CHECK(world.run({"stop", "x:*"}) == 1);
  CHECK(world.run({"start", "all"}) == 0);
  CHECK(world.run({"start", "a:b:c"}) == 1);
}

TEST_CASE("all and patterns leave Reeve's own program out and say so; its name does not") {
  World world;
  FakeProgram own;
  own.name = {"agent", "agent"};
  own.command = "/usr/bin/reeve serve";
  world.fake().add(own);
  world.add("web", "web");
  CHECK(world.run({"stop", "all"}) == 0);
  CHECK(world.out.str() == "web: stopped\n");
  CHECK(world.err.str() ==
        "reeve: leaving out agent: it runs Reeve itself; name it to act on it\n");
  CHECK(world.run({"stop", "agent"}) == 0);
  CHECK(world.out.str() == "agent: stopped\n");
}

TEST_CASE("a restart stops and starts, also what did not run") {
  World world;
  world.add("web", "web");
  const auto before = world.fake().look({"web", "web"}).pid;
  CHECK(world.run({"restart", "web"}) == 0);
  CHECK(world.out.str() == "web: restarted\n");
  CHECK(world.fake().look({"web", "web"}).pid != before);
  CHECK(world.run({"stop", "web"}) == 0);
  CHECK(world.run({"restart", "web"}) == 0);
  CHECK(world.fake().look({"web", "web"}).state == InstanceState::running);
}

TEST_CASE("an interrupt during a restart's stop lets it finish, and leaves the rest alone") {
  World world;
  world.add("a", "a");
  world.add("b", "b");
  world.fake().change({"a", "a"},
                      [](FakeProgram& program) { program.stops_after = std::chrono::seconds(4); });
  world.fake().after(std::chrono::seconds(2), [&] { world.stop.request_stop(); });
  CHECK(world.run({"restart", "a", "b"}) == 1);
  CHECK(world.out.str() == "a: restarted\n");
  CHECK(world.err.str() ==
        "reeve: interrupted: finishing the restart of a\n"
        "reeve: interrupted: 1 of 2 processes left as they are\n");
  CHECK(world.fake().look({"a", "a"}).state == InstanceState::running);
}

TEST_CASE("an interrupt ends the wait of a stop, and says what goes on") {
  World world;
  world.add("a", "a");
  world.fake().change({"a", "a"}, [](FakeProgram& program) { program.stops_after.reset(); });
  world.fake().after(std::chrono::seconds(2), [&] { world.stop.request_stop(); });
  CHECK(world.run({"stop", "a"}) == 1);
  CHECK(world.out.str().empty());
  CHECK_FALSE(world.err.str().empty());
}

TEST_CASE("the timeout bounds a wait") {
  World world;
  world.add("a", "a");
  world.fake().change({"a", "a"}, [](FakeProgram& program) {
    program.stops_after.reset();
    program.stop_wait_seconds = std::chrono::hours(1);
  });
  CHECK(world.run({"stop", "a", "--timeout", "3s"}) == 1);
  CHECK(world.fake().look({"a", "a"}).state == InstanceState::stopping);
}

TEST_CASE("signals are sent, and refused to what does not run") {
  World world;
  world.add("a", "a");
  world.add("b", "b", false);
  CHECK(world.run({"signal", "CONT", "a"}) == 0);
  CHECK(world.out.str() == "a: signalled\n");
  CHECK(world.run({"signal", "CONT", "b"}) == 7);
  CHECK(world.run({"signal", "CONT", "all"}) == 0);
  CHECK(world.out.str() == "a: signalled\n");
}

TEST_CASE("the logs of processes are cleared") {
  World world;
  world.add("a", "a");
  world.fake().write_log({"a", "a"}, substrate::LogStream::standard_output, "x");
  CHECK(world.run({"clear", "a"}) == 0);
  CHECK(world.out.str() == "a: cleared\n");
  CHECK(world.run({"tail", "a"}) == 0);
  CHECK(world.out.str().empty());
}

TEST_CASE("quiet leaves out results but not errors") {
  World world;
  world.add("a", "a");
  CHECK(world.run({"stop", "-q", "a", "nobody"}) == 1);
  CHECK(world.out.str().empty());
  CHECK_FALSE(world.err.str().empty());
}

TEST_CASE("with JSON each result is a line, and so is each error") {
  World world;
  world.add("web", "one");
  CHECK(world.run({"stop", "web:one", "web:two", "--output", "json"}) == 1);
  CHECK(world.out.str() == R"({"supervisor":null,"group":"web","name":"one","result":"stopped"})"
                           "\n");
  CHECK(world.err.str().find(R"({"error":"not_found","message":")") == 0);
  CHECK(world.err.str().find(R"("process":"web:two")") != std::string::npos);
}

TEST_CASE("nobody at the socket is 7 for an action, a refused connection 4") {
  World world;
  world.fake().fail({Operation::any, {base::ErrorKind::socket_missing, "no socket"}, 9});
  CHECK(world.run({"start", "a"}) == 7);
  CHECK(world.run({"stop", "a"}) == 7);
  world.fake().recover();
  world.fake().fail({Operation::any, {base::ErrorKind::unreachable, "refused"}, 9});
  CHECK(world.run({"start", "a", "--url", "http://h"}) == 4);
  CHECK(world.run({"restart", "all", "--url", "http://h"}) == 4);
}

TEST_CASE("of several supervisords, SUPERVISOR/NAME says which one is meant") {
  World world;
  world.have_supervisors({"x", "y"});
  for (const char* name : {"x", "y"}) {
    FakeProgram program;
    program.name = {"web", "web"};
    world.fake(name).add(program);
    world.fake(name).tick(std::chrono::seconds(3));
  }
  CHECK(world.run({"stop", "y/web"}) == 0);
  CHECK(world.out.str() == "y/web: stopped\n");
  CHECK(world.run({"stop", "web"}) == 1);
  CHECK(world.err.str() ==
        "reeve: several supervisords have 'web': put SUPERVISOR/ before it, as in x/web\n");
  CHECK(world.run({"stop", "z/web"}) == 1);
  CHECK(world.err.str() == "reeve: no supervisord is named 'z'\n");
  CHECK(world.run({"start", "all"}) == 0);
  CHECK(world.out.str() == "y/web: started\n");
  CHECK(world.run({"stop", "web", "--supervisor", "x"}) == 0);
  CHECK(world.out.str() == "web: stopped\n");
}

TEST_CASE("update stops, removes and adds groups as supervisorctl does") {
  World world;
  world.add("old", "old");
  world.add("kept", "kept");
  world.add("web", "web");
  world.fake().unconfigure("old");
  FakeProgram changed;
  changed.name = {"web", "web"};
  changed.command = "/bin/other";
  world.fake().configure(changed);
  FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  world.fake().configure(fresh);
  CHECK(world.run({"reread"}) == 0);
  CHECK(world.out.str() == "fresh: available\nold: disappeared\nweb: changed\n");
  CHECK(world.run({"update"}) == 0);
  CHECK(world.out.str() ==
        "old: removed process group\nweb: updated process group\nfresh: added process group\n");
  CHECK(world.run({"reread"}) == 0);
  CHECK(world.out.str() == "no changes\n");
  CHECK(world.run({"status", "old"}) == 4);
}

TEST_CASE("update of named groups leaves others alone, and knows when there is none") {
  World world;
  FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  world.fake().configure(fresh);
  fresh.name = {"other", "other"};
  world.fake().configure(fresh);
  CHECK(world.run({"update", "fresh", "nobody"}) == 1);
  CHECK(world.out.str() == "fresh: added process group\n");
  CHECK(world.err.str() == "reeve: no such group: nobody\n");
}

TEST_CASE("an interrupted update says how much it left undone, and fails") {
  World world;
  world.add("old", "old");
  world.fake().change({"old", "old"},
                      [](FakeProgram& program) { program.stops_after = std::chrono::seconds(4); });
  world.fake().unconfigure("old");
  FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  world.fake().configure(fresh);
  fresh.name = {"other", "other"};
  world.fake().configure(fresh);
  world.fake().after(std::chrono::seconds(2), [&] { world.stop.request_stop(); });
  CHECK(world.run({"update"}) == 1);
  CHECK(world.err.str().find("reeve: interrupted: 2 of 3 groups left as they are\n") !=
        std::string::npos);
  CHECK(world.fake().count(Operation::add_group) == 0);
}

TEST_CASE("update leaves Reeve's own group out and says so") {
  World world;
  FakeProgram own;
  own.name = {"agent", "agent"};
  own.command = "reeve serve";
  world.fake().add(own);
  own.command = "reeve serve --config new.yaml";
  world.fake().configure(own);
  CHECK(world.run({"update"}) == 0);
  CHECK(world.out.str().empty());
  CHECK(world.err.str() ==
        "reeve: leaving out agent: it runs Reeve itself; update it with supervisorctl\n");
}

TEST_CASE("a reread of a broken configuration is an error") {
  World world;
  world.fake().fail({Operation::reread, {base::ErrorKind::invalid_argument, "line 3"}});
  CHECK(world.run({"reread"}) == 1);
  world.fake().fail({Operation::reread});
  CHECK(world.run({"update", "--url", "http://h"}) == 1);
}

}  // namespace
}  // namespace reeve::tests
