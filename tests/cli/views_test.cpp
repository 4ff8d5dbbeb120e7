#include <cstdlib>
#include <ctime>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

#include "cli/world.h"
#include "support/catch.h"

namespace reeve::tests {
namespace {

/// Times are shown in the zone of whoever asks: here, UTC.
void be_in_utc() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
}

TEST_CASE("list is a table of all processes") {
  World world;
  world.add("web", "front");
  world.add("日本", "日本", false);
  CHECK(world.run({"list"}) == 0);
  CHECK(world.out.str() ==
        "NAME       GROUP  STATUS   PID   UPTIME   DESCRIPTION\n"
        "web:front  web    RUNNING  1001  0:00:06  pid 1001, uptime 0:00:06\n"
        "日本       日本   STOPPED                 Not started\n");
}

TEST_CASE("list shows only what is asked for, and fails on what is not there") {
  World world;
  world.add("web", "front");
  world.add("db", "db");
  CHECK(world.run({"list", "w*"}) == 0);
  CHECK(world.out.str().find("db") == std::string::npos);
  CHECK(world.run({"list", "nobody"}) == 1);
  CHECK(world.out.str().empty());
  CHECK(world.run({"list", "x*"}) == 1);
  CHECK(world.err.str() == "reeve: no process matches 'x*'\n");
}

TEST_CASE("a hostile name cannot touch the terminal") {
  World world;
  world.add("\x1B[2J", "\x1B[2J");
  CHECK(world.run({"list"}) == 0);
  CHECK(world.out.str().find('\x1B') == std::string::npos);
  CHECK(world.run({"stop", "all"}) == 0);
  CHECK(world.out.str() == "\\x1B[2J: stopped\n");
  CHECK(world.run({"status"}) == 3);
  CHECK(world.out.str().find('\x1B') == std::string::npos);
}

TEST_CASE("color is for terminals, unless said otherwise") {
  World world;
  world.add("web", "front");
  const auto colored = [&](const std::vector<std::string>& words) {
    CHECK(world.run(words) == 0);
    return world.out.str().find("\x1B[32mRUNNING\x1B[0m") != std::string::npos;
  };
  CHECK_FALSE(colored({"list"}));
  CHECK(colored({"list", "--color", "always"}));
  world.surroundings.console.out_is_terminal = true;
  CHECK(colored({"list"}));
  CHECK_FALSE(colored({"list", "--color", "never"}));
  world.variables["NO_COLOR"] = "1";
  CHECK_FALSE(colored({"list"}));
}

TEST_CASE("list as JSON is an array in the form of the HTTP API") {
  World world;
  world.add("web", "front");
  CHECK(world.run({"list", "--output", "json"}) == 0);
  const auto array = nlohmann::json::parse(world.out.str());
  REQUIRE(array.size() == 1);
  CHECK(array[0]["name"] == "front");
  CHECK(array[0]["state"] == "RUNNING");
  CHECK(array[0]["supervisor"].is_null());
}

TEST_CASE("status without a name is supervisorctl's line for each") {
  World world;
  world.add("web", "front");
  world.add("db", "db", false);
  CHECK(world.run({"status"}) == 3);
  CHECK(world.out.str() ==
        "db                               STOPPED   Not started\n"
        "web:front                        RUNNING   pid 1001, uptime 0:00:06\n");
}

TEST_CASE("status of one process is all that is known of it") {
  be_in_utc();
  World world;
  world.add("web", "front");
  world.fake().crash({"web", "front"}, 0);
  CHECK(world.run({"status", "web:front"}) == 3);
  CHECK(world.out.str() ==
        "web:front\n"
        "  state        EXITED\n"
        "  started      2023-11-14 22:13:20 +0000\n"
        "  stopped      2023-11-14 22:13:23 +0000\n"
        "  exit status  0\n"
        "  description  Nov 22 05:43 AM\n"
        "  stdout log   /var/log/supervisor/front-stdout.log\n"
        "  stderr log   /var/log/supervisor/front-stderr.log\n");
}

TEST_CASE("status is 0 for what runs, 3 for what does not, 4 for what is unknown") {
  World world;
  world.add("up", "up");
  world.add("down", "down", false);
  CHECK(world.run({"status", "up"}) == 0);
  CHECK(world.run({"status", "down"}) == 3);
  CHECK(world.run({"status", "nobody"}) == 4);
  CHECK(world.run({"status", "nobody", "up"}) == 4);
  CHECK(world.run({"status", "nobody", "down"}) == 3);
  CHECK(world.run({"status", "x*"}) == 4);
  world.fake().fail({Operation::any, {base::ErrorKind::socket_missing, "gone"}, 9});
  CHECK(world.run({"status", "--url", "http://h"}) == 4);
}

TEST_CASE("pid is supervisord's own, or that of each process") {
  World world;
  world.add("up", "up");
  world.add("down", "down", false);
  CHECK(world.run({"pid"}) == 0);
  CHECK(world.out.str() == "100\n");
  CHECK(world.run({"pid", "up"}) == 0);
  CHECK(world.out.str() == "1001\n");
  CHECK(world.run({"pid", "down"}) == 7);
  CHECK(world.out.str() == "0\n");
  CHECK(world.run({"pid", "all"}) == 0);
  CHECK(world.out.str() == "0\n1001\n");
  CHECK(world.run({"pid", "nobody"}) == 1);
}

TEST_CASE("healthcheck minds only what is broken") {
  World world;
  world.add("up", "up");
  world.add("down", "down", false);
  CHECK(world.run({"healthcheck"}) == 0);
  CHECK(world.out.str() == "healthy: 2 of 2\n");
  world.fake().change({"up", "up"}, [](FakeProgram& program) {
    program.autorestart = FakeProgram::Restart::never;
  });
  world.fake().crash({"up", "up"}, 0);
  CHECK(world.run({"healthcheck"}) == 0);
  CHECK(world.run({"start", "up"}) == 0);
  world.fake().crash({"up", "up"}, 3);
  CHECK(world.run({"healthcheck", "down"}) == 0);
  CHECK(world.run({"healthcheck"}) == 1);
  CHECK(world.out.str().find("unhealthy: 1 of 2\nup ") == 0);
  CHECK(world.run({"healthcheck", "-q"}) == 1);
  CHECK(world.out.str().empty());
  CHECK(world.run({"healthcheck", "nobody"}) == 4);
}

TEST_CASE("tail prints the end of a log as it is") {
  World world;
  world.add("web", "web");
  const std::string bytes("a\0b\x1B[31m\u00E9\n", 11);
  world.fake().write_log({"web", "web"}, substrate::LogStream::standard_output, bytes);
  world.fake().write_log({"web", "web"}, substrate::LogStream::standard_error, "oops");
  CHECK(world.run({"tail", "web"}) == 0);
  CHECK(world.out.str() == bytes);
  CHECK(world.run({"tail", "-n", "2", "web", "stderr"}) == 0);
  CHECK(world.out.str() == "ps");
  CHECK(world.run({"tail", "nobody"}) == 1);
  CHECK(world.run({"tail", "*"}) == 0);
  world.add("db", "db");
  CHECK(world.run({"tail", "*"}) == 1);
  CHECK(world.err.str() == "reeve: '*' is more than one process: tail shows one\n");
}

TEST_CASE("tail -f goes on with what is appended, until an interrupt") {
  World world;
  world.add("web", "web");
  const auto stream = substrate::LogStream::standard_output;
  world.fake().write_log({"web", "web"}, stream, "past\n");
  world.fake().after(std::chrono::seconds(2), [&] {
    world.fake().write_log({"web", "web"}, stream, "more\n");
  });
  world.fake().after(std::chrono::seconds(4), [&] { world.stop.request_stop(); });
  CHECK(world.run({"tail", "-f", "web"}) == 0);
  CHECK(world.out.str() == "past\nmore\n");
}

TEST_CASE("tail -f begins with as much of the past as was asked for") {
  for (const std::size_t wanted :
       {std::size_t{0}, std::size_t{10}, std::size_t{1024}, std::size_t{1500}, std::size_t{9999}}) {
    World world;
    world.add("web", "web");
    std::string text;
    for (int line = 0; text.size() < 3000; ++line) {
      text += std::to_string(line) + '\n';
    }
    const auto stream = substrate::LogStream::standard_output;
    world.fake().write_log({"web", "web"}, stream, text);
    world.fake().after(std::chrono::seconds(2), [&] { world.stop.request_stop(); });
    CAPTURE(wanted);
    CHECK(world.run({"tail", "-f", "-n", std::to_string(wanted), "web"}) == 0);
    CHECK(world.out.str() == text.substr(text.size() - std::min(wanted, text.size())));
  }
}

TEST_CASE("of several supervisords every process shows whose it is") {
  World world;
  world.have_supervisors({"x", "y"});
  FakeProgram program;
  program.name = {"web", "web"};
  program.autostart = false;
  world.fake("x").add(program);
  world.fake("y").add(program);
  CHECK(world.run({"list", "web"}) == 0);
  CHECK(world.out.str() ==
        "SUPERVISOR  NAME  GROUP  STATUS   PID  UPTIME  DESCRIPTION\n"
        "x           web   web    STOPPED               Not started\n"
        "y           web   web    STOPPED               Not started\n");
  world.fake("x").fail({Operation::list});
  CHECK(world.run({"status"}) == 3);
  CHECK(world.out.str() == "y/web                            STOPPED   Not started\n");
  CHECK(world.err.str() == "reeve: x: scripted: connection refused\n");
}

TEST_CASE("check-config says every error with its place, or that all is valid") {
  World world;
  const std::string bad = world.folder.write("bad.yaml", "log: {level: x}\nfoo: 1\n");
  CHECK(world.run({"check-config", bad}) == 1);
  CHECK(world.err.str().find(bad + ":1:14: log.level: ") == 0);
  CHECK(world.err.str().find(bad + ":2:1: unknown key 'foo'") != std::string::npos);
  const std::string good = world.folder.write("good.yaml", "");
  CHECK(world.run({"check-config", good}) == 0);
  CHECK(world.out.str() == good + ": valid\n");
  CHECK(world.run({"check-config"}) == 0);
  CHECK(world.run({"check-config", bad, "--output", "json"}) == 1);
  CHECK(world.err.str().find(R"({"error":"invalid_configuration","message":"log.level:)") == 0);
}

TEST_CASE("an invalid configuration fails a one-shot command, a wrong option is wrong usage") {
  World world;
  CHECK(world.run({"list", "--config", "/no/such.yaml"}) == 1);
  CHECK(world.run({"list", "--url", "nowhere"}) == 2);
  CHECK(world.err.str() == "--url: a URL begins with http://, https:// or unix:///\n");
}

TEST_CASE("output that cannot be written is an error") {
  World world;
  world.out.setstate(std::ios::badbit);
  CHECK(world.run({"version"}) == 1);
  CHECK(world.err.str() == "reeve: standard output took not all that was written\n");
}

TEST_CASE("the completion of every shell knows every command") {
  World world;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    CHECK(world.run({"completion", shell}) == 0);
    // In the list of all commands, which ends with help: names occur elsewhere too.
    const std::string script = world.out.str();
    const std::size_t begin = script.find("serve ");
    std::istringstream list(script.substr(begin, script.find("help", begin) + 4 - begin));
    const std::set<std::string> known(std::istream_iterator<std::string>(list), {});
    for (const std::string& command : cli::command_names()) {
      CAPTURE(shell, command);
      CHECK(known.contains(command));
    }
  }
}

}  // namespace
}  // namespace reeve::tests
