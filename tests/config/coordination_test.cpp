#include "config/errors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::config {
namespace {

using namespace std::chrono_literals;

std::string with(const std::string& etcd, const std::string& rest = "") {
  return "coordination: {etcd: {" + etcd + "}" + rest + "}\n";
}

const std::string local = R"(endpoints: ["http://127.0.0.1:2379"])";

TEST_CASE("coordination: absent there is none, and with endpoints alone all else has its default") {
  CHECK_FALSE(parse("log: {level: info}\n", "reeve.yaml")->coordination);
  const auto config = parse(with(local), "reeve.yaml");
  REQUIRE(config);
  const auto& options = *config->coordination;
  REQUIRE(options.etcd.endpoints.size() == 1);
  CHECK(options.etcd.endpoints.front().port == 2379);
  CHECK(options.etcd.timeout == 2s);
  CHECK(options.cluster == "default");
  CHECK(options.lease == 30s);
  CHECK(options.member.name.empty());
}

TEST_CASE("coordination: all keys are read") {
  const tests::TemporaryFolder folder;
  const std::string password = folder.write("password", "secret\n");
  const auto config = parse(
      with(R"(endpoints: ["https://a:2379", "https://b:2379"], username: reeve, password_file: ")" +
               password + R"(", timeout: 1s)",
           R"(, cluster: c1, member: {name: host7, metrics: "host7:9180",)"
           R"( control: "https://host7:19002", labels: {rack: a}}, lease: 20s)"),
      "reeve.yaml");
  REQUIRE(config);
  const auto& options = *config->coordination;
  CHECK(options.etcd.username == "reeve");
  CHECK(options.etcd.password.reveal() == "secret");
  CHECK(options.etcd.timeout == 1s);
  CHECK(options.cluster == "c1");
  CHECK(options.member == coordination::MemberInfo{
                              "host7", "host7:9180", "https://host7:19002", "", {{"rack", "a"}}});
  CHECK(options.lease == 20s);
}

TEST_CASE("coordination: what cannot work is an error with its place") {
  const auto has = [](const std::string& text, const std::string& error) {
    CAPTURE(text);
    CHECK_THAT(errors_of(text), Catch::Contains(error));
  };
  has("coordination: {}\n", "reeve.yaml:1:15: coordination.etcd: expected where etcd is");
  has(with(""), "coordination.etcd.endpoints: expected the URLs of etcd");
  has(with(R"(endpoints: ["ftp://a"])"), "coordination.etcd.endpoints: ");
  has(with(R"(endpoints: ["http://a:1/b"])"), "expected a URL like http://127.0.0.1:2379");
  has(with(R"(endpoints: ["unix:///run/etcd"])"), "expected a URL like http://127.0.0.1:2379");
  has(with(local + ", timeout: 4s"),
      "coordination.lease: expected at least ten times etcd.timeout");
  has(with(local + ", username: reeve"), "username and password_file belong together");
  has(with(local + ", tls: {cert_file: /dev/null}"), "belong together: set both");
  has(with(local, ", cluster: a/b"), "coordination.cluster: expected at most 64 letters");
  has(with(local, ", member: {name: 'a b'}"), "coordination.member.name: expected at most 253");
  has(with(local, ", member: {metrics: ':1'}"), "coordination.member.metrics: expected HOST:PORT");
  has(with(local, ", member: {control: host7}"), "coordination.member.control: expected a URL");
  has(with(local, ", member: {labels: {1a: x}}"),
      "coordination.member.labels.1a: not a valid label");
  has(with(local, ", lease: 1s"), "coordination.lease: ");
  has(with(local, ", leese: 1s"), "did you mean 'lease'?");
}

TEST_CASE("coordination: a password crosses the network encrypted, unless it is said otherwise") {
  const tests::TemporaryFolder folder;
  const std::string user = ", username: reeve, password_file: " + folder.write("password", "x\n");
  CHECK(errors_of(with(local + user)).empty());
  CHECK(errors_of(with(R"(endpoints: ["https://a:2379"])" + user)).empty());
  const std::string exposed = R"(endpoints: ["http://127.0.0.1:2379", "http://a:2379"])" + user;
  CHECK_THAT(errors_of(with(exposed)), Catch::Contains("its password would be sent over http"));
  CHECK(errors_of(with(exposed + ", plaintext: true")).empty());
}

TEST_CASE("alerts: a limit needs coordination, a plain name and time to wait") {
  const tests::TemporaryFolder folder;
  const std::string token = folder.write("token", std::string(64, 'a') + "\n");
  const auto rule = [&](const std::string& more) {
    return "control: {enabled: true, tokens: [{name: am, scopes: [alerts], file: " + token +
           "}]}\nalerts: {rules: [{name: a, match: {alertname: A}, target: "
           "'{{group}}:{{name}}', allow: ['web:*'], action: restart" +
           more + "}]}\n";
  };
  CHECK_THAT(errors_of(rule(", limit: web")), Catch::Contains("set coordination"));
  CHECK(errors_of(with(local) + rule(", limit: web")).empty());
  CHECK(parse(with(local) + rule(", limit: web"), "r.yaml")->alerts.rules.front().limit == "web");
  CHECK_THAT(errors_of(with(local) + rule(", limit: 'a b'")),
             Catch::Contains("a limit has a name"));
  CHECK_THAT(errors_of(with(local) + rule(", limit: web, pending_for: 0s")),
             Catch::Contains("pending_for must exceed 0s"));
}

}  // namespace
}  // namespace reeve::config
