// Many hosts at once, each with an agent that the test plays.

#include "cli/fleet.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "cli/cli_fixture.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using base::failure;
using Method = AgentRequest::Method;

std::string process(const std::string& group, const std::string& name, const std::string& state) {
  return R"({"supervisor":null,"group":")" + group + R"(","name":")" + name + R"(","state":")" +
         state + R"(","now":1700000000,"pid":null,"description":"d"})";
}

/// While its supervisord cannot be read.
std::string unknown_process(const std::string& group, const std::string& name) {
  return R"({"supervisor":null,"group":")" + group + R"(","name":")" + name +
         R"(","state":null,"now":null,"pid":null,"description":null})";
}

struct FleetFixture : tests::CliFixture {
  FleetFixture() {
    environment.send_to_agent = [this](const AgentAddress& address, const AgentRequest& request,
                                       const std::stop_token&) { return answer(address, request); };
    static_cast<void>(folder.write("token", "the-token\n"));
    variables["REEVE_TOKEN_FILE"] = folder.path() + "/token";
    for (const char* host : {"a:1", "b:1"}) {
      lists[host] =
          "[" + process("web", "front", "RUNNING") + "," + process("web", "back", "STOPPED") + "]";
    }
  }

  base::Result<AgentResponse> answer(const AgentAddress& address, const AgentRequest& request) {
    const std::scoped_lock lock(mutex);
    const std::string host = address.endpoint.authority();
    asked.insert(host);
    if (request.target == "/api/v1/fleet/members") {
      return members;
    }
    if (!lists.contains(host)) {
      return failure(ErrorKind::unreachable, "nothing listens there");
    }
    if (request.target == "/api/v1/supervisors") {
      const bool is_up = !down.contains(host);
      return AgentResponse{200, std::string(R"([{"name":"","up":)") + (is_up ? "true" : "false") +
                                    R"(,"url":"http://s:9001/RPC2"}])"};
    }
    if (request.method == Method::get) {
      return AgentResponse{200, lists.at(host)};
    }
    const std::string path = request.target.substr(0, request.target.find('?'));
    actions.push_back(host + " " + path.substr(sizeof("/api/v1/processes/") - 1));
    bodies.push_back(request.body);
    if (std::find(failing.begin(), failing.end(), host) != failing.end()) {
      return AgentResponse{502, R"({"type":"urn:reeve:problem:spawn_failed","detail":"it died"})"};
    }
    return AgentResponse{200, R"({"id":"1","state":"done","changed":true})"};
  }

  std::mutex mutex;
  AgentResponse members{404, R"({"detail":"no such route"})"};
  std::map<std::string, std::string> lists;
  std::set<std::string> down;  ///< whose supervisord does not answer the agent
  std::vector<std::string> failing;
  std::set<std::string> asked;
  std::vector<std::string> actions;
  std::vector<std::string> bodies;
};

const std::string both = "https://a:1,https://b:1";

TEST_CASE("fleet list: processes of all hosts in one table, or as JSON with their host") {
  FleetFixture fixture;
  CHECK(fixture.run({"fleet", "list", "--agents", both}) == 0);
  CHECK(fixture.out.str() ==
        "HOST  NAME       STATUS   PID  DESCRIPTION\n"
        "a:1   web:front  RUNNING       d\n"
        "a:1   web:back   STOPPED       d\n"
        "b:1   web:front  RUNNING       d\n"
        "b:1   web:back   STOPPED       d\n");
  CHECK(fixture.run({"fleet", "list", "web:front", "--agents", both, "--output", "json"}) == 0);
  CHECK(fixture.out.str().find(R"("host": "b:1")") != std::string::npos);
  CHECK(fixture.out.str().find("back") == std::string::npos);
  CHECK(fixture.run({"fleet", "list", "nothing*", "--agents", both}) == 1);
  CHECK(fixture.err.str() == "reeve: no process matches 'nothing*'\n");
}

TEST_CASE("fleet list: a host that does not answer is a line, and exit code 4") {
  FleetFixture fixture;
  const std::string file =
      fixture.folder.write("hosts", "# two hosts\nhttps://a:1\n\nhttps://gone:1  # since Monday\n");
  CHECK(fixture.run({"fleet", "--agents-file", file}) == 4);
  CHECK(fixture.out.str().find("a:1   web:front") != std::string::npos);
  CHECK(fixture.err.str() == "reeve: gone:1: nothing listens there\n");
  CHECK(fixture.run({"fleet", "--agents-file", file, "--output", "json"}) == 4);
  CHECK(fixture.err.str().ends_with(R"("host":"gone:1"})"
                                    "\n"));
  CHECK(fixture.run({"fleet", "--agents-file", "/no/such/file"}) == 2);
}

TEST_CASE("fleet list: a supervisord that does not answer its agent is a line, and exit code 4") {
  FleetFixture fixture;
  fixture.down = {"b:1"};
  fixture.lists["b:1"] = "[" + unknown_process("web", "front") + "]";
  const std::string line =
      "reeve: b:1: supervisord at http://s:9001/RPC2 does not answer the agent\n";
  CHECK(fixture.run({"fleet", "list", "web:front", "--agents", both}) == 4);
  CHECK(fixture.out.str() ==
        "HOST  NAME       STATUS   PID  DESCRIPTION\n"
        "a:1   web:front  RUNNING       d\n"
        "b:1   web:front  UNKNOWN\n");
  CHECK(fixture.err.str() == line);
  fixture.lists["b:1"] = "[]";  // it never answered
  CHECK(fixture.run({"fleet", "list", "web:front", "--agents", "https://b:1"}) == 4);
  CHECK(fixture.err.str() == line);
  CHECK(fixture.run({"fleet", "list", "--agents", both, "--output", "json"}) == 4);
  CHECK(
      fixture.err.str() ==
      R"({"error":"unreachable","message":"supervisord at http://s:9001/RPC2 does not answer the )"
      R"(agent","supervisor":null,"process":null,"fault_code":null,"fault_string":null,"host":"b:1"})"
      "\n");
}

TEST_CASE("fleet restart: a supervisord that does not answer is named, the others are acted on") {
  FleetFixture fixture;
  fixture.down = {"a:1"};
  fixture.lists["a:1"] = "[" + unknown_process("web", "front") + "]";
  CHECK(fixture.run({"fleet", "restart", "web:*", "--agents", both, "--dry-run"}) == 4);
  CHECK(fixture.out.str() ==
        "b:1: web:front: would be restarted\nb:1: web:back: would be restarted\n");
  CHECK(fixture.err.str().starts_with("reeve: a:1: supervisord at "));
  CHECK(fixture.run({"fleet", "restart", "web:front", "--agents", both}) == 4);
  CHECK(fixture.actions == std::vector<std::string>{"b:1 web%3Afront/restart"});
  CHECK(fixture.err.str().find("restarting 1 process on 1 host, 1 at a time") != std::string::npos);
  fixture.failing = {"b:1"};
  CHECK(fixture.run({"fleet", "restart", "web:front", "--agents", both}) == 7);
}

TEST_CASE("fleet: the token goes over http to this machine alone, unless that is allowed") {
  FleetFixture fixture;
  fixture.lists["127.0.0.1:1"] = fixture.lists["a:1"];
  CHECK(fixture.run({"fleet", "list", "--agents", "http://a:1,http://127.0.0.1:1"}) == 4);
  CHECK(fixture.asked == std::set<std::string>{"127.0.0.1:1"});
  CHECK(fixture.err.str().find("not sent unencrypted to http://a:1/") != std::string::npos);
  CHECK(fixture.run({"fleet", "list", "--agents", "http://a:1", "--plaintext"}) == 0);
  CHECK(fixture.asked.contains("a:1"));
}

TEST_CASE("fleet: a member gets the token only if the caller trusts its host") {
  FleetFixture fixture;
  fixture.lists["127.0.0.1:19002"] = fixture.lists["a:1"];
  fixture.members = {200, R"([{"name":"one","self":true,"control":null},)"
                          R"({"name":"two","self":false,"control":"https://b:1"},)"
                          R"({"name":"three","self":false,"control":"https://evil.example:1"},)"
                          R"({"name":"four","self":false,"control":null}])"};
  CHECK(fixture.run({"fleet", "list"}) == 4);
  CHECK(fixture.asked == std::set<std::string>{"127.0.0.1:19002"});
  CHECK(fixture.out.str().find("one   web:front") != std::string::npos);
  CHECK(fixture.err.str().find("two: the token is not sent to https://b:1/") != std::string::npos);
  CHECK(fixture.err.str().find("four: it gives no URL") != std::string::npos);
  CHECK(fixture.run({"fleet", "list", "--trusted-host", "b"}) == 4);
  CHECK(fixture.out.str().find("two   web:front") != std::string::npos);
  static_cast<void>(fixture.folder.write(
      "system.yaml", "agent: {url: 'http://127.0.0.1:19002', trusted_hosts: [b]}\n"));
  CHECK(fixture.run({"fleet", "list"}) == 4);
  CHECK(fixture.out.str().find("two   web:front") != std::string::npos);
  CHECK_FALSE(fixture.asked.contains("evil.example:1"));
  fixture.members = {404, R"({"detail":"no such route"})"};
  CHECK(fixture.run({"fleet", "list"}) == 1);
  CHECK(fixture.err.str().find("--agents URL,URL") != std::string::npos);
}

TEST_CASE("is_trusted: a host, or all below a domain") {
  CHECK(is_trusted("a.example.org", {"b", "a.example.org"}));
  CHECK(is_trusted("a.example.org", {"*.example.org"}));
  CHECK_FALSE(is_trusted("example.org", {"*.example.org"}));
  CHECK_FALSE(is_trusted("badexample.org", {"*.example.org"}));
  CHECK_FALSE(is_trusted("a.example.org.evil", {"*.example.org"}));
  CHECK_FALSE(is_trusted("a", {"*"}));
  CHECK_FALSE(is_trusted("a", {}));
}

TEST_CASE("fleet restart: host by host, the reason in each agent's audit, and a summary") {
  FleetFixture fixture;
  CHECK(fixture.run({"fleet", "restart", "web:*", "--agents", both, "--reason", "new key"}) == 0);
  CHECK(fixture.actions ==
        std::vector<std::string>{"a:1 web%3Afront/restart", "a:1 web%3Aback/restart",
                                 "b:1 web%3Afront/restart", "b:1 web%3Aback/restart"});
  CHECK(fixture.bodies.front() == R"({"reason":"new key"})");
  CHECK(fixture.out.str() ==
        "a:1: web:front: restarted\na:1: web:back: restarted\n"
        "b:1: web:front: restarted\nb:1: web:back: restarted\n");
  CHECK(fixture.err.str() ==
        "reeve: restarting 4 processes on 2 hosts, 1 at a time\n"
        "reeve: 4 of 4 processes restarted\n");
}

TEST_CASE("fleet start, stop: leave out what needs no action; a dry run prints the order") {
  FleetFixture fixture;
  CHECK(fixture.run({"fleet", "stop", "web:*", "--agents", both, "--dry-run"}) == 0);
  CHECK(fixture.out.str() ==
        "a:1: web:front: would be stopped\nb:1: web:front: would be stopped\n");
  CHECK(fixture.actions.empty());
  CHECK(fixture.run({"fleet", "start", "all", "--agents", both, "--output", "json"}) == 0);
  CHECK(fixture.out.str() ==
        R"({"host":"a:1","supervisor":null,"group":"web","name":"back","result":"started"})"
        "\n"
        R"({"host":"b:1","supervisor":null,"group":"web","name":"back","result":"started"})"
        "\n"
        R"({"summary":{"done":2,"failed":0,"left":0}})"
        "\n");
}

TEST_CASE("fleet restart: a failure too many begins no more") {
  FleetFixture fixture;
  fixture.failing = {"a:1"};
  CHECK(fixture.run({"fleet", "restart", "web:*", "--agents", both}) == 7);
  CHECK(fixture.actions.size() == 1);
  CHECK(
      fixture.err.str().ends_with("reeve: a:1: it died\n"
                                  "reeve: 0 of 4 processes restarted, 1 failed, 3 left as they "
                                  "are\n"));
  fixture.actions.clear();
  CHECK(fixture.run({"fleet", "restart", "web:*", "--agents", both, "--stop-after-failures", "3",
                     "--at-once", "2"}) == 7);
  CHECK(fixture.actions.size() == 4);
}

TEST_CASE("fleet restart: an interrupt begins no more, and finishes what is under way") {
  FleetFixture fixture;
  fixture.environment.send_to_agent = [&](const AgentAddress& address, const AgentRequest& request,
                                          const std::stop_token& stop) {
    if (request.method == Method::post) {
      fixture.stop.request_stop();
      CHECK_FALSE(stop.stop_requested());  // what is under way is not given up
    }
    return fixture.answer(address, request);
  };
  CHECK(fixture.run({"fleet", "restart", "web:*", "--agents", both}) == 1);
  CHECK(fixture.actions.size() == 1);
  CHECK(fixture.out.str() == "a:1: web:front: restarted\n");
  CHECK(fixture.err.str().ends_with(
      "reeve: interrupted: 1 of 4 processes restarted, 3 left as they are\n"));
}

TEST_CASE("fleet: wrong arguments are exit code 2") {
  FleetFixture fixture;
  const std::vector<std::vector<std::string>> wrong = {
      {"fleet", "reload"},
      {"fleet", "restart"},
      {"fleet", "restart", "web", "--at-once", "0"},
      {"fleet", "restart", "web", "--at-once", "many"},
      {"fleet", "restart", "web", "--stop-after-failures", "-1"},
      {"fleet", "list", "--agents", ","},
      {"fleet", "list", "--agents", both, "--agent", "http://localhost:19002"},
  };
  for (const auto& words : wrong) {
    CAPTURE(words);
    CHECK(fixture.run(words) == 2);
  }
  CHECK(fixture.asked.empty());
}

}  // namespace
}  // namespace reeve::cli
