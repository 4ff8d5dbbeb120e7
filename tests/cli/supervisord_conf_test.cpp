#include "cli/supervisord_conf.h"

#include <filesystem>

#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::cli {
namespace {

struct ConfFixture {
  tests::TemporaryFolder folder;
  Variables variables = {{"HOME", "/home/me"}, {"WORD", "word"}};

  [[nodiscard]] ConfFile file(const std::string& text) const {
    return {folder.write("supervisord.conf", text)};
  }
  [[nodiscard]] ConfSettings settings(const std::string& text) const {
    const auto read = read_supervisord_conf(file(text), variables);
    INFO(text << (read ? "" : read.error().text));
    REQUIRE(read);
    return *read;
  }
  [[nodiscard]] ConfError error(const std::string& text) const {
    const auto read = read_supervisord_conf(file(text), variables);
    INFO(text);
    REQUIRE_FALSE(read);
    return read.error();
  }
};

TEST_CASE("read_supervisord_conf: an empty section has supervisorctl's defaults") {
  CHECK(ConfFixture().settings("[supervisorctl]\n") == ConfSettings{});
}

TEST_CASE("read_supervisord_conf: comments, continued values and spellings of configparser") {
  const ConfFixture fixture;
  const ConfSettings settings = fixture.settings(
      "# first\n[other]\nserverurl=x\n[supervisorctl] \n  ; indented\nServerURL : http://a:1 ; "
      "why\npassword=a;b#c\nusername = one\n   two\n\n   three\nprompt=%(ENV_WORD)s%%\n");
  CHECK(settings.server_url == "http://a:1");
  CHECK(settings.password == base::Secret("a;b#c"));
  CHECK(settings.username == "one\ntwo\n\nthree");
  CHECK(settings.prompt == "word%");
}

TEST_CASE(
    "read_supervisord_conf: a socket's path is made absolute, %(here)s is the file's folder") {
  const ConfFixture fixture;
  const std::string here = fixture.folder.path();
  CHECK(fixture.settings("[supervisorctl]\nserverurl=unix://%(here)s/../s.sock\n").server_url ==
        "unix://" + here.substr(0, here.rfind('/')) + "/s.sock");
  CHECK(fixture.settings("[supervisorctl]\nserverurl=unix://~/s.sock\n").server_url ==
        "unix:///home/me/s.sock");
}

TEST_CASE("read_supervisord_conf: the last of several values counts, [DEFAULT] stands in") {
  const ConfFixture fixture;
  const ConfSettings settings = fixture.settings(
      "[DEFAULT]\nusername=everyone\n[supervisorctl]\nprompt=a\n[x]\ny=1\n[supervisorctl]\n"
      "prompt=b\n");
  CHECK(settings.prompt == "b");
  CHECK(settings.username == "everyone");
}

TEST_CASE("read_supervisord_conf: without its section, included files and the servers' sections") {
  const ConfFixture fixture;
  static_cast<void>(fixture.folder.write("2.inc", "[supervisorctl]\nserverurl=http://two\n"));
  static_cast<void>(fixture.folder.write("1.inc", "[supervisorctl]\nserverurl=http://one\n"));
  CHECK(fixture.settings("[include]\nfiles = no*.x %(here)s/*.inc\n").server_url == "http://two");
  const ConfSettings socket = fixture.settings(
      "[unix_http_server]\nfile=/run/s.sock\nusername=me\npassword={SHA}82ab\n"
      "[inet_http_server]\nport=*:9001\n");
  CHECK(socket.server_url == "unix:///run/s.sock");
  CHECK(socket.username == "me");
  CHECK_FALSE(socket.password);
  const ConfSettings inet = fixture.settings("[inet_http_server]\nport=:9001\npassword=p\n");
  CHECK(inet.server_url == "http://localhost:9001");
  CHECK(inet.password == base::Secret("p"));
}

TEST_CASE("read_supervisord_conf: errors are supervisorctl's") {
  const ConfFixture fixture;
  CHECK(fixture.error("[supervisord]\n").text ==
        ".ini file does not include supervisorctl section");
  CHECK(fixture.error("[supervisorctl]\nprompt=%(here)s\n").text ==
        "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which cannot "
        "be expanded. Available names: ENV_HOME, ENV_WORD");
  CHECK(fixture.error("[supervisorctl]\nprompt=%\n").text ==
        "Format string '%' for 'supervisorctl.prompt' is badly formatted: incomplete format");
  CHECK(fixture.error("[supervisorctl]\nprompt=%(x\n").text.ends_with("incomplete format key"));
  CHECK(fixture.error("x=1\n").syntax);
  CHECK(fixture.error("[supervisorctl]\nx\n").text.ends_with("\n\t[line  2]: 'x\\n'"));
  CHECK(read_supervisord_conf({"/no/such"}, {}).error().text ==
        "could not find config file /no/such");
  CHECK(read_supervisord_conf({fixture.folder.path()}, {}).error().text ==
        "could not read config file " + fixture.folder.path());
}

TEST_CASE(
    "read_supervisord_conf: a file of the working folder names no variable, includes nothing") {
  const ConfFixture fixture;
  const auto read = [&](const std::string& text) {
    ConfFile file = fixture.file(text);
    file.restricted = true;
    return read_supervisord_conf(file, fixture.variables);
  };
  for (const char* option : {"serverurl", "username", "password", "prompt"}) {
    const auto secret = read(std::string("[supervisorctl]\n") + option + "=%(ENV_WORD)s\n");
    REQUIRE_FALSE(secret);
    CHECK(secret.error().text.find(" was found in the working folder") != std::string::npos);
  }
  static_cast<void>(fixture.folder.write("own.inc", "[supervisorctl]\npassword=mine\n"));
  CHECK_FALSE(read("[include]\nfiles=*.inc\n"));
  CHECK(read("[supervisorctl]\npassword=theirs\n")->password == base::Secret("theirs"));
}

/// Within the folder; back where it was at the end.
class WorkingFolder {
 public:
  explicit WorkingFolder(const std::string& path) { std::filesystem::current_path(path); }
  ~WorkingFolder() { std::filesystem::current_path(before_); }
  WorkingFolder(const WorkingFolder&) = delete;
  WorkingFolder& operator=(const WorkingFolder&) = delete;

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_CASE("find_supervisord_conf: one of the working folder is restricted, whoever owns it") {
  const ConfFixture fixture;
  const ConfFile file = fixture.file("[supervisorctl]\n");
  const WorkingFolder inside(fixture.folder.path());
  const ConfFile found = find_supervisord_conf("/no/such/bin/supervisorctl", false);
  CHECK(found.path == "supervisord.conf");
  CHECK(found.restricted);
  const ConfFile beside = find_supervisord_conf(fixture.folder.path() + "/bin/x", false);
  CHECK(beside.path == file.path);
  CHECK_FALSE(beside.restricted);
}

TEST_CASE("python_repr: quotes and escapes as Python does") {
  CHECK(python_repr("a'b") == "\"a'b\"");
  CHECK(python_repr("a'b\"") == "'a\\'b\"'");
  CHECK(python_repr("\\\n\x01\xC3\xA4") == "'\\\\\\n\\x01\xC3\xA4'");
}

}  // namespace
}  // namespace reeve::cli
