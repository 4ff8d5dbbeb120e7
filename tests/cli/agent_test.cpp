// The commands that ask a running agent.

#include "cli/world.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using base::failure;
using Method = AgentRequest::Method;

/// A command line, and an agent that says what it is told to.
struct AgentWorld : tests::World {
  AgentWorld() {
    surroundings.ask_agent = [this](const AgentPeer& peer, const AgentRequest& request,
                                    const std::stop_token&) -> base::Result<AgentAnswer> {
      peers.push_back(peer);
      requests.push_back(request);
      return answer;
    };
  }
  [[nodiscard]] std::string url() const { return peers.back().endpoint.url(); }

  std::vector<AgentPeer> peers;
  std::vector<AgentRequest> requests;
  base::Result<AgentAnswer> answer = AgentAnswer{200, "[]"};
};

TEST_CASE("maintenance is listed as a table, or as the agent's own JSON") {
  AgentWorld world;
  CHECK(world.run({"maintenance"}) == 0);
  CHECK(world.out.str() == "nothing is under maintenance\n");
  world.answer->body =
      R"([{"scope":"web:*","until":"2026-01-31T12:00:00.000Z","reason":null,"actor":"ops"}])";
  CHECK(world.run({"maintenance", "list"}) == 0);
  CHECK(world.out.str() ==
        "SCOPE  UNTIL                     BY   REASON\n"
        "web:*  2026-01-31T12:00:00.000Z  ops\n");
  CHECK(world.run({"maintenance", "--output", "json"}) == 0);
  CHECK(world.out.str() == world.answer->body + "\n");
  CHECK(world.requests.back() == AgentRequest{Method::get, "/api/v1/maintenance", ""});
}

TEST_CASE("maintenance is set and cleared, whatever is in the scope's name") {
  AgentWorld world;
  world.answer->body = R"({"scope":"one/a b:*"})";
  CHECK(world.run(
            {"maintenance", "set", "one/a b:*", "--ttl", "90m", "--reason", "new \"disk\""}) == 0);
  CHECK(world.requests.back() == AgentRequest{Method::put, "/api/v1/maintenance/one%2Fa%20b%3A%2A",
                                              R"({"ttl":"90m","reason":"new \"disk\""})"});
  CHECK(world.out.str() == "one/a b:*: under maintenance for 90m\n");
  world.answer = AgentAnswer{204, ""};
  CHECK(world.run({"maintenance", "clear", "*"}) == 0);
  CHECK(world.requests.back() == AgentRequest{Method::del, "/api/v1/maintenance/%2A", ""});
  CHECK(world.run({"maintenance", "clear", "*", "--quiet"}) == 0);
  CHECK(world.out.str().empty());
}

TEST_CASE("guards are listed with what stands against an alert's action, and reset") {
  AgentWorld world;
  world.answer->body =
      R"([{"supervisor":null,"group":"web","name":"front","cooldown_until":null,"attempts":2,)"
      R"("budget_used":3,"budget_limit":3,"gave_up":true,"breaker_open":false},)"
      R"({"supervisor":"one","group":"job","name":"job","cooldown_until":"2026-01-31T12:00:00.000Z",)"
      R"("attempts":1,"budget_used":1,"budget_limit":3,"gave_up":false,"breaker_open":false}])";
  CHECK(world.run({"guards"}) == 0);
  CHECK(world.out.str() ==
        "NAME       STATE         COOLDOWN UNTIL            ATTEMPTS  BUDGET\n"
        "web:front  gave up                                 2         3/3\n"
        "one/job    cooling down  2026-01-31T12:00:00.000Z  1         1/3\n");
  CHECK(world.run({"guards", "reset", "one/job"}) == 0);
  CHECK(world.requests.back() ==
        AgentRequest{Method::post, "/api/v1/guards/job/reset?supervisor=one", ""});
  CHECK(world.out.str() == "one/job: reset\n");
  CHECK(world.run({"guards", "reset", "*"}) == 0);
  CHECK(world.requests.back().target == "/api/v1/guards/%2A/reset");
}

TEST_CASE("the record is shown line by line, as old and as long as asked for") {
  AgentWorld world;
  world.answer->body =
      R"([{"at":"2026-01-31T12:00:00.000Z","kind":"decision","actor":"alertmanager","action":"restart",)"
      R"("supervisor":null,"group":"web","name":"front","rule":"hung","decision":"cooldown",)"
      R"("reason":"until 12:05","result":null}])";
  CHECK(world.run({"audit", "--since", "2026-01-31T00:00:00+01:00", "--limit", "5"}) == 0);
  CHECK(world.requests.back().target ==
        "/api/v1/audit?since=2026-01-31T00%3A00%3A00%2B01%3A00&limit=5");
  CHECK(world.out.str() ==
        "AT                        KIND      BY         ACTION   PROCESS    OUTCOME   REASON\n"
        "2026-01-31T12:00:00.000Z  decision  rule hung  restart  web:front  cooldown  until "
        "12:05\n");
}

TEST_CASE("words that make no sense are a wrong usage") {
  AgentWorld world;
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
    CHECK(world.run(words) == 2);
    CHECK_FALSE(world.err.str().empty());
  }
  CHECK(world.requests.empty());
}

TEST_CASE("the agent is found by option, variable, configuration, or where it usually is") {
  AgentWorld world;
  CHECK(world.run({"guards"}) == 0);
  CHECK(world.url() == "http://127.0.0.1:19002/");
  static_cast<void>(world.folder.write("token", "a-token-of-at-least-32-random-bytes\n"));
  const std::string control =
      "control:\n  enabled: true\n  tokens: [{name: ops, file: token, scopes: [read]}]\n";
  const auto configured = [&](const std::string& more) {
    static_cast<void>(world.folder.write("system.yaml", control + more));
    return world.run({"guards"});
  };
  CHECK(configured("  listen: ':19999'\n  plaintext: true\n") == 0);
  CHECK(world.url() == "http://localhost:19999/");
  CHECK(configured("  listen: 'unix:///run/reeve.sock'\n") == 0);
  CHECK(world.url() == "unix:///run/reeve.sock");
  const std::size_t asked = world.requests.size();
  CHECK(configured("  listen: '192.0.2.1:19002'\n  plaintext: true\n") == 1);
  CHECK(world.err.str().find("--agent URL") != std::string::npos);
  static_cast<void>(world.folder.write("system.yaml", "control: {enabled: false}\n"));
  CHECK(world.run({"guards"}) == 1);
  CHECK(world.err.str().find("control is off") != std::string::npos);
  CHECK(world.requests.size() == asked);
  world.variables["REEVE_AGENT"] = "https://agent.example:8443";
  CHECK(world.run({"guards"}) == 0);
  CHECK(world.url() == "https://agent.example:8443/");
  CHECK(world.run({"guards", "--agent", "unix:///here"}) == 0);
  CHECK(world.url() == "unix:///here");
  CHECK(world.run({"guards", "--agent", "gopher://here"}) == 2);
}

TEST_CASE("the token comes from a file that an option or a variable names") {
  AgentWorld world;
  CHECK(world.run({"guards"}) == 0);
  CHECK(world.peers.back().token.empty());
  world.variables["REEVE_TOKEN_FILE"] = world.folder.write("one", "first\n");
  CHECK(world.run({"guards"}) == 0);
  CHECK(world.peers.back().token.reveal() == "first");
  CHECK(world.run({"guards", "--token-file", world.folder.write("two", "second\n")}) == 0);
  CHECK(world.peers.back().token.reveal() == "second");
  CHECK(world.run({"guards", "--token-file", "/no/such/file"}) == 2);
}

TEST_CASE("each refusal says what the agent said and what to do") {
  AgentWorld world;
  const auto refused = [&](int status, const std::string& detail) {
    world.answer = AgentAnswer{status, R"({"detail":")" + detail + R"("})"};
    const int code = world.run({"guards"});
    return std::to_string(code) + " " + world.err.str();
  };
  const std::string who = "1 reeve: the agent at http://127.0.0.1:19002/ refused: ";
  CHECK(refused(401, "send a token") ==
        who + "send a token: it wants a token, --token-file FILE or REEVE_TOKEN_FILE\n");
  CHECK(refused(403, "no scope") == who + "no scope: use a token that may, see control.tokens\n");
  CHECK(refused(404, "no such process") == who + "no such process\n");
  CHECK(refused(503, "the state is damaged") == who + "the state is damaged\n");
  world.variables["REEVE_TOKEN_FILE"] = world.folder.write("one", "first\n");
  CHECK(refused(401, "send a token") ==
        who + "send a token: it does not know this token, see control.tokens\n");
  world.answer = AgentAnswer{302, "<html>"};
  CHECK(world.run({"guards"}) == 1);
  CHECK(world.err.str() ==
        "reeve: the agent at http://127.0.0.1:19002/ refused: it answered 302: is this an agent's "
        "control listener?\n");
}

TEST_CASE("an agent that is not there, or is none, is an error with its exit code") {
  AgentWorld world;
  world.answer = failure(ErrorKind::unreachable, "the agent cannot be reached");
  CHECK(world.run({"audit"}) == 4);
  CHECK(world.err.str() == "reeve: the agent cannot be reached\n");
  CHECK(world.run({"audit", "--output", "json"}) == 4);
  CHECK(world.err.str().starts_with(R"({"error":"unreachable",)"));
  world.answer = failure(ErrorKind::socket_missing, "there is no socket");
  CHECK(world.run({"audit"}) == 7);
  world.answer = AgentAnswer{200, "hello"};
  CHECK(world.run({"audit"}) == 1);
  world.answer = AgentAnswer{200, std::string(10'000, '[')};
  CHECK(world.run({"audit"}) == 1);
  world.answer = AgentAnswer{200, "[" + std::string(100, '[') + std::string(100, ']') + "]"};
  CHECK(world.run({"audit", "--output", "json"}) == 1);
  CHECK(world.err.str().find("did not answer as an agent does") != std::string::npos);
  world.answer = AgentAnswer{200, R"([{"at":5,"kind":{"a":[]}},7,null])"};
  CHECK(world.run({"audit"}) == 0);
  CHECK(world.run({"guards"}) == 0);
  CHECK(world.run({"maintenance"}) == 0);
}

}  // namespace
}  // namespace reeve::cli
