#include "config/config.h"

#include <filesystem>

#include "config/errors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::config {
namespace {

using tests::TemporaryFolder;

Config parsed(const std::string& text) {
  auto config = parse(text, "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  return *config;
}

TEST_CASE("config: an empty file is valid and means the defaults") {
  for (const char* text :
       {"", "# nothing\n", "---\n", "supervisors:\n", "poll:\n", "metrics: {}\n"}) {
    CAPTURE(text);
    CHECK(parsed(text) == default_config());
  }
  CHECK(default_config().metrics_listener.address.text() == ":19001");
  CHECK(default_config().control_listener.address.text() == "127.0.0.1:19002");
  CHECK_FALSE(default_config().control_enabled);
}

TEST_CASE("supervisor: one supervisord is unnamed and has defaults") {
  const Config config = parsed("supervisor: {url: 'unix:///run/s.sock', timeout: 500ms}\n");
  REQUIRE(config.supervisors.size() == 1);
  CHECK(config.supervisors[0].name.empty());
  CHECK(config.supervisors[0].endpoint.url() == "unix:///run/s.sock");
  CHECK(config.supervisors[0].timeout == std::chrono::milliseconds(500));
  CHECK(config.supervisor_url_given);

  const Config without_url = parsed("supervisor: {timeout: 1s}\n");
  CHECK(without_url.supervisors[0].endpoint.url() == "http://localhost:9001/RPC2");
  CHECK_FALSE(without_url.supervisor_url_given);
}

TEST_CASE("supervisors: several supervisords have names of their own") {
  const Config config = parsed(
      "supervisors:\n"
      "  - {name: web, url: 'http://web:9001'}\n"
      "  - {name: db, url: 'https://db:9001/', username: ops, password: s3cret}\n");
  REQUIRE(config.supervisors.size() == 2);
  CHECK(config.supervisors[0].endpoint.url() == "http://web:9001/RPC2");
  CHECK(config.supervisors[1].name == "db");
  CHECK(config.supervisors[1].username == "ops");
  CHECK(config.supervisors[1].password.reveal() == "s3cret");
}

TEST_CASE("supervisors: the list is checked as a whole") {
  CHECK(errors_of("supervisors:\n"
                  "  - {url: 'http://a:9001'}\n"
                  "  - {name: web, url: 'http://a:9001'}\n"
                  "  - {name: web, url: 'http://b:9001'}\n"
                  "  - {name: a/b}\n") ==
        "reeve.yaml:2:5: supervisors[0].name: each supervisord of the list needs a name\n"
        "reeve.yaml:4:12: supervisors[2].name: 'web' is already the name of another supervisord\n"
        "reeve.yaml:5:5: supervisors[3].url: each supervisord of the list needs a URL\n"
        "reeve.yaml:5:12: supervisors[3].name: a name contains neither blanks nor '/'");
  CHECK(errors_of("supervisors: []\n") ==
        "reeve.yaml:1:14: supervisors: the list is empty: add a supervisord, or remove the key");
  CHECK(errors_of("supervisor: {}\nsupervisors:\n  - {name: a, url: 'http://a'}\n") ==
        "reeve.yaml:2:1: supervisor and supervisors exclude each other: use one of them");
}

TEST_CASE("config: an unknown key is reported with the nearest valid one, or with all") {
  CHECK(errors_of("pol: {}\npoll: {intervall: 5s}\n") ==
        "reeve.yaml:1:1: unknown key 'pol': did you mean 'poll'?\n"
        "reeve.yaml:2:8: unknown key 'poll.intervall': did you mean 'interval'?");
  CHECK(errors_of("log: {colour: true}\n") ==
        "reeve.yaml:1:7: unknown key 'log.colour': the keys here are format and level");
}

TEST_CASE("config: wrong types say what was expected and what was found") {
  CHECK(errors_of("poll: 5s\n") ==
        "reeve.yaml:1:7: poll: expected a map of keys and values, found '5s'");
  CHECK(errors_of("- a\n") == "reeve.yaml:1:1: expected a map of keys and values, found a list");
  CHECK(errors_of("metrics: {transitions: yes}\n") ==
        "reeve.yaml:1:24: metrics.transitions: expected true or false, found 'yes'");
  CHECK(errors_of("metrics: {transitions: 'true'}\n") ==
        "reeve.yaml:1:24: metrics.transitions: expected true or false, found 'true'");
  CHECK(errors_of("metrics: {include: a}\n") ==
        "reeve.yaml:1:20: metrics.include: expected a list, found 'a'");
  CHECK(errors_of("metrics: {include: [[a]]}\n") ==
        "reeve.yaml:1:21: metrics.include: expected text in the list, found a list");
  CHECK(errors_of("supervisor: {url: [a]}\n") ==
        "reeve.yaml:1:19: supervisor.url: expected text, found a list");
  CHECK(errors_of("log: {level: loud, format:}\n") ==
        "reeve.yaml:1:14: log.level: expected debug, info, warn or error, found 'loud'\n"
        "reeve.yaml:1:27: log.format: expected text, found nothing");
  CHECK(errors_of("supervisors: {a: 1}\n") ==
        "reeve.yaml:1:14: supervisors: expected a list, found a map");
}

TEST_CASE("config: durations need a unit and have bounds") {
  CHECK(errors_of("poll: {interval: 5, timeout: 2d}\n") ==
        "reeve.yaml:1:18: poll.interval: expected a duration like 500ms, 5s, 2m or 1h, found '5'\n"
        "reeve.yaml:1:30: poll.timeout: expected a duration like 500ms, 5s, 2m or 1h, found '2d'");
  CHECK(errors_of("poll: {interval: 1ms}\n") ==
        "reeve.yaml:1:18: poll.interval: expected 100ms to 1h, found '1ms'");
  CHECK(parsed("poll: {interval: 2m, timeout: 90s}\n").poll ==
        monitor::PollOptions{std::chrono::minutes(2), std::chrono::seconds(90),
                             std::chrono::minutes(2)});
}

TEST_CASE("supervisor: the error of a bad URL never shows its password") {
  CHECK(errors_of("supervisor: {url: 'http://alice:s3cret@h:9001'}\n") ==
        "reeve.yaml:1:19: supervisor.url: credentials do not belong in the URL: use username and"
        " password_file");
  CHECK(errors_of("supervisor: {url: localhost}\n") ==
        "reeve.yaml:1:19: supervisor.url: a URL begins with http://, https:// or unix:///");
}

TEST_CASE("supervisor: a password from the configuration or its own file, not both") {
  const TemporaryFolder folder;
  const std::string secret = folder.write("secret", "s3cret\n");
  CHECK(parsed("supervisor: {username: a, password_file: " + secret + "}\n")
            .supervisors[0]
            .password.reveal() == "s3cret");
  CHECK(errors_of("supervisor: {username: a, password: x, password_file: " + secret + "}\n") ==
        "reeve.yaml:1:55: supervisor.password_file: password is set too: use one of them");
  CHECK(errors_of("supervisor: {username: a, password_file: /no/such/file}\n") ==
        "reeve.yaml:1:42: supervisor.password_file: cannot read /no/such/file: No such file or"
        " directory");
  CHECK(errors_of("supervisor: {password: x}\n") ==
        "reeve.yaml:1:13: supervisor.username: a password needs a user name");
  CHECK(errors_of("supervisor: {username: 'a:b'}\n") ==
        "reeve.yaml:1:24: supervisor.username: a user name contains no colon");
}

TEST_CASE("supervisor: a file with a password must not be readable by all users") {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml", "supervisor: {username: a, password: x}\n");
  CHECK(load(path));
  std::filesystem::permissions(path, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  CHECK(errors_of(load(path)) == path +
                                     ":1:37: supervisor.password: all users can read this file:"
                                     " chmod o-r it, or use password_file");
}

TEST_CASE("config: relative file names start from the configuration's own folder") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("c.yaml", "supervisor: {username: a, password_file: secret}\n");
  CHECK(errors_of(load(path)) == path + ":1:42: supervisor.password_file: cannot read " +
                                     folder.path() + "/secret: No such file or directory");
  static_cast<void>(folder.write("secret", "x"));
  CHECK(load(path));
}

TEST_CASE("config: a file that cannot be read is one error") {
  CHECK(errors_of(load("/no/such.yaml")) ==
        "/no/such.yaml: cannot read /no/such.yaml: No such file or directory");
  CHECK(errors_of(load("/tmp")) == "/tmp: cannot read /tmp: not a regular file");
}

TEST_CASE("metrics: resources and compatible names") {
  const Config config = parsed(
      "metrics:\n"
      "  resources: on\n"
      "  proportional_memory: true\n"
      "  compatibility: [supervisord_exporter]\n");
  CHECK(config.poll.resources.measure == monitor::MeasureResources::on);
  CHECK(config.poll.resources.proportional_memory);
  CHECK(config.metrics.supervisord_exporter_names);
  CHECK_FALSE(config.metrics.node_exporter_names);
  CHECK(
      errors_of("metrics:\n"
                "  resources: true\n"
                "  compatibility: [node_exporters, telegraf]\n") ==
      "reeve.yaml:2:14: metrics.resources: expected auto, on or off, found 'true'\n"
      "reeve.yaml:3:19: metrics.compatibility: unknown exporter 'node_exporters': did you mean"
      " 'node_exporter'?\n"
      "reeve.yaml:3:35: metrics.compatibility: unknown exporter 'telegraf': expected node_exporter"
      " or supervisord_exporter");
}

TEST_CASE("metrics: listener, path and filters") {
  const Config config = parsed(
      "metrics:\n"
      "  listen: 127.0.0.1:9\n"
      "  path: /m\n"
      "  transitions: true\n"
      "  include: ['web:.*']\n"
      "  exclude: ['.*_tmp', 'x']\n");
  CHECK(config.metrics_listener.address.text() == "127.0.0.1:9");
  CHECK(config.metrics_api.path == "/m");
  CHECK(config.metrics.transitions);
  CHECK(config.metrics.include == std::vector<std::string>{"web:.*"});
  CHECK(config.metrics.exclude.size() == 2);
}

TEST_CASE("events: standard input, socket, or off") {
  using Stream = events::Options::Stream;
  CHECK(default_config().events == events::Options{Stream::automatic, ""});
  CHECK(parsed("events: {stream: on, socket: /run/reeve/events.sock}\n").events ==
        events::Options{Stream::on, "/run/reeve/events.sock"});
  CHECK(parsed("events: {stream: off}\n").events.stream == Stream::off);
  CHECK(parsed("events: {main_log: off}\n").poll.main_log == monitor::MainLog::off);
  CHECK(errors_of("events: {stream: maybe, socket: events.sock}\n") ==
        "reeve.yaml:1:18: events.stream: expected auto, on or off, found 'maybe'\n"
        "reeve.yaml:1:33: events.socket: expected the path of a unix socket like "
        "/run/reeve/events.sock, of at most 107 characters");
}

TEST_CASE("poll: an interval that is set applies with an event stream too") {
  CHECK(default_config().poll.interval_with_events == std::chrono::seconds(60));
  CHECK(parsed("poll: {timeout: 1s}\n").poll.interval_with_events == std::chrono::seconds(60));
  CHECK(parsed("poll: {interval: 7s}\n").poll.interval_with_events == std::chrono::seconds(7));
}

TEST_CASE("metrics: a reserved path, a bad address and a bad expression are errors") {
  CHECK(errors_of("metrics:\n"
                  "  listen: nowhere\n"
                  "  path: /-/ready\n"
                  "  include: ['(']\n") ==
        "reeve.yaml:2:11: metrics.listen: a listen address is host:port, [v6]:port, :port or"
        " unix:///path\n"
        "reeve.yaml:3:9: metrics.path: /-/ready is reserved: use another path\n"
        "reeve.yaml:4:13: metrics.include: not a regular expression over group:name: missing ):"
        " (");
  CHECK(errors_of("metrics: {path: m}\n") ==
        "reeve.yaml:1:17: metrics.path: expected a path like /metrics, without blanks, ?, # and %");
}

TEST_CASE("log: level and format") {
  const Config config = parsed("log: {level: warn, format: json}\n");
  CHECK(config.log == base::LogOptions{base::LogLevel::warning, base::LogFormat::json});
}

TEST_CASE("config: all errors at once, sorted by position") {
  CHECK(
      errors_of("log: {level: x}\npoll: {interval: x}\nsupervisor: {url: x}\nfoo: 1\n") ==
      "reeve.yaml:1:14: log.level: expected debug, info, warn or error, found 'x'\n"
      "reeve.yaml:2:18: poll.interval: expected a duration like 500ms, 5s, 2m or 1h, found 'x'\n"
      "reeve.yaml:3:19: supervisor.url: a URL begins with http://, https:// or unix:///\n"
      "reeve.yaml:4:1: unknown key 'foo': the keys here are agent, alerts, control, coordination, "
      "events, log, "
      "metrics, poll, state_dir, supervisor and supervisors");
}

}  // namespace
}  // namespace reeve::config
