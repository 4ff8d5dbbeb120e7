#include <cstdlib>
#include <ctime>
#include <iterator>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/cli_fixture.h"
#include "support/catch.h"

namespace reeve::tests {
namespace {

/// Times are shown in the local time zone: here, UTC.
void use_utc() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
}

TEST_CASE("list: a table of all processes") {
  CliFixture fixture;
  fixture.add("web", "front");
  fixture.add("日本", "日本", false);
  CHECK(fixture.run({"list"}) == 0);
  CHECK(fixture.out.str() ==
        "NAME       GROUP  STATUS   PID   UPTIME   DESCRIPTION\n"
        "web:front  web    RUNNING  1001  0:00:06  pid 1001, uptime 0:00:06\n"
        "日本       日本   STOPPED                 Not started\n");
}

TEST_CASE("list: only the named processes; an unknown one is an error") {
  CliFixture fixture;
  fixture.add("web", "front");
  fixture.add("db", "db");
  CHECK(fixture.run({"list", "w*"}) == 0);
  CHECK(fixture.out.str().find("db") == std::string::npos);
  CHECK(fixture.run({"list", "absent"}) == 1);
  CHECK(fixture.out.str().empty());
  CHECK(fixture.run({"list", "x*"}) == 1);
  CHECK(fixture.err.str() == "reeve: no process matches 'x*'\n");
}

TEST_CASE("list: control characters in a name are escaped") {
  CliFixture fixture;
  fixture.add("\x1B[2J", "\x1B[2J");
  CHECK(fixture.run({"list"}) == 0);
  CHECK(fixture.out.str().find('\x1B') == std::string::npos);
  CHECK(fixture.run({"stop", "all"}) == 0);
  CHECK(fixture.out.str() == "\\x1B[2J: stopped\n");
  CHECK(fixture.run({"status"}) == 3);
  CHECK(fixture.out.str().find('\x1B') == std::string::npos);
}

TEST_CASE("list: colors on a terminal only, unless --color or NO_COLOR decides") {
  CliFixture fixture;
  fixture.add("web", "front");
  const auto colored = [&](const std::vector<std::string>& words) {
    CHECK(fixture.run(words) == 0);
    return fixture.out.str().find("\x1B[32mRUNNING\x1B[0m") != std::string::npos;
  };
  CHECK_FALSE(colored({"list"}));
  CHECK(colored({"list", "--color", "always"}));
  fixture.environment.console.out_is_terminal = true;
  CHECK(colored({"list"}));
  CHECK_FALSE(colored({"list", "--color", "never"}));
  fixture.variables["NO_COLOR"] = "1";
  CHECK_FALSE(colored({"list"}));
}

TEST_CASE("list: JSON is an array in the form of the HTTP API") {
  CliFixture fixture;
  fixture.add("web", "front");
  CHECK(fixture.run({"list", "--output", "json"}) == 0);
  const auto array = nlohmann::json::parse(fixture.out.str());
  REQUIRE(array.size() == 1);
  CHECK(array[0]["name"] == "front");
  CHECK(array[0]["state"] == "RUNNING");
  CHECK(array[0]["supervisor"].is_null());
}

TEST_CASE("status: without a name supervisorctl's line for each process") {
  CliFixture fixture;
  fixture.add("web", "front");
  fixture.add("db", "db", false);
  CHECK(fixture.run({"status"}) == 3);
  CHECK(fixture.out.str() ==
        "db                               STOPPED   Not started\n"
        "web:front                        RUNNING   pid 1001, uptime 0:00:06\n");
}

TEST_CASE("status: all details of a named process") {
  use_utc();
  CliFixture fixture;
  fixture.add("web", "front");
  fixture.fake().crash({"web", "front"}, 0);
  CHECK(fixture.run({"status", "web:front"}) == 3);
  CHECK(fixture.out.str() ==
        "web:front\n"
        "  state        EXITED\n"
        "  started      2023-11-14 22:13:20 +0000\n"
        "  stopped      2023-11-14 22:13:23 +0000\n"
        "  exit status  0\n"
        "  description  Nov 22 05:43 AM\n"
        "  stdout log   /var/log/supervisor/front-stdout.log\n"
        "  stderr log   /var/log/supervisor/front-stderr.log\n");
}

TEST_CASE("status: exit code 0 if all run, 3 if one does not, 4 for an unknown one") {
  CliFixture fixture;
  fixture.add("up", "up");
  fixture.add("down", "down", false);
  CHECK(fixture.run({"status", "up"}) == 0);
  CHECK(fixture.run({"status", "down"}) == 3);
  CHECK(fixture.run({"status", "absent"}) == 4);
  CHECK(fixture.run({"status", "absent", "up"}) == 4);
  CHECK(fixture.run({"status", "absent", "down"}) == 3);
  CHECK(fixture.run({"status", "x*"}) == 4);
  fixture.fake().fail({Operation::any, {base::ErrorKind::socket_missing, "gone"}, 9});
  CHECK(fixture.run({"status", "--url", "http://h"}) == 4);
}

TEST_CASE("pid: supervisord's own, or that of each named process") {
  CliFixture fixture;
  fixture.add("up", "up");
  fixture.add("down", "down", false);
  CHECK(fixture.run({"pid"}) == 0);
  CHECK(fixture.out.str() == "100\n");
  CHECK(fixture.run({"pid", "up"}) == 0);
  CHECK(fixture.out.str() == "1001\n");
  CHECK(fixture.run({"pid", "down"}) == 7);
  CHECK(fixture.out.str() == "0\n");
  CHECK(fixture.run({"pid", "all"}) == 0);
  CHECK(fixture.out.str() == "0\n1001\n");
  CHECK(fixture.run({"pid", "absent"}) == 1);
}

TEST_CASE("healthcheck: fails only for unhealthy processes") {
  CliFixture fixture;
  fixture.add("up", "up");
  fixture.add("down", "down", false);
  CHECK(fixture.run({"healthcheck"}) == 0);
  CHECK(fixture.out.str() == "healthy: 2 of 2\n");
  fixture.fake().change({"up", "up"}, [](FakeProgram& program) {
    program.autorestart = FakeProgram::Restart::never;
  });
  fixture.fake().crash({"up", "up"}, 0);
  CHECK(fixture.run({"healthcheck"}) == 0);
  CHECK(fixture.run({"start", "up"}) == 0);
  fixture.fake().crash({"up", "up"}, 3);
  CHECK(fixture.run({"healthcheck", "down"}) == 0);
  CHECK(fixture.run({"healthcheck"}) == 1);
  CHECK(fixture.out.str().find("unhealthy: 1 of 2\nup ") == 0);
  CHECK(fixture.run({"healthcheck", "-q"}) == 1);
  CHECK(fixture.out.str().empty());
  CHECK(fixture.run({"healthcheck", "absent"}) == 4);
}

TEST_CASE("tail: prints the end of a log unchanged") {
  CliFixture fixture;
  fixture.add("web", "web");
  const std::string bytes("a\0b\x1B[31m\u00E9\n", 11);
  fixture.fake().write_log({"web", "web"}, substrate::LogStream::standard_output, bytes);
  fixture.fake().write_log({"web", "web"}, substrate::LogStream::standard_error, "oops");
  CHECK(fixture.run({"tail", "web"}) == 0);
  CHECK(fixture.out.str() == bytes);
  CHECK(fixture.run({"tail", "-n", "2", "web", "stderr"}) == 0);
  CHECK(fixture.out.str() == "ps");
  CHECK(fixture.run({"tail", "absent"}) == 1);
  CHECK(fixture.run({"tail", "*"}) == 0);
  fixture.add("db", "db");
  CHECK(fixture.run({"tail", "*"}) == 1);
  CHECK(fixture.err.str() == "reeve: '*' is more than one process: tail shows one\n");
}

TEST_CASE("tail: --follow prints what is appended until an interrupt") {
  CliFixture fixture;
  fixture.add("web", "web");
  const auto stream = substrate::LogStream::standard_output;
  fixture.fake().write_log({"web", "web"}, stream, "past\n");
  fixture.fake().after(std::chrono::seconds(2), [&] {
    fixture.fake().write_log({"web", "web"}, stream, "more\n");
  });
  fixture.fake().after(std::chrono::seconds(4), [&] { fixture.stop.request_stop(); });
  CHECK(fixture.run({"tail", "-f", "web"}) == 0);
  CHECK(fixture.out.str() == "past\nmore\n");
}

TEST_CASE("tail: --follow begins with --bytes of the end") {
  for (const std::size_t wanted :
       {std::size_t{0}, std::size_t{10}, std::size_t{1024}, std::size_t{1500}, std::size_t{9999}}) {
    CliFixture fixture;
    fixture.add("web", "web");
    std::string text;
    for (int line = 0; text.size() < 3000; ++line) {
      text += std::to_string(line) + '\n';
    }
    const auto stream = substrate::LogStream::standard_output;
    fixture.fake().write_log({"web", "web"}, stream, text);
    fixture.fake().after(std::chrono::seconds(2), [&] { fixture.stop.request_stop(); });
    CAPTURE(wanted);
    CHECK(fixture.run({"tail", "-f", "-n", std::to_string(wanted), "web"}) == 0);
    CHECK(fixture.out.str() == text.substr(text.size() - std::min(wanted, text.size())));
  }
}

TEST_CASE("list, status: of several supervisords each process shows its own") {
  CliFixture fixture;
  fixture.configure_supervisors({"x", "y"});
  FakeProgram program;
  program.name = {"web", "web"};
  program.autostart = false;
  fixture.fake("x").add(program);
  fixture.fake("y").add(program);
  CHECK(fixture.run({"list", "web"}) == 0);
  CHECK(fixture.out.str() ==
        "SUPERVISOR  NAME  GROUP  STATUS   PID  UPTIME  DESCRIPTION\n"
        "x           web   web    STOPPED               Not started\n"
        "y           web   web    STOPPED               Not started\n");
  fixture.fake("x").fail({Operation::list});
  CHECK(fixture.run({"status"}) == 3);
  CHECK(fixture.out.str() == "y/web                            STOPPED   Not started\n");
  CHECK(fixture.err.str() == "reeve: x: scripted: connection refused\n");
}

TEST_CASE("check-config: prints every error with its place, or that the file is valid") {
  CliFixture fixture;
  const std::string bad = fixture.folder.write("bad.yaml", "log: {level: x}\nfoo: 1\n");
  CHECK(fixture.run({"check-config", bad}) == 1);
  CHECK(fixture.err.str().find(bad + ":1:14: log.level: ") == 0);
  CHECK(fixture.err.str().find(bad + ":2:1: unknown key 'foo'") != std::string::npos);
  const std::string good = fixture.folder.write("good.yaml", "");
  CHECK(fixture.run({"check-config", good}) == 0);
  CHECK(fixture.out.str() == good + ": valid\n");
  CHECK(fixture.run({"check-config"}) == 0);
  CHECK(fixture.run({"check-config", bad, "--output", "json"}) == 1);
  CHECK(fixture.err.str().find(R"({"error":"invalid_configuration","message":"log.level:)") == 0);
}

TEST_CASE("commands: an invalid configuration is exit code 1, a wrong option 2") {
  CliFixture fixture;
  CHECK(fixture.run({"list", "--config", "/no/such.yaml"}) == 1);
  CHECK(fixture.run({"list", "--url", "nowhere"}) == 2);
  CHECK(fixture.err.str() == "reeve: --url: a URL begins with http://, https:// or unix:///\n");
}

TEST_CASE("list, status, healthcheck: take one call's time in all, whatever hangs") {
  CliFixture fixture;
  fixture.fake().fail({.operation = Operation::any, .times = FakeFailure::always, .hangs = true});
  for (const char* command : {"list", "status", "healthcheck"}) {
    const auto begun = fixture.clock.steady_now();
    CHECK(fixture.run({command}) == 4);  // the default URL is probed first
    CHECK(fixture.clock.steady_now() - begun <= std::chrono::seconds(5));
  }
}

TEST_CASE("list: --state selects, in any case of letters") {
  CliFixture fixture;
  fixture.add("a", "a");
  fixture.add("b", "b", false);
  CHECK(fixture.run({"list", "--state", "stopped"}) == 0);
  CHECK(fixture.out.str().find("\nb ") != std::string::npos);
  CHECK(fixture.out.str().find("\na ") == std::string::npos);
  CHECK(fixture.run({"list", "--state", "STOPPED", "--state", "RUNNING", "a", "b"}) == 0);
  CHECK(fixture.out.str().find("\na ") != std::string::npos);
  CHECK(fixture.out.str().find("\nb ") != std::string::npos);
  CHECK(fixture.run({"list", "--state", "DEAD"}) == 2);
  CHECK(fixture.err.str().find("found 'DEAD'") != std::string::npos);
}

TEST_CASE("list: --watch prints the table again until it is interrupted") {
  CliFixture fixture;
  fixture.add("a", "a");
  std::jthread turning([&](const std::stop_token& done) {
    while (!done.stop_requested() && fixture.fake().count(Operation::list) < 3) {
      fixture.clock.advance(std::chrono::seconds(1));
      std::this_thread::yield();
    }
    fixture.stop.request_stop();
  });
  CHECK(fixture.run({"list", "--watch", "--timeout", "1h"}) == 0);
  const std::string text = fixture.out.str();
  CHECK(text.find("NAME") != text.rfind("NAME"));
}

TEST_CASE("commands: notices about the settings are printed") {
  CliFixture fixture;
  const std::string path = fixture.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n");
  CHECK(fixture.run({"list"}) == 0);
  CHECK(fixture.err.str() == "reeve: using the configuration " + path + "\n");
  CHECK(fixture.run({"list", "--password-file", "/no"}) == 2);
  CHECK(fixture.err.str() ==
        "reeve: using the configuration " + path +
            "\nreeve: --password-file: is not sent to a URL that " + path +
            " gives: name supervisord with --url, or this file with --config\n");
  CHECK(fixture.run({"list", "--quiet"}) == 0);
  CHECK(fixture.err.str().empty());
}

TEST_CASE("commands: output that cannot be written is an error") {
  CliFixture fixture;
  fixture.out.setstate(std::ios::badbit);
  CHECK(fixture.run({"version"}) == 1);
  CHECK(fixture.err.str() == "reeve: standard output could not be written completely\n");
}

}  // namespace
}  // namespace reeve::tests
