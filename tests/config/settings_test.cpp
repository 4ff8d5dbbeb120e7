#include "config/settings.h"

#include <filesystem>
#include <map>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::config {
namespace {

using Notices = std::vector<std::string>;

/// A folder with configuration files, and environment variables.
struct SettingsFixture {
  SettingsFixture() {
    sources.variable = [this](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    sources.system_config = folder.path() + "/system.yaml";
    sources.working_folder = folder.path();
    sources.usual_sockets = {};
  }

  /// The notice of try_usual_sockets(), empty if there is none.
  std::string try_sockets(Settings& settings) {
    return try_usual_sockets(settings, sources,
                             [this](const supervisor::Options& options) {
                               asked.push_back(options);
                               return unreachable;
                             })
        .value_or("");
  }

  tests::TemporaryFolder folder;
  std::map<std::string, std::string> variables;
  SettingsSources sources;
  bool unreachable = false;
  std::vector<supervisor::Options> asked;  ///< whether they are unreachable
};

Settings loaded(SettingsFixture& fixture, const SettingsOptions& options = {},
                Purpose purpose = Purpose::one_shot) {
  auto settings = load_settings(options, purpose, fixture.sources);
  REQUIRE(settings);
  return *settings;
}

std::string url(SettingsFixture& fixture, const SettingsOptions& options = {}) {
  return loaded(fixture, options).config.supervisors.front().endpoint.url();
}

std::string error_of(SettingsFixture& fixture, const SettingsOptions& options) {
  const auto settings = load_settings(options, Purpose::one_shot, fixture.sources);
  REQUIRE_FALSE(settings);
  return to_string(settings.error().errors.front());
}

TEST_CASE(
    "load_settings: the URL comes from option, environment, file, supervisord's variable or "
    "default, in this order") {
  SettingsFixture fixture;
  CHECK(url(fixture) == "http://localhost:9001/RPC2");
  CHECK(loaded(fixture).url_is_default);
  fixture.variables["SUPERVISOR_SERVER_URL"] = "unix:///run/parent.sock";
  CHECK(url(fixture) == "unix:///run/parent.sock");
  CHECK_FALSE(loaded(fixture).url_is_default);
  static_cast<void>(fixture.folder.write("system.yaml", "supervisor: {url: 'http://file:1'}\n"));
  CHECK(url(fixture) == "http://file:1/RPC2");
  fixture.variables["REEVE_URL"] = "http://variable:1/";
  CHECK(url(fixture) == "http://variable:1/RPC2");
  SettingsOptions options;
  options.url = "https://option";
  CHECK(url(fixture, options) == "https://option:443/RPC2");
}

TEST_CASE("load_settings: a file without a URL leaves the default") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("system.yaml", "supervisor: {timeout: 1s}\n"));
  CHECK(loaded(fixture).url_is_default);
  fixture.variables["SUPERVISOR_SERVER_URL"] = "http://parent:1";
  CHECK(url(fixture) == "http://parent:1/RPC2");
  CHECK(loaded(fixture).config.supervisors.front().timeout == std::chrono::seconds(1));
}

TEST_CASE("load_settings: credentials of the file are not sent to another URL") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write(
      "system.yaml", "supervisor: {url: 'http://file:1', username: a, password: b}\n"));
  SettingsOptions options;
  options.url = "http://other:1";
  CHECK(loaded(fixture, options).config.supervisors.front().username.empty());
  CHECK(loaded(fixture, options).config.supervisors.front().password.empty());
}

TEST_CASE("load_settings: user name and password file come from options or environment") {
  SettingsFixture fixture;
  fixture.variables["REEVE_USERNAME"] = "alice";
  fixture.variables["REEVE_PASSWORD_FILE"] = fixture.folder.write("secret", "s3cret\n");
  const auto supervisor = loaded(fixture).config.supervisors.front();
  CHECK(supervisor.username == "alice");
  CHECK(supervisor.password.reveal() == "s3cret");
  SettingsOptions options;
  options.password_file = "/no/such";
  CHECK(error_of(fixture, options) ==
        "--password-file: cannot read /no/such: No such file or directory");
  fixture.variables.erase("REEVE_USERNAME");
  CHECK(error_of(fixture, {}) == "REEVE_PASSWORD_FILE: a password needs a user name: --username");
}

TEST_CASE("load_settings: supervisord's children take SUPERVISOR_USERNAME for their parent alone") {
  SettingsFixture fixture;
  fixture.variables["SUPERVISOR_SERVER_URL"] = "http://localhost:9001";
  fixture.variables["SUPERVISOR_USERNAME"] = "parent";
  fixture.variables["SUPERVISOR_PASSWORD"] = "secret";
  CHECK(loaded(fixture).config.supervisors.front().username == "parent");
  CHECK(loaded(fixture, {}, Purpose::agent).config.supervisors.front().password.reveal() ==
        "secret");
  SettingsOptions options;
  options.url = "http://localhost:9001/RPC2";
  CHECK(loaded(fixture, options).config.supervisors.front().username == "parent");
  options.url = "http://other:9001";
  CHECK(loaded(fixture, options).config.supervisors.front().username.empty());
  CHECK(loaded(fixture, options).config.supervisors.front().password.empty());
  static_cast<void>(fixture.folder.write(
      "system.yaml", "supervisor: {url: 'http://localhost:9001', username: a, password: b}\n"));
  CHECK(loaded(fixture).config.supervisors.front().username == "a");
  CHECK(loaded(fixture).config.supervisors.front().password.reveal() == "b");
}

TEST_CASE("load_settings: an empty user name for the configuration's password is an error") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write(
      "system.yaml", "supervisor: {url: 'http://file:1', username: a, password: b}\n"));
  SettingsOptions options;
  options.username = "";
  CHECK(error_of(fixture, options) == "--username: a password needs a user name: --username");
}

TEST_CASE("load_settings: one of several configured supervisords is chosen by name") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("system.yaml",
                                         "supervisors:\n"
                                         "  - {name: web, url: 'http://web:9001'}\n"
                                         "  - {name: db, url: 'http://db:9001'}\n"));
  CHECK(loaded(fixture).config.supervisors.size() == 2);
  SettingsOptions options;
  options.supervisor = "db";
  CHECK(loaded(fixture, options).config.supervisors.front().name == "db");
  options.supervisor = "mail";
  CHECK(error_of(fixture, options) == "--supervisor: 'mail' is not configured; there are web, db");
  options.url = "http://h";
  CHECK(error_of(fixture, options) ==
        "--supervisor: chooses from the configuration, which --url replaces: use one of them");
}

TEST_CASE("load_settings: the error of a bad URL names the option or variable") {
  SettingsFixture fixture;
  fixture.variables["REEVE_URL"] = "http://a:b@h";
  CHECK(error_of(fixture, {}) ==
        "REEVE_URL: credentials do not belong in the URL: use username and password_file");
}

TEST_CASE("find_config: the named file, the user's or the system's, in this order") {
  SettingsFixture fixture;
  const auto file = [&] { return loaded(fixture, {}, Purpose::agent).config_file; };
  CHECK(file().empty());
  const std::string system = fixture.folder.write("system.yaml", "");
  CHECK(file() == system);
  std::filesystem::create_directories(fixture.folder.path() + "/home/.config/reeve");
  const std::string user = fixture.folder.write("home/.config/reeve/config.yaml", "");
  fixture.variables["HOME"] = fixture.folder.path() + "/home";
  CHECK(file() == user);
  fixture.variables["XDG_CONFIG_HOME"] = fixture.folder.path() + "/none";
  CHECK(file() == system);
  fixture.variables["REEVE_CONFIG"] = fixture.folder.write("named.yaml", "");
  CHECK(file() == fixture.variables["REEVE_CONFIG"]);
  SettingsOptions options;
  options.config_file = fixture.folder.write("option.yaml", "");
  CHECK(loaded(fixture, options).config_file == *options.config_file);
  options.config_file = "/no/such.yaml";
  CHECK(error_of(fixture, options) ==
        "/no/such.yaml: cannot read /no/such.yaml: No such file or directory");
}

TEST_CASE("find_config: the working folder's config.yaml for one-shot commands, with a notice") {
  SettingsFixture fixture;
  const std::string path = fixture.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n");
  CHECK(url(fixture) == "http://w:1/RPC2");
  CHECK(loaded(fixture).notices == Notices{"using the configuration " + path});
  CHECK(loaded(fixture, {}, Purpose::agent).config_file.empty());
}

TEST_CASE("find_config: what is not an absolute path in XDG_CONFIG_HOME or HOME is ignored") {
  SettingsFixture fixture;
  for (const char* variable : {"XDG_CONFIG_HOME", "HOME"}) {
    fixture.variables[variable] = std::filesystem::relative(fixture.folder.path()).string();
  }
  std::filesystem::create_directories(fixture.folder.path() + "/reeve");
  std::filesystem::create_directories(fixture.folder.path() + "/.config/reeve");
  static_cast<void>(fixture.folder.write("reeve/config.yaml", ""));
  static_cast<void>(fixture.folder.write(".config/reeve/config.yaml", ""));
  CHECK(find_config({}, Purpose::agent, fixture.sources).path.empty());
}

TEST_CASE(
    "load_settings: an option's error is one of usage, a web configuration's content is not") {
  SettingsFixture fixture;
  SettingsOptions options;
  options.agent.web_config_file = fixture.folder.write("web.yml", "basic_auth_users: 7\n");
  const auto content = load_settings(options, Purpose::agent, fixture.sources);
  REQUIRE_FALSE(content);
  CHECK_FALSE(content.error().usage);
  options.agent = {};
  options.agent.telemetry_path = "m";
  const auto option = load_settings(options, Purpose::agent, fixture.sources);
  REQUIRE_FALSE(option);
  CHECK(option.error().usage);
}

TEST_CASE("load_settings: the working folder's config.yaml gives URLs and nothing else") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("token", "secret\n"));
  const std::string path = fixture.folder.path() + "/config.yaml";
  const std::string advice =
      ": a configuration that is found in the working folder may give the URL of supervisord and"
      " nothing else: --config " +
      path + " takes all of it";
  const auto refused = [&](const std::string& text) {
    static_cast<void>(fixture.folder.write("config.yaml", text));
    return error_of(fixture, {});
  };
  CHECK(refused("supervisor: {url: 'http://w:1', username: x, password_file: token}\n") ==
        path + ":1:33: supervisor.username" + advice);
  CHECK(refused("supervisor:\n  url: http://w:1\n  password_file: token\n") ==
        path + ":3:3: supervisor.password_file" + advice);
  CHECK(refused("supervisors:\n  - {name: a, url: 'http://w:1', password: p}\n") ==
        path + ":2:34: supervisors.password" + advice);
  CHECK(refused("supervisor: {url: 'http://w:1'}\nmetrics: {web_config_file: token}\n") ==
        path + ":2:1: metrics" + advice);
  static_cast<void>(fixture.folder.write(
      "config.yaml", "supervisors: [{name: a, url: 'http://w:1', timeout: 1s}]\n"));
  CHECK(url(fixture) == "http://w:1/RPC2");
}

TEST_CASE("load_settings: credentials of the environment go to no URL of the working folder") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n"));
  const std::string advice = " gives: name supervisord with --url, or this file with --config";
  const std::string path = fixture.folder.path() + "/config.yaml";
  fixture.variables["REEVE_PASSWORD_FILE"] = fixture.folder.write("token", "secret\n");
  CHECK(error_of(fixture, {}) == "REEVE_PASSWORD_FILE: is not sent to a URL that " + path + advice);
  SettingsOptions options;
  options.username = "x";
  CHECK(error_of(fixture, options) == "--username: is not sent to a URL that " + path + advice);
  options.url = "http://named:1";
  CHECK(loaded(fixture, options).config.supervisors.front().password.reveal() == "secret");
  fixture.variables = {{"SUPERVISOR_SERVER_URL", "http://parent:1"},
                       {"SUPERVISOR_USERNAME", "u"},
                       {"SUPERVISOR_PASSWORD", "p"}};
  CHECK(loaded(fixture).config.supervisors.front().username.empty());
}

TEST_CASE("load_settings: completion does not take the working folder's config.yaml") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n"));
  const Settings settings = loaded(fixture, {}, Purpose::completion);
  CHECK(settings.config_file.empty());
  CHECK(settings.url_is_default);
}

TEST_CASE("load_settings: one-shot commands read the part that they need") {
  SettingsFixture fixture;
  const std::string path = fixture.folder.write(
      "system.yaml",
      "control:\n  enabled: true\n  tokens: [{name: a, file: /no/such, scopes: [read]}]\n"
      "supervisors:\n"
      "  - {name: web, url: 'http://web:1', username: u, password_file: /no/such}\n"
      "  - {name: db, url: 'http://db:1'}\n"
      "alerts: {mode: perhaps}\n");
  SettingsOptions options;
  CHECK(error_of(fixture, options) == path +
                                          ":5:66: supervisors[0].password_file: cannot read"
                                          " /no/such: No such file or directory");
  options.supervisor = "db";
  CHECK(url(fixture, options) == "http://db:1/RPC2");
  CHECK(loaded(fixture, options).notices ==
        Notices{"warning: " + path +
                ":7:16: alerts.mode: expected off, dry_run or enforce, found 'perhaps' (not needed"
                " here; see reeve check-config " +
                path + ")"});
  options.supervisor.reset();
  options.username = "me";
  options.password_file = fixture.folder.write("secret", "s\n");
  CHECK(loaded(fixture, options).config.supervisors.front().password.reveal() == "s");
  CHECK_FALSE(load_settings(options, Purpose::agent, fixture.sources));
}

TEST_CASE("load_settings: with a URL a one-shot command reads no configuration") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("system.yaml", "supervisor: [\n"));
  SettingsOptions options;
  options.url = "http://h:1";
  CHECK(url(fixture, options) == "http://h:1/RPC2");
  CHECK(loaded(fixture, options).notices.empty());
  options.config_file = "/no/such.yaml";
  CHECK(url(fixture, options) == "http://h:1/RPC2");
}

TEST_CASE("load_settings: a syntax error is a warning only behind the supervisords") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("system.yaml",
                                         "supervisor: {url: 'http://s:1'}\nalerts:\n  rules: [\n"));
  CHECK(url(fixture) == "http://s:1/RPC2");
  REQUIRE(loaded(fixture).notices.size() == 1);
  CHECK_FALSE(load_settings({}, Purpose::agent, fixture.sources));
  static_cast<void>(fixture.folder.write("system.yaml",
                                         "alerts:\n  rules: ]\nsupervisor: {url: 'http://s:1'}\n"));
  CHECK_FALSE(load_settings({}, Purpose::one_shot, fixture.sources));
  static_cast<void>(fixture.folder.write("system.yaml", "supervisor:\n  url: [\n"));
  CHECK_FALSE(load_settings({}, Purpose::one_shot, fixture.sources));
  static_cast<void>(fixture.folder.write("system.yaml", "supervisr: {url: 'http://s:1'}\n"));
  CHECK_FALSE(load_settings({}, Purpose::one_shot, fixture.sources));
}

TEST_CASE(
    "find_config: not the working folder's config.yaml if others may have written it, or for "
    "root") {
  SettingsFixture fixture;
  const std::string path = fixture.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n");
  fixture.sources.is_root = true;
  CHECK(url(fixture) == "http://localhost:9001/RPC2");
  CHECK(loaded(fixture).notices ==
        Notices{"not using " + path +
                ": root does not take a configuration from the working folder"
                " (--config overrides this)"});
  fixture.sources.is_root = false;
  std::filesystem::permissions(path, std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  CHECK(url(fixture) == "http://localhost:9001/RPC2");
  CHECK(loaded(fixture).notices ==
        Notices{"not using " + path + ": other users may write it (--config overrides this)"});
}

TEST_CASE("find_config: a config.yaml of another program in the working folder is ignored") {
  SettingsFixture fixture;
  static_cast<void>(fixture.folder.write("config.yaml", "title: a blog\nlog: [1\n"));
  CHECK(url(fixture) == "http://localhost:9001/RPC2");
  static_cast<void>(fixture.folder.write("config.yaml", "title: a blog\n"));
  CHECK(url(fixture) == "http://localhost:9001/RPC2");
  CHECK(loaded(fixture).notices.empty());
}

/// A socket file without a listener.
void make_socket(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(socket);
}

TEST_CASE(
    "try_usual_sockets: an existing socket if nothing listens at the default URL, with a notice") {
  SettingsFixture fixture;
  const std::string socket = fixture.folder.path() + "/supervisor.sock";
  make_socket(socket);
  fixture.sources.usual_sockets = {"/no/such.sock", socket};
  Settings settings = loaded(fixture);
  CHECK(fixture.try_sockets(settings).empty());
  CHECK(settings.config.supervisors.front().endpoint.url() == "http://localhost:9001/RPC2");
  fixture.unreachable = true;
  CHECK(fixture.try_sockets(settings) ==
        "nothing listens at http://localhost:9001/RPC2: using unix://" + socket);
  CHECK(settings.config.supervisors.front().endpoint.url() == "unix://" + socket);
}

TEST_CASE("try_usual_sockets: without a socket yet, later calls try the usual ones") {
  SettingsFixture fixture;
  fixture.sources.usual_sockets = {"/no/such.sock"};
  fixture.unreachable = true;
  Settings settings = loaded(fixture);
  CHECK(fixture.try_sockets(settings).empty());
  CHECK(settings.config.supervisors.front().usual_sockets == fixture.sources.usual_sockets);
  CHECK(settings.config.supervisors.front().endpoint.url() == "http://localhost:9001/RPC2");
}

TEST_CASE("try_usual_sockets: no socket is tried if a URL was given") {
  SettingsFixture fixture;
  const std::string socket = fixture.folder.path() + "/supervisor.sock";
  make_socket(socket);
  fixture.sources.usual_sockets = {socket};
  fixture.variables["REEVE_URL"] = "http://localhost:9001";
  fixture.unreachable = true;
  Settings settings = loaded(fixture);
  CHECK(fixture.try_sockets(settings).empty());
  CHECK(settings.config.supervisors.front().endpoint.url() == "http://localhost:9001/RPC2");
  CHECK(fixture.asked.empty());
}

}  // namespace
}  // namespace reeve::config
