#include <algorithm>

#include "cli_fixture.h"
#include "support/catch.h"

namespace reeve::tests {
namespace {

using Words = std::vector<std::string>;

/// Fake programs that completion may ask for.
struct CompletionFixture : CliFixture {
  CompletionFixture() {
    add("db", "db");
    add("web", "front");
    add("web", "back");
    variables["REEVE_URL"] = "http://named:9001";
  }

  /// What may stand in place of the last word.
  Words complete(Words words) {
    words.insert(words.begin(), "__complete");
    REQUIRE(run(words) == 0);
    Words found;
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) {
      found.push_back(line);
    }
    return found;
  }
};

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST_CASE("complete: all commands, but no hidden one") {
  CompletionFixture fixture;
  const Words commands = fixture.complete({""});
  for (const char* command : {"serve", "list", "restart", "audit", "healthcheck", "help"}) {
    CHECK(has(commands, command));
  }
  CHECK_FALSE(has(commands, "__complete"));
  CHECK(fixture.complete({"--output", "json", "heal"}) == Words{"healthcheck"});
  CHECK(has(fixture.complete({"help", ""}), "restart"));
}

TEST_CASE("complete: processes, whole groups and all, as each command takes them") {
  CompletionFixture fixture;
  CHECK(fixture.complete({"stop", ""}) == Words{"all", "db", "web:back", "web:front", "web:*"});
  CHECK(fixture.complete({"stop", "web:"}) == Words{"web:back", "web:front", "web:*"});
  CHECK(fixture.complete({"stop", "'web:f"}) == Words{"web:front"});
  CHECK(fixture.complete({"tail", "-f", "d"}) == Words{"db"});
  CHECK(fixture.complete({"tail", "db", ""}) == Words{"stdout", "stderr"});
  CHECK(fixture.complete({"signal", "H"}) == Words{"HUP"});
  CHECK(fixture.complete({"signal", "HUP", "d"}) == Words{"db"});
  CHECK(fixture.complete({"update", ""}) == Words{"web", "db"});
  CHECK(fixture.complete({"maintenance", "s"}) == Words{"set"});
  CHECK(fixture.complete({"maintenance", "set", "web:*"}) == Words{"web:*"});
  CHECK(fixture.complete({"maintenance", "list", ""}).empty());
  CHECK(fixture.complete({"guards", "reset", "*"}) == Words{"*"});
  CHECK(fixture.complete({"completion", "z"}) == Words{"zsh"});
}

TEST_CASE("complete: supervisorctl's actions and options") {
  CompletionFixture fixture;
  CHECK(fixture.complete({"supervisorctl", "rem"}) == Words{"remove"});
  CHECK(fixture.complete({"supervisorctl", "start", ""}).empty());
  CHECK(fixture.complete({"supervisorctl", "-s"}) == Words{"-s"});
}

TEST_CASE("complete: options of the command, their values, and files") {
  CompletionFixture fixture;
  CHECK(fixture.complete({"stop", "--no"}) == Words{"--no-wait"});
  CHECK(has(fixture.complete({"tail", "-"}), "-n"));
  CHECK(fixture.complete({"list", "--output", ""}) == Words{"table", "json"});
  CHECK(fixture.complete({"list", "--color=a"}) == Words{"--color=auto", "--color=always"});
  CHECK(fixture.complete({"list", "--config", "x"}) == Words{":files"});
  CHECK(fixture.complete({"list", "--config=x"}) == Words{":files"});
  CHECK(fixture.complete({"check-config", ""}) == Words{":files"});
  CHECK(fixture.complete({"list", "--url", ""}).empty());
}

TEST_CASE("complete: asks the supervisord of the options as typed") {
  CompletionFixture fixture;
  CHECK(has(fixture.complete({"stop", "--url", "http://typed:1", ""}), "db"));
  CHECK(fixture.connected.back().endpoint.host == "typed");
  CHECK(has(fixture.complete({"--url=http://equals:1", "stop", ""}), "db"));
  CHECK(fixture.connected.back().endpoint.host == "equals");
  fixture.variables.erase("REEVE_URL");
  fixture.fakes["web"] = fixture.fakes[""];
  const std::string file = fixture.folder.write(
      "named.yaml", "supervisors: [{name: web, url: 'http://w:1'}]\nalerts: {mode: perhaps}\n");
  CHECK(has(fixture.complete({"stop", "--config", file, ""}), "db"));
  CHECK(fixture.connected.back().endpoint.host == "w");
  CHECK(fixture.complete({"list", "--config", file, "--supervisor", ""}) == Words{"web"});
}

TEST_CASE("complete: speaks to no supervisord that the user has not named") {
  CompletionFixture fixture;
  fixture.variables.clear();
  static_cast<void>(fixture.folder.write("config.yaml", "supervisor: {url: 'http://trap:1'}\n"));
  CHECK(fixture.complete({"stop", ""}) == Words{"all"});
  CHECK(fixture.complete({"tail", ""}).empty());
  CHECK(fixture.connected.empty());
  CHECK(fixture.err.str().empty());
}

TEST_CASE("completion: every shell has a script that asks reeve") {
  CliFixture fixture;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    CHECK(fixture.run({"completion", shell}) == 0);
    CHECK(fixture.out.str().find("command reeve __complete") != std::string::npos);
  }
}

}  // namespace
}  // namespace reeve::tests
