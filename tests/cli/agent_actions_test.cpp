// start, stop, restart and signal through a running agent.

#include <algorithm>
#include <map>
#include <mutex>

#include "cli/cli_fixture.h"
#include "control/world.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using base::failure;
using Method = AgentRequest::Method;

const std::string web = R"({"group":"web","name":"front","state":"RUNNING","now":1700000000,)"
                        R"("pid":7,"start_time":1699999000})";
const std::string back = R"({"group":"web","name":"back","state":"STOPPED","now":1700000000})";
const std::string job = R"({"group":"job","name":"job","state":"EXITED","now":1700000000})";

AgentResponse done(bool changed) {
  return {200,
          std::string(R"({"id":"1","state":"done","changed":)") + (changed ? "true}" : "false}")};
}

AgentResponse problem(int status, const std::string& type, const std::string& detail) {
  return {status, R"({"type":"urn:reeve:problem:)" + type + R"(","detail":")" + detail + R"("})"};
}

/// A command line and an agent that answers by the request's path; actions are done at once.
struct ActionFixture : tests::CliFixture {
  ActionFixture() {
    environment.send_to_agent = [this](const AgentAddress& address, const AgentRequest& request,
                                       const std::stop_token&) -> base::Result<AgentResponse> {
      const std::scoped_lock lock(mutex);
      addresses.push_back(address);
      requests.push_back(request);
      const std::string path = request.target.substr(0, request.target.find('?'));
      if (auto scripted = answers.find(path); scripted != answers.end()) {
        auto& queue = scripted->second;
        const auto answer = queue.front();
        if (queue.size() > 1) {
          queue.erase(queue.begin());
        }
        return answer;
      }
      return request.method == Method::post ? done(true)
                                            : AgentResponse{404, R"({"detail":"no such route"})"};
    };
    answer("/api/v1/supervisors", {200, R"([{"name":null,"up":true}])"});
    answer("/api/v1/processes", {200, "[" + web + "," + back + "," + job + "]"});
    answer("/api/v1/processes/web%3Afront", {200, web});
    variables["REEVE_AGENT"] = "http://127.0.0.1:19002";
    environment.clock = &waiting_is_time;
  }

  void answer(const std::string& path, const AgentResponse& response) {
    answers[path] = {response};
  }
  /// The paths and queries of all actions, in their order.
  [[nodiscard]] std::vector<std::string> actions() const {
    std::vector<std::string> targets;
    for (const AgentRequest& request : requests) {
      if (request.method == Method::post) {
        targets.push_back(request.target);
      }
    }
    return targets;
  }
  [[nodiscard]] const AgentRequest& last_action() const {
    return *std::find_if(requests.rbegin(), requests.rend(), [](const AgentRequest& request) {
      return request.method == Method::post;
    });
  }

  tests::FakeClock waiting_is_time{clock};
  std::mutex mutex;
  std::map<std::string, std::vector<base::Result<AgentResponse>>> answers;
  std::vector<AgentAddress> addresses;
  std::vector<AgentRequest> requests;
};

TEST_CASE("actions through the agent: the words and exit codes are those of the direct way") {
  ActionFixture fixture;
  CHECK(fixture.run({"start", "web:front"}) == 0);
  CHECK(fixture.out.str() == "web:front: started\n");
  CHECK(fixture.last_action().target == "/api/v1/processes/web%3Afront/start?wait=300s");
  CHECK(fixture.last_action().body == "{}");
  CHECK(fixture.run({"restart", "web:front", "--reason", "new \"key\"", "--timeout", "20s"}) == 0);
  CHECK(fixture.out.str() == "web:front: restarted\n");
  CHECK(fixture.last_action().target == "/api/v1/processes/web%3Afront/restart?wait=20s");
  CHECK(fixture.last_action().body == R"({"reason":"new \"key\""})");
  CHECK(fixture.run({"stop", "--no-wait", "web:front"}) == 0);
  CHECK(fixture.out.str() == "web:front: stop requested\n");
  CHECK(fixture.last_action().body == R"({"wait":false})");
  CHECK(fixture.run({"stop", "web:front", "--output", "json"}) == 0);
  CHECK(fixture.out.str() ==
        R"({"supervisor":null,"group":"web","name":"front","result":"stopped"})"
        "\n");
  CHECK(fixture.run({"signal", "HUP", "web:front"}) == 0);
  CHECK(fixture.out.str() == "web:front: signalled\n");
  CHECK(fixture.last_action().body == R"({"signal":"HUP"})");
  fixture.answer("/api/v1/processes/web%3Afront/start", done(false));
  CHECK(fixture.run({"start", "web:front"}) == 0);
  CHECK(fixture.out.str() == "web:front: already running\n");
  fixture.answer("/api/v1/processes/web%3Afront/stop", done(false));
  CHECK(fixture.run({"stop", "web:front"}) == 0);
  CHECK(fixture.out.str() == "web:front: not running\n");
  CHECK(fixture.connected.empty());
}

TEST_CASE("actions through the agent: patterns select among what the agent lists") {
  ActionFixture fixture;
  CHECK(fixture.run({"restart", "web:*"}) == 0);
  CHECK(fixture.actions().size() == 2);
  CHECK(fixture.run({"start", "all"}) == 0);  // what runs needs no start
  CHECK(fixture.out.str().find("web:back: started\n") != std::string::npos);
  CHECK(fixture.out.str().find("job: started\n") != std::string::npos);
  CHECK(fixture.out.str().find("front") == std::string::npos);
  CHECK(fixture.run({"restart", "nothing*"}) == 1);
  CHECK(fixture.err.str() == "reeve: no process matches 'nothing*'\n");
}

TEST_CASE("actions through the agent: what takes longer than one wait is asked for again") {
  ActionFixture fixture;
  fixture.answers["/api/v1/processes/web%3Afront/restart"] = {
      AgentResponse{202, R"({"id":"1","state":"running"})"},
      AgentResponse{503, "the queue is full\n"}, done(true)};
  CHECK(fixture.run({"restart", "web:front"}) == 0);
  CHECK(fixture.out.str() == "web:front: restarted\n");
  const auto actions = fixture.actions();
  REQUIRE(actions.size() == 3);
  CHECK(fixture.requests.back().idempotency_key.size() == 32);
  for (const AgentRequest& request : fixture.requests) {
    if (request.method == Method::post) {
      CHECK(request.idempotency_key == fixture.requests.back().idempotency_key);
    }
  }
}

TEST_CASE(
    "actions through the agent: a lost connection is no failure, the same key is sent again") {
  ActionFixture fixture;
  const base::Result<AgentResponse> lost = failure(ErrorKind::unreachable, "the connection broke");
  auto& answers = fixture.answers["/api/v1/processes/web%3Afront/restart"];
  answers = {lost, lost,      lost, AgentResponse{202, R"({"id":"1","state":"running"})"},
             lost, done(true)};
  CHECK(fixture.run({"restart", "web:front"}) == 0);
  CHECK(fixture.actions().size() == 6);
  const auto first =
      std::find_if(fixture.requests.begin(), fixture.requests.end(),
                   [](const AgentRequest& each) { return each.method == Method::post; });
  CHECK(fixture.last_action().idempotency_key == first->idempotency_key);
  answers = {lost};
  fixture.requests.clear();
  CHECK(fixture.run({"restart", "web:front"}) != 0);
  CHECK(fixture.actions().size() == 4);
}

TEST_CASE("actions through the agent: errors of supervisord keep their words and exit codes") {
  ActionFixture fixture;
  const auto restart = [&](const AgentResponse& response) {
    fixture.answer("/api/v1/processes/web%3Afront/restart", response);
    const int code = fixture.run({"restart", "web:front"});
    return std::to_string(code) + " " + fixture.err.str();
  };
  CHECK(restart(problem(502, "spawn_failed", "web:front exited too quickly")) ==
        "7 reeve: web:front exited too quickly\n");
  CHECK(restart(problem(503, "unreachable", "supervisord does not answer")) ==
        "4 reeve: supervisord does not answer\n");
  CHECK(restart(problem(404, "not_found", "no process web:front")) ==
        "1 reeve: no process web:front\n");
  const std::string refused = "1 reeve: the agent at http://127.0.0.1:19002/ refused: ";
  CHECK(restart(problem(409, "in_flight", "a restart is in progress")) ==
        refused + "a restart is in progress\n");
  CHECK(restart(problem(403, "not_allowed", "'ops' may not")) == refused + "'ops' may not\n");
  CHECK(restart(problem(403, "signal_not_allowed", "KILL is not in control.signals")) ==
        refused + "KILL is not in control.signals\n");
  CHECK(restart(problem(403, "missing_scope", "no scope control")) ==
        refused + "no scope control: use another token, see control.tokens\n");
  CHECK(restart(problem(401, "not_authenticated", "who are you")) ==
        refused + "who are you: it needs a token, --token-file FILE or REEVE_TOKEN_FILE\n");
  CHECK(restart(problem(503, "too_busy", "come back later")) == refused + "come back later\n");
  fixture.answers["/api/v1/supervisors"] = {failure(ErrorKind::unreachable, "nothing listens")};
  CHECK(fixture.run({"restart", "web:front"}) == 4);
  CHECK(fixture.err.str() == "reeve: nothing listens\n");
}

TEST_CASE("actions through the agent: a group's bare name is answered with its pattern") {
  ActionFixture fixture;
  fixture.answer("/api/v1/processes/web/restart", problem(404, "not_found", "no process 'web'"));
  CHECK(fixture.run({"restart", "web"}) == 1);
  CHECK(fixture.err.str() == "reeve: no process 'web': web is a group: web:*\n");
}

TEST_CASE("actions through the agent: patterns leave out the program that runs the agent") {
  ActionFixture fixture;
  const auto own = problem(403, "own_program", "it runs Reeve itself");
  fixture.answer("/api/v1/processes/job/restart", own);
  CHECK(fixture.run({"restart", "all"}) == 0);
  CHECK(fixture.err.str() ==
        "reeve: leaving out job: it runs Reeve itself; name it to act on it\n");
  CHECK(fixture.run({"restart", "job"}) == 1);
}

TEST_CASE("actions through the agent: several supervisords, and a token that may not read") {
  ActionFixture fixture;
  fixture.answer("/api/v1/supervisors", {200, R"([{"name":"one"},{"name":"two"}])"});
  CHECK(fixture.run({"stop", "two/web:front"}) == 0);
  CHECK(fixture.out.str() == "two/web:front: stopped\n");
  CHECK(fixture.last_action().target ==
        "/api/v1/processes/web%3Afront/stop?wait=300s&supervisor=two");
  CHECK(fixture.run({"stop", "web:front", "--supervisor", "three"}) == 2);
  CHECK(fixture.err.str().find("it has one, two") != std::string::npos);
  fixture.answer("/api/v1/supervisors", problem(403, "missing_scope", "no scope read"));
  CHECK(fixture.run({"stop", "web:front", "--supervisor", "two"}) == 0);
  CHECK(fixture.last_action().target.ends_with("&supervisor=two"));
  CHECK(fixture.run({"stop", "web:front"}) == 0);
  CHECK(fixture.last_action().target.find("supervisor") == std::string::npos);
}

TEST_CASE("actions through the agent: an interrupt says what goes on") {
  ActionFixture fixture;
  fixture.answers["/api/v1/processes/web%3Afront/restart"] = {
      failure(ErrorKind::cancelled, "interrupted")};
  fixture.answer(
      "/api/v1/processes/web%3Afront",
      {200, R"({"group":"web","name":"front","state":"STOPPING","now":1700000000,"pid":7})"});
  CHECK(fixture.run({"restart", "web:front"}) == 1);
  CHECK(fixture.err.str() == "reeve: web:front is still STOPPING; the agent goes on with it\n");
}

TEST_CASE("actions through the agent: what timed out there has failed") {
  ActionFixture fixture;
  const std::string stopping =
      R"({"group":"web","name":"front","state":"STOPPING","now":1700000000,"pid":7})";
  fixture.answer("/api/v1/processes/web%3Afront", {200, stopping});
  fixture.answer("/api/v1/processes/web%3Afront/restart",
                 problem(504, "timeout", "web:front did not stop within 20s"));
  CHECK(fixture.run({"restart", "web:front"}) == 1);
  CHECK(fixture.err.str() == "reeve: web:front did not stop within 20s\n");
  fixture.answer("/api/v1/processes/web%3Afront/restart", {202, R"({"id":"1","state":"running"})"});
  CHECK(fixture.run({"restart", "web:front", "--timeout", "2s"}) == 1);
  CHECK(fixture.err.str() == "reeve: web:front is still STOPPING; the agent goes on with it\n");
  fixture.answer("/api/v1/processes/web%3Afront",
                 {200, R"({"group":"web","name":"front","state":"STOPPED","now":1700000000})"});
  CHECK(fixture.run({"restart", "web:front", "--timeout", "2s"}) == 1);
  CHECK(fixture.err.str() == "reeve: web:front is STOPPED; the agent goes on with it\n");
}

TEST_CASE(
    "actions through the agent: a pattern matches nothing where supervisord does not answer, "
    "which is said") {
  ActionFixture fixture;
  fixture.answer("/api/v1/supervisors",
                 {200, R"([{"name":null,"up":false,"pid":null,"url":"http://s:9001/RPC2"}])"});
  for (const char* list :
       {"[]", R"([{"group":"web","name":"front","state":null,"now":null,"pid":null}])"}) {
    fixture.answer("/api/v1/processes", {200, list});
    CHECK(fixture.run({"restart", "web:*"}) == 4);
    CHECK(fixture.err.str() ==
          "reeve: supervisord at http://s:9001/RPC2 does not answer the agent\n");
  }
  CHECK(fixture.actions().empty());
}

TEST_CASE("agent_for_action: an option before the variables, and no two ways at once") {
  ActionFixture fixture;
  fixture.add("web", "web");
  const auto direct = [&](std::vector<std::string> words) {
    fixture.requests.clear();
    fixture.connected.clear();
    words.insert(words.begin(), {"restart", "web"});
    const int code = fixture.run(words);
    return code != 0 ? std::to_string(code)
                     : std::string(fixture.connected.empty() ? "agent" : "direct");
  };
  CHECK(direct({}) == "agent");
  CHECK(direct({"--url", "http://localhost:9001"}) == "direct");
  CHECK(direct({"--url", "http://localhost:9001", "--agent", "http://h:19002"}) == "2");
  CHECK(fixture.err.str().find("exclude each other") != std::string::npos);
  CHECK(direct({"--username", "someone"}) == "2");
  fixture.variables["REEVE_URL"] = "http://localhost:9001";
  CHECK(direct({}) == "2");
  CHECK(direct({"--agent", "http://h:19002"}) == "agent");
  CHECK(fixture.addresses.back().endpoint.url() == "http://h:19002/");
  fixture.variables.erase("REEVE_AGENT");
  CHECK(direct({}) == "direct");
  CHECK(direct({"--reason", "no agent hears it"}) == "2");
  CHECK(direct({"--token-file", "/no/agent"}) == "2");
}

TEST_CASE("agent_for_action: the configuration names an agent, as a URL or with a token") {
  ActionFixture fixture;
  fixture.variables.erase("REEVE_AGENT");
  static_cast<void>(fixture.folder.write("token", "the-token\n"));
  const auto restart = [&](const std::string& config) {
    static_cast<void>(fixture.folder.write("system.yaml", config));
    fixture.addresses.clear();
    return fixture.run({"restart", "web:front"});
  };
  CHECK(restart("agent: https://host7:19002\n") == 0);
  REQUIRE_FALSE(fixture.addresses.empty());
  CHECK(fixture.addresses.back().endpoint.url() == "https://host7:19002/");
  CHECK(fixture.addresses.back().token.empty());
  CHECK(restart("agent: {url: 'unix:///run/reeve.sock', token_file: token}\nalerts: 7\n") == 0);
  CHECK(fixture.addresses.back().token.reveal() == "the-token");
  CHECK(fixture.run({"guards"}) == 1);  // which asks the same agent: no such route
  CHECK(fixture.addresses.back().endpoint.url() == "unix:///run/reeve.sock");
  // Its token goes to no other agent.
  CHECK(fixture.run({"restart", "web:front", "--agent", "http://other:1"}) == 0);
  CHECK(fixture.addresses.back().token.empty());
  CHECK(restart("agent: gopher://host7\n") == 1);
  CHECK(fixture.err.str().find("system.yaml:1:8: agent: ") != std::string::npos);
  CHECK(fixture.addresses.empty());
}

}  // namespace
}  // namespace reeve::cli
