#include "cli/settings.h"

#include <filesystem>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/world.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

using tests::World;

Settings settled(World& world, const CommonOptions& options = {},
                 Purpose purpose = Purpose::one_shot) {
  auto settings = settle(options, purpose, world.surroundings);
  REQUIRE(settings);
  return *settings;
}

std::string url(World& world, const CommonOptions& options = {}) {
  return settled(world, options).config.supervisors.front().endpoint.url();
}

std::string refused(World& world, const CommonOptions& options) {
  const auto settings = settle(options, Purpose::one_shot, world.surroundings);
  REQUIRE_FALSE(settings);
  return config::to_string(settings.error().errors.front());
}

TEST_CASE("supervisord is where option, environment, file, its own variable or the default say") {
  World world;
  CHECK(url(world) == "http://localhost:9001/RPC2");
  CHECK(settled(world).url_is_default);
  world.variables["SUPERVISOR_SERVER_URL"] = "unix:///run/parent.sock";
  CHECK(url(world) == "unix:///run/parent.sock");
  CHECK_FALSE(settled(world).url_is_default);
  static_cast<void>(world.folder.write("system.yaml", "supervisor: {url: 'http://file:1'}\n"));
  CHECK(url(world) == "http://file:1/RPC2");
  world.variables["REEVE_URL"] = "http://variable:1/";
  CHECK(url(world) == "http://variable:1/RPC2");
  CommonOptions options;
  options.url = "https://option";
  CHECK(url(world, options) == "https://option:443/RPC2");
}

TEST_CASE("a file that says nothing of a URL leaves the choice open") {
  World world;
  static_cast<void>(world.folder.write("system.yaml", "supervisor: {timeout: 1s}\n"));
  CHECK(settled(world).url_is_default);
  world.variables["SUPERVISOR_SERVER_URL"] = "http://parent:1";
  CHECK(url(world) == "http://parent:1/RPC2");
  CHECK(settled(world).config.supervisors.front().timeout == std::chrono::seconds(1));
}

TEST_CASE("credentials of the file are not sent to another URL") {
  World world;
  static_cast<void>(world.folder.write(
      "system.yaml", "supervisor: {url: 'http://file:1', username: a, password: b}\n"));
  CommonOptions options;
  options.url = "http://other:1";
  CHECK(settled(world, options).config.supervisors.front().username.empty());
  CHECK(settled(world, options).config.supervisors.front().password.empty());
}

TEST_CASE("user name and password file come from options or environment") {
  World world;
  world.variables["REEVE_USERNAME"] = "alice";
  world.variables["REEVE_PASSWORD_FILE"] = world.folder.write("secret", "s3cret\n");
  const auto supervisor = settled(world).config.supervisors.front();
  CHECK(supervisor.username == "alice");
  CHECK(supervisor.password.reveal() == "s3cret");
  CommonOptions options;
  options.password_file = "/no/such";
  CHECK(refused(world, options) ==
        "--password-file: cannot read /no/such: No such file or directory");
  world.variables.erase("REEVE_USERNAME");
  CHECK(refused(world, {}) == "REEVE_PASSWORD_FILE: a password needs a user name: --username");
}

TEST_CASE("a user name that is taken away leaves the configuration's password without one") {
  World world;
  static_cast<void>(world.folder.write(
      "system.yaml", "supervisor: {url: 'http://file:1', username: a, password: b}\n"));
  CommonOptions options;
  options.username = "";
  CHECK(refused(world, options) == "--username: a password needs a user name: --username");
}

TEST_CASE("one of several configured supervisords is chosen by name") {
  World world;
  world.have_supervisors({"web", "db"});
  CHECK(settled(world).config.supervisors.size() == 2);
  CommonOptions options;
  options.supervisor = "db";
  CHECK(settled(world, options).config.supervisors.front().name == "db");
  options.supervisor = "mail";
  CHECK(refused(world, options) == "--supervisor: 'mail' is not configured; there are web, db");
  options.url = "http://h";
  CHECK(refused(world, options) ==
        "--supervisor: chooses from the configuration, which --url replaces: use one of them");
}

TEST_CASE("a bad URL is blamed on where it came from") {
  World world;
  world.variables["REEVE_URL"] = "http://a:b@h";
  CHECK(refused(world, {}) ==
        "REEVE_URL: credentials do not belong in the URL: use username and password_file");
}

TEST_CASE("the configuration is the named, the user's or the system's, in this order") {
  World world;
  const auto file = [&] { return settled(world, {}, Purpose::agent).config_file; };
  CHECK(file().empty());
  const std::string system = world.folder.write("system.yaml", "");
  CHECK(file() == system);
  std::filesystem::create_directories(world.folder.path() + "/home/.config/reeve");
  const std::string user = world.folder.write("home/.config/reeve/config.yaml", "");
  world.variables["HOME"] = world.folder.path() + "/home";
  CHECK(file() == user);
  world.variables["XDG_CONFIG_HOME"] = world.folder.path() + "/none";
  CHECK(file() == system);
  world.variables["REEVE_CONFIG"] = world.folder.write("named.yaml", "");
  CHECK(file() == world.variables["REEVE_CONFIG"]);
  CommonOptions options;
  options.config_file = world.folder.write("option.yaml", "");
  CHECK(settled(world, options).config_file == *options.config_file);
  options.config_file = "/no/such.yaml";
  CHECK(refused(world, options) ==
        "/no/such.yaml: cannot read /no/such.yaml: No such file or directory");
}

TEST_CASE("the working folder's config.yaml is taken for one-shot commands, and said") {
  World world;
  const std::string path = world.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n");
  CHECK(url(world) == "http://w:1/RPC2");
  CHECK(world.err.str() == "reeve: using the configuration " + path + "\n");
  CHECK(settled(world, {}, Purpose::agent).config_file.empty());
}

TEST_CASE("the working folder's config.yaml is not taken if it is not to be trusted") {
  World world;
  const std::string path = world.folder.write("config.yaml", "supervisor: {url: 'http://w:1'}\n");
  world.surroundings.is_root = true;
  CHECK(url(world) == "http://localhost:9001/RPC2");
  CHECK(world.err.str() == "reeve: not using " + path +
                               ": root does not take a configuration from the working folder"
                               " (--config takes it)\n");
  world.surroundings.is_root = false;
  world.err.str("");
  std::filesystem::permissions(path, std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  CHECK(url(world) == "http://localhost:9001/RPC2");
  CHECK(world.err.str() ==
        "reeve: not using " + path + ": others may write it (--config takes it)\n");
}

TEST_CASE("a config.yaml of something else in the working folder is passed by in silence") {
  World world;
  static_cast<void>(world.folder.write("config.yaml", "title: a blog\nlog: [1\n"));
  CHECK(url(world) == "http://localhost:9001/RPC2");
  static_cast<void>(world.folder.write("config.yaml", "title: a blog\n"));
  CHECK(url(world) == "http://localhost:9001/RPC2");
  CHECK(world.err.str().empty());
}

/// A socket file that nobody listens on.
void make_socket(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(socket);
}

TEST_CASE("with nobody at the default URL the usual sockets are tried, and it is said") {
  World world;
  const std::string socket = world.folder.path() + "/supervisor.sock";
  make_socket(socket);
  world.surroundings.usual_sockets = {"/no/such.sock", socket};
  Settings settings = settled(world);
  try_usual_sockets(settings, world.surroundings);
  CHECK(settings.config.supervisors.front().endpoint.url() == "http://localhost:9001/RPC2");
  world.fake().fail({tests::Operation::connect});
  try_usual_sockets(settings, world.surroundings);
  CHECK(settings.config.supervisors.front().endpoint.url() == "unix://" + socket);
  CHECK(world.err.str() ==
        "reeve: nothing listens at http://localhost:9001/RPC2: using unix://" + socket + "\n");
}

TEST_CASE("with nobody anywhere yet, the usual sockets stay in mind") {
  World world;
  world.surroundings.usual_sockets = {"/no/such.sock"};
  world.fake().fail({tests::Operation::connect});
  Settings settings = settled(world);
  try_usual_sockets(settings, world.surroundings);
  CHECK(settings.config.supervisors.front().usual_sockets == world.surroundings.usual_sockets);
  CHECK(settings.config.supervisors.front().endpoint.url() == "http://localhost:9001/RPC2");
}

TEST_CASE("where somebody said where supervisord is, no socket is tried") {
  World world;
  const std::string socket = world.folder.path() + "/supervisor.sock";
  make_socket(socket);
  world.surroundings.usual_sockets = {socket};
  world.variables["REEVE_URL"] = "http://localhost:9001";
  world.fake().fail({tests::Operation::connect});
  Settings settings = settled(world);
  try_usual_sockets(settings, world.surroundings);
  CHECK(settings.config.supervisors.front().endpoint.url() == "http://localhost:9001/RPC2");
  CHECK(world.connected.empty());
}

}  // namespace
}  // namespace reeve::cli
