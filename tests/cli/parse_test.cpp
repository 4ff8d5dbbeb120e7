#include "cli/parse.h"

#include "support/catch.h"

namespace reeve::cli {
namespace {

using Words = std::vector<std::string>;

Invocation parsed(const Words& words) {
  const auto invocation = parse(words);
  INFO(Catch::Detail::stringify(words));
  REQUIRE(invocation);
  return *invocation;
}

template <class T>
T command(const Words& words) {
  const Invocation invocation = parsed(words);
  REQUIRE(std::holds_alternative<T>(invocation.command));
  return std::get<T>(invocation.command);
}

EarlyExit refused(const Words& words) {
  const auto invocation = parse(words);
  REQUIRE_FALSE(invocation);
  return invocation.error();
}

TEST_CASE("parse: each command becomes a value") {
  CHECK(std::holds_alternative<Serve>(parsed({"serve"}).command));
  CHECK(command<RelayEvents>({"relay-events"}) == RelayEvents{});
  CHECK(command<RelayEvents>({"relay-events", "--socket", "/s"}).socket == "/s");
  CHECK(command<List>({"list", "a", "b:*"}).names == Names{"a", "b:*"});
  CHECK(command<Status>({"status"}).names.empty());
  CHECK(command<Start>({"start", "all"}).names == Names{"all"});
  CHECK(command<Restart>({"restart", "a"}).names == Names{"a"});
  CHECK(command<Signal>({"signal", "HUP", "a", "b"}) == Signal{"HUP", {"a", "b"}});
  CHECK(command<ShowPid>({"pid", "a"}).names == Names{"a"});
  CHECK(command<Clear>({"clear", "a"}).names == Names{"a"});
  CHECK(std::holds_alternative<Reread>(parsed({"reread"}).command));
  CHECK(command<Update>({"update", "g"}).groups == Names{"g"});
  CHECK(command<Healthcheck>({"healthcheck"}).names.empty());
  CHECK(command<CheckConfig>({"check-config", "f"}).file == "f");
  CHECK_FALSE(command<CheckConfig>({"check-config"}).file);
  CHECK(std::holds_alternative<ShowVersion>(parsed({"version"}).command));
  CHECK(std::holds_alternative<ShowVersion>(parsed({"--version"}).command));
  CHECK(command<Completion>({"completion", "zsh"}).shell == Shell::zsh);
}

TEST_CASE("parse: supervisorctl's words are its own") {
  CHECK(command<Supervisorctl>({"supervisorctl", "-s", "http://a", "--", "status"}) ==
        Supervisorctl{"", {"-s", "http://a", "--", "status"}});
  CHECK(refused({"--quiet", "supervisorctl"}).exit_code == 2);
  CHECK(refused({"help", "supervisorctl"}).exit_code == 0);
}

TEST_CASE("parse: of a command that supervisorctl alone has it says where it is") {
  CHECK(refused({"shutdown"}) ==
        EarlyExit{2,
                  "reeve: unknown command 'shutdown': use reeve supervisorctl shutdown (see reeve "
                  "help)\n"});
}

TEST_CASE("parse: stop waits unless --no-wait or --force is given") {
  CHECK(command<Stop>({"stop", "a"}).mode == substrate::StopMode::graceful);
  CHECK(command<Stop>({"stop", "--no-wait", "a"}).mode == substrate::StopMode::force);
  CHECK(command<Stop>({"stop", "a", "--force"}).mode == substrate::StopMode::force);
}

TEST_CASE("parse: tail's options, and supervisorctl's way to give the size") {
  CHECK(command<Tail>({"tail", "a"}) ==
        Tail{"a", substrate::LogStream::standard_output, 1600, false});
  CHECK(command<Tail>({"tail", "-f", "-n", "5", "a", "stderr"}) ==
        Tail{"a", substrate::LogStream::standard_error, 5, true});
  CHECK(command<Tail>({"tail", "-100", "a"}).bytes == 100);
}

TEST_CASE("parse: options before or after the command") {
  const CommonOptions expected{.settings = {.config_file = "c",
                                            .url = "http://h",
                                            .username = "u",
                                            .password_file = "p",
                                            .supervisor = "s",
                                            .timeout = std::chrono::milliseconds(1500)},
                               .output = OutputForm::json,
                               .color = ColorMode::never,
                               .quiet = true};
  const Words options = {
      "--config",        "c",    "--url",        "http://h", "--username", "u",
      "--password-file", "p",    "--supervisor", "s",        "--timeout",  "1500ms",
      "--output",        "json", "--color",      "never",    "-q"};
  Words before = options;
  before.emplace_back("list");
  Words after = {"list"};
  after.insert(after.end(), options.begin(), options.end());
  CHECK(parsed(before).options == expected);
  CHECK(parsed(after).options == expected);
}

TEST_CASE("parse: names are taken literally, also those of commands and with special characters") {
  const Names names = {"list", "[ab]*", "[ab]", "{}", "a,b", "start", "日本", "a=b", "%%", "g:"};
  Words words = {"start"};
  words.insert(words.end(), names.begin(), names.end());
  CHECK(command<Start>(words).names == names);
  CHECK(command<Start>({"start", "--", "-odd"}).names == Names{"-odd"});
}

TEST_CASE("parse: an unknown command or option and start without a name are exit code 2") {
  CHECK(refused({"frobnicate"}) ==
        EarlyExit{2, "reeve: unknown command 'frobnicate' (see reeve help)\n"});
  CHECK(refused({"lst"}) ==
        EarlyExit{2, "reeve: unknown command 'lst': did you mean 'list'? (see reeve help)\n"});
  CHECK(refused({"list", "--nope"}) ==
        EarlyExit{2, "reeve: unknown option '--nope' (see reeve help list)\n"});
  CHECK(refused({"start"}) ==
        EarlyExit{2, "reeve: start needs a process name (see reeve help start)\n"});
  CHECK(refused({}).exit_code == 2);
  CHECK(refused({"completion"}).exit_code == 2);
  CHECK(refused({"completion", "tcsh"}).exit_code == 2);
}

TEST_CASE("parse: a missing name elsewhere and a surplus word are exit code 1") {
  for (const Words& words :
       {Words{"stop"}, Words{"restart"}, Words{"signal"}, Words{"signal", "HUP"}, Words{"clear"},
        Words{"tail"}, Words{"reread", "x"}, Words{"tail", "a", "stdin"},
        Words{"tail", "a", "stdout", "x"}}) {
    CAPTURE(words);
    CHECK(refused(words).exit_code == 1);
  }
  CHECK(refused({"tail", "a", "sterr"}).text ==
        "reeve: expected stdout or stderr, found 'sterr' (see reeve help tail)\n");
}

TEST_CASE("parse: option values are checked; the message says what was expected") {
  CHECK(refused({"list", "--timeout", "5"}) ==
        EarlyExit{2,
                  "reeve: --timeout: expected a duration like 500ms, 5s or 2m, found '5' (see"
                  " reeve help list)\n"});
  CHECK(refused({"list", "--output", "xml"}) ==
        EarlyExit{2, "reeve: --output: expected table|json, found 'xml' (see reeve help list)\n"});
  CHECK(refused({"tail", "-n", "-5", "a"}).exit_code == 2);
  CHECK(refused({"list", "--url"}).exit_code == 2);
}

TEST_CASE("parse: a password on the command line is refused in favour of --password-file") {
  CHECK(refused({"list", "--password", "x"}) ==
        EarlyExit{2,
                  "reeve: a password is not taken from the command line: use --password-file (see"
                  " reeve help list)\n"});
}

TEST_CASE("parse: with --output json, usage errors are JSON too") {
  CHECK(refused({"start", "--output", "json"}).text ==
        R"_({"error":"invalid_argument","message":"start needs a process name (see reeve help)_"
        R"_( start)","supervisor":null,"process":null,"fault_code":null,"fault_string":null})_"
        "\n");
}

TEST_CASE("parse: help is exit code 0, in general and for each command") {
  const EarlyExit help = refused({"help"});
  CHECK(help.exit_code == 0);
  CHECK(help.text.find("past the audit") != std::string::npos);
  CHECK(refused({"--help"}) == help);
  const EarlyExit restart = refused({"help", "restart"});
  CHECK(restart.exit_code == 0);
  CHECK(restart.text.find("reeve restart web:front") != std::string::npos);
  CHECK(restart.text.find("past the agent's audit") != std::string::npos);
  CHECK(refused({"restart", "--help"}) == restart);
  CHECK(refused({"help", "nope"}).exit_code == 2);
}

TEST_CASE("parse: an option whose value is empty takes no other word for it") {
  const auto restart = parse({"restart", "--reason=", "mailer", "web:front"});
  REQUIRE(restart);
  CHECK(restart == parse({"restart", "--reason", "", "mailer", "web:front"}));
  CHECK(restart != parse({"restart", "--reason", "mailer", "web:front"}));
  CHECK(refused({"list", "--state=", "RUNNING"}).exit_code == 2);
  const auto serve = parse({"serve", "--web.config.file=", "--log.level=info"});
  REQUIRE(serve);
  CHECK(serve->options.settings.agent.web_config_file == "");
  CHECK(serve->options.settings.agent.log_level == base::LogLevel::info);
  CHECK(command<Stop>({"stop", "--", "--reason="}).names == Names{"--reason="});
  CHECK(command<List>({"list", "--quiet=", "web"}).names == Names{"web"});  // a flag
}

TEST_CASE("parse: serve takes the options of Prometheus's exporters") {
  const auto invocation = parse({"serve", "--web.listen-address=:1", "--web.listen-address", ":2",
                                 "--web.config.file", "w.yml", "--web.telemetry-path=/m",
                                 "--web.systemd-socket", "--log.level=debug", "--log.format=json"});
  REQUIRE(invocation);
  const config::AgentOverrides& agent = invocation->options.settings.agent;
  CHECK(agent.listen_addresses == std::vector<std::string>{":1", ":2"});
  CHECK(agent.web_config_file == "w.yml");
  CHECK(agent.telemetry_path == "/m");
  CHECK(agent.systemd_socket);
  CHECK(agent.log_level == base::LogLevel::debug);
  CHECK(agent.log_format == base::LogFormat::json);
  CHECK(refused({"serve", "--log.level=loud"}).exit_code == 2);
  CHECK(refused({"list", "--web.telemetry-path=/m"}).exit_code == 2);
}

}  // namespace
}  // namespace reeve::cli
