// The commands that are sent to a running agent.

#include "cli/cli_fixture.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using base::failure;
using Method = AgentRequest::Method;

/// A command line and a scripted agent.
struct AgentFixture : tests::CliFixture {
  AgentFixture() {
    environment.send_to_agent = [this](const AgentAddress& address, const AgentRequest& request,
                                       const std::stop_token&) -> base::Result<AgentResponse> {
      addresses.push_back(address);
      requests.push_back(request);
      return response;
    };
  }
  [[nodiscard]] std::string url() const { return addresses.back().endpoint.url(); }

  std::vector<AgentAddress> addresses;
  std::vector<AgentRequest> requests;
  base::Result<AgentResponse> response = AgentResponse{200, "[]"};
};

TEST_CASE("maintenance: listed as a table, or as the agent's own JSON") {
  AgentFixture fixture;
  CHECK(fixture.run({"maintenance"}) == 0);
  CHECK(fixture.out.str() == "nothing is under maintenance\n");
  fixture.response->body =
      R"([{"scope":"web:*","until":"2026-01-31T12:00:00.000Z","reason":null,"actor":"ops"}])";
  CHECK(fixture.run({"maintenance", "list"}) == 0);
  CHECK(fixture.out.str() ==
        "SCOPE  UNTIL                     BY   REASON\n"
        "web:*  2026-01-31T12:00:00.000Z  ops\n");
  CHECK(fixture.run({"maintenance", "--output", "json"}) == 0);
  CHECK(fixture.out.str() == fixture.response->body + "\n");
  CHECK(fixture.requests.back() == AgentRequest{Method::get, "/api/v1/maintenance", ""});
}

TEST_CASE("maintenance: set and cleared, with any characters in the scope") {
  AgentFixture fixture;
  fixture.response->body = R"({"scope":"one/a b:*"})";
  CHECK(fixture.run(
            {"maintenance", "set", "one/a b:*", "--ttl", "90m", "--reason", "new \"disk\""}) == 0);
  CHECK(fixture.requests.back() == AgentRequest{Method::put,
                                                "/api/v1/maintenance/one%2Fa%20b%3A%2A",
                                                R"({"ttl":"90m","reason":"new \"disk\""})"});
  CHECK(fixture.out.str() == "one/a b:*: under maintenance for 90m\n");
  fixture.response = AgentResponse{204, ""};
  CHECK(fixture.run({"maintenance", "clear", "*"}) == 0);
  CHECK(fixture.requests.back() == AgentRequest{Method::del, "/api/v1/maintenance/%2A", ""});
  CHECK(fixture.run({"maintenance", "clear", "*", "--quiet"}) == 0);
  CHECK(fixture.out.str().empty());
}

TEST_CASE("guards: listed with their state, and reset") {
  AgentFixture fixture;
  fixture.response->body =
      R"([{"supervisor":null,"group":"web","name":"front","cooldown_until":null,"attempts":2,)"
      R"("budget_used":3,"budget_limit":3,"gave_up":true,"breaker_open":false},)"
      R"({"supervisor":"one","group":"job","name":"job","cooldown_until":"2026-01-31T12:00:00.000Z",)"
      R"("attempts":1,"budget_used":1,"budget_limit":3,"gave_up":false,"breaker_open":false}])";
  CHECK(fixture.run({"guards"}) == 0);
  CHECK(fixture.out.str() ==
        "NAME       STATE         COOLDOWN UNTIL            ATTEMPTS  BUDGET\n"
        "web:front  gave up                                 2         3/3\n"
        "one/job    cooling down  2026-01-31T12:00:00.000Z  1         1/3\n");
  CHECK(fixture.run({"guards", "reset", "one/job"}) == 0);
  CHECK(fixture.requests.back() ==
        AgentRequest{Method::post, "/api/v1/guards/job/reset?supervisor=one", ""});
  CHECK(fixture.out.str() == "one/job: reset\n");
  CHECK(fixture.run({"guards", "reset", "*"}) == 0);
  CHECK(fixture.requests.back().target == "/api/v1/guards/%2A/reset");
}

TEST_CASE("audit: a line for each entry, limited by --since and --limit") {
  AgentFixture fixture;
  fixture.response->body =
      R"([{"at":"2026-01-31T12:00:00.000Z","kind":"decision","actor":"alertmanager","action":"restart",)"
      R"("supervisor":null,"group":"web","name":"front","rule":"hung","decision":"cooldown",)"
      R"("reason":"until 12:05","result":null}])";
  CHECK(fixture.run({"audit", "--since", "2026-01-31T00:00:00+01:00", "--limit", "5"}) == 0);
  CHECK(fixture.requests.back().target ==
        "/api/v1/audit?since=2026-01-31T00%3A00%3A00%2B01%3A00&limit=5");
  CHECK(fixture.out.str() ==
        "AT                        KIND      BY         ACTION   PROCESS    OUTCOME   REASON\n"
        "2026-01-31T12:00:00.000Z  decision  rule hung  restart  web:front  cooldown  until "
        "12:05\n");
}

TEST_CASE("agent commands: wrong arguments are exit code 2") {
  AgentFixture fixture;
  const std::vector<std::vector<std::string>> wrong = {
      {"maintenance", "set"},
      {"maintenance", "set", "web:*"},
      {"maintenance", "set", "web:*", "--ttl", "soon"},
      {"maintenance", "set", "web:*", "job", "--ttl", "1h"},
      {"maintenance", "clear"},
      {"maintenance", "clear", "web:*", "--ttl", "1h"},
      {"maintenance", "list", "web:*"},
      {"maintenance", "web:*"},
      {"guards", "reset"},
      {"guards", "reset", "a", "b"},
      {"guards", "forget"},
      {"audit", "--limit", "many"},
  };
  for (const auto& words : wrong) {
    CAPTURE(words);
    CHECK(fixture.run(words) == 2);
    CHECK_FALSE(fixture.err.str().empty());
  }
  CHECK(fixture.requests.empty());
}

TEST_CASE("find_agent: option, variable, configuration, default address") {
  AgentFixture fixture;
  CHECK(fixture.run({"guards"}) == 0);
  CHECK(fixture.url() == "http://127.0.0.1:19002/");
  static_cast<void>(fixture.folder.write("token", "a-token-of-at-least-32-random-bytes\n"));
  const std::string control =
      "control:\n  enabled: true\n  tokens: [{name: ops, file: token, scopes: [read]}]\n";
  const auto configured = [&](const std::string& more) {
    static_cast<void>(fixture.folder.write("system.yaml", control + more));
    return fixture.run({"guards"});
  };
  CHECK(configured("  listen: ':19999'\n  plaintext: true\n") == 0);
  CHECK(fixture.url() == "http://localhost:19999/");
  CHECK(configured("  listen: 'unix:///run/reeve.sock'\n") == 0);
  CHECK(fixture.url() == "unix:///run/reeve.sock");
  const std::size_t asked = fixture.requests.size();
  CHECK(configured("  listen: '192.0.2.1:19002'\n  plaintext: true\n") == 1);
  CHECK(fixture.err.str().find("--agent URL") != std::string::npos);
  static_cast<void>(fixture.folder.write("system.yaml", "control: {enabled: false}\n"));
  CHECK(fixture.run({"guards"}) == 1);
  CHECK(fixture.err.str().find("control is off") != std::string::npos);
  CHECK(fixture.requests.size() == asked);
  fixture.variables["REEVE_AGENT"] = "https://agent.example:8443";
  CHECK(fixture.run({"guards"}) == 0);
  CHECK(fixture.url() == "https://agent.example:8443/");
  CHECK(fixture.run({"guards", "--agent", "unix:///here"}) == 0);
  CHECK(fixture.url() == "unix:///here");
  CHECK(fixture.run({"guards", "--agent", "gopher://here"}) == 2);
}

TEST_CASE("find_agent: the token comes from the file that an option or a variable names") {
  AgentFixture fixture;
  CHECK(fixture.run({"guards"}) == 0);
  CHECK(fixture.addresses.back().token.empty());
  fixture.variables["REEVE_TOKEN_FILE"] = fixture.folder.write("one", "first\n");
  CHECK(fixture.run({"guards"}) == 0);
  CHECK(fixture.addresses.back().token.reveal() == "first");
  CHECK(fixture.run({"guards", "--token-file", fixture.folder.write("two", "second\n")}) == 0);
  CHECK(fixture.addresses.back().token.reveal() == "second");
  CHECK(fixture.run({"guards", "--token-file", "/no/such/file"}) == 2);
}

TEST_CASE("agent commands: an error has the agent's message and a hint") {
  AgentFixture fixture;
  const auto refused = [&](int status, const std::string& detail) {
    fixture.response = AgentResponse{status, R"({"detail":")" + detail + R"("})"};
    const int code = fixture.run({"guards"});
    return std::to_string(code) + " " + fixture.err.str();
  };
  const std::string who = "1 reeve: the agent at http://127.0.0.1:19002/ refused: ";
  CHECK(refused(401, "send a token") ==
        who + "send a token: it needs a token, --token-file FILE or REEVE_TOKEN_FILE\n");
  CHECK(refused(403, "no scope") == who + "no scope: use another token, see control.tokens\n");
  CHECK(refused(404, "no such process") == who + "no such process\n");
  CHECK(refused(503, "the state is damaged") == who + "the state is damaged\n");
  fixture.variables["REEVE_TOKEN_FILE"] = fixture.folder.write("one", "first\n");
  CHECK(refused(401, "send a token") ==
        who + "send a token: this token is not in its control.tokens\n");
  fixture.response = AgentResponse{302, "<html>"};
  CHECK(fixture.run({"guards"}) == 1);
  CHECK(fixture.err.str() ==
        "reeve: the agent at http://127.0.0.1:19002/ refused: it answered with status 302: is this "
        "an agent's "
        "control listener?\n");
}

TEST_CASE("agent commands: an unreachable agent or a malformed response has its exit code") {
  AgentFixture fixture;
  fixture.response = failure(ErrorKind::unreachable, "the agent cannot be reached");
  CHECK(fixture.run({"audit"}) == 4);
  CHECK(fixture.err.str() == "reeve: the agent cannot be reached\n");
  CHECK(fixture.run({"audit", "--output", "json"}) == 4);
  CHECK(fixture.err.str().starts_with(R"({"error":"unreachable",)"));
  fixture.response = failure(ErrorKind::socket_missing, "there is no socket");
  CHECK(fixture.run({"audit"}) == 7);
  fixture.response = AgentResponse{200, "hello"};
  CHECK(fixture.run({"audit"}) == 1);
  fixture.response = AgentResponse{200, std::string(10'000, '[')};
  CHECK(fixture.run({"audit"}) == 1);
  fixture.response = AgentResponse{200, "[" + std::string(100, '[') + std::string(100, ']') + "]"};
  CHECK(fixture.run({"audit", "--output", "json"}) == 1);
  CHECK(fixture.err.str().find("did not send an agent's response") != std::string::npos);
  fixture.response = AgentResponse{200, R"([{"at":5,"kind":{"a":[]}},7,null])"};
  CHECK(fixture.run({"audit"}) == 0);
  CHECK(fixture.run({"guards"}) == 0);
  CHECK(fixture.run({"maintenance"}) == 0);
}

}  // namespace
}  // namespace reeve::cli
