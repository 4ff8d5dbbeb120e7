// The commands that are sent to a running agent.

#include <thread>

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
  CHECK(fixture.out.str() == "*: reset; all alerts that waited are decided anew now\n");
}

TEST_CASE(
    "guards: while the breaker is open its end, what waits, cooldowns and budgets are shown") {
  AgentFixture fixture;
  const auto guard = [](const std::string& name, const std::string& more) {
    return R"({"supervisor":null,"group":"web","name":")" + name +
           R"(","attempts":0,"budget_used":0,"gave_up":false,"breaker_open":true,)"
           R"("breaker_until":"2026-01-31T12:15:00.000Z",)" +
           more + "}";
  };
  const std::string alert = R"({"reason":"breaker_open","retry_at":"2026-01-31T12:15:00.000Z"})";
  fixture.response->body =
      "[" +
      guard("one", R"("cooldown_until":"2026-01-31T12:20:00.000Z","budget_limit":3,"pending":[])") +
      "," + guard("two", R"("cooldown_until":null,"budget_limit":0,"pending":[)" + alert + "]") +
      "," +
      guard("six",
            R"("cooldown_until":null,"budget_limit":3,"pending":[)" + alert + "," + alert + "]") +
      "]";
  CHECK(fixture.run({"guards"}) == 0);
  const std::string open = "breaker open until 2026-01-31T12:15:00.000Z";
  CHECK(fixture.out.str().find("web:one  " + open +
                               "                 2026-01-31T12:20:00.000Z  0"
                               "         0/3\n") != std::string::npos);
  CHECK(fixture.out.str().find("web:two  " + open +
                               ", 1 alert waits                            0\n") !=
        std::string::npos);
  CHECK(fixture.out.str().find("web:six  " + open +
                               ", 2 alerts wait                            0"
                               "         0/3\n") != std::string::npos);
}

TEST_CASE("audit: a line for each entry, limited by --since and --limit") {
  AgentFixture fixture;
  fixture.response->body =
      R"([{"at":"2026-01-31T12:00:00.000Z","kind":"decision","actor":"alertmanager","action":"restart",)"
      R"("supervisor":null,"group":"web","name":"front","rule":"hung","decision":"cooldown",)"
      R"("reason":"until 12:05","result":null}])";
  CHECK(fixture.run({"audit", "--since", "2026-01-31T00:00:00+01:00", "--limit", "5"}) == 0);
  CHECK(fixture.requests.back().target ==
        "/api/v1/audit?limit=5&since=2026-01-31T00%3A00%3A00%2B01%3A00");
  CHECK(fixture.out.str() ==
        "AT                        KIND      BY         ACTION   PROCESS    OUTCOME   REASON\n"
        "2026-01-31T12:00:00.000Z  decision  rule hung  restart  web:front  cooldown  until "
        "12:05\n");
}

TEST_CASE("audit: filters by name, actor and outcome, the newest of what they select") {
  AgentFixture fixture;
  const auto entry = [](const std::string& at, const std::string& name, const std::string& more) {
    return R"({"at":")" + at + R"(","group":"web","name":")" + name + "\"," + more + "}";
  };
  fixture.response->body =
      "[" + entry("1", "front", R"("actor":"am","rule":"hung","decision":"cooldown")") + "," +
      entry("2", "back", R"("actor":"ops","result":"succeeded")") + "," +
      entry("3", "front", R"("actor":"ops","result":"failed")") + R"(,{"at":"4","actor":"ops"})" +
      "," + entry("5", "job", R"("decision":"pending","reason":"breaker_open: so many")") + "]";
  const auto times = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "audit");
    CHECK(fixture.run(words) == 0);
    CHECK(fixture.requests.back().target == "/api/v1/audit?limit=10000");
    std::string found;
    for (const char* at : {"1", "2", "3", "4", "5"}) {
      found += fixture.out.str().find(std::string("\n") + at) == std::string::npos ? "" : at;
    }
    return found;
  };
  CHECK(times({"web:front"}) == "13");
  CHECK(times({"web"}) == "1235");
  CHECK(times({"w*:back"}) == "2");
  CHECK(times({"--actor", "ops"}) == "234");
  CHECK(times({"--actor", "hung"}) == "1");
  CHECK(times({"--decision", "cooldown"}) == "1");
  CHECK(times({"--decision", "failed", "web:*"}) == "3");
  CHECK(times({"--decision", "breaker_open"}) == "5");
  CHECK(times({"--decision", "breaker"}).empty());
  CHECK(times({"--decision", "pending"}) == "5");
  CHECK(times({"--actor", "ops", "--limit", "1"}) == "4");
  CHECK(times({"--actor", "nobody"}).empty());
  CHECK(fixture.out.str() == "nothing was recorded\n");
  CHECK(fixture.run({"audit", "a:b:c"}) == 1);
}

TEST_CASE("audit: --since takes a span back from now") {
  AgentFixture fixture;
  CHECK(fixture.run({"audit", "--since", "1h"}) == 0);
  CHECK(fixture.requests.back().target ==
        "/api/v1/audit?limit=100&since=2023-11-14T21%3A13%3A20.000Z");
  CHECK(fixture.run({"audit", "--since", "1700000000"}) == 0);
  fixture.requests.clear();
  CHECK(fixture.run({"audit", "--since", "yesterday"}) == 2);
  CHECK(fixture.err.str() ==
        "reeve: --since: expected a span back from now like 1h, a time like 2026-01-31T12:00:00Z, "
        "or Unix seconds, found 'yesterday'\n");
  CHECK(fixture.requests.empty());
}

TEST_CASE("audit: --follow prints what is new, each entry once, until it is interrupted") {
  AgentFixture fixture;
  const std::string one = R"({"at":"1","actor":"a","count":1})";
  const std::string two = R"({"at":"2","actor":"b","count":1})";
  const auto storm = [](const char* at, int count) {
    return R"({"at":")" + std::string(at) + R"(","actor":"c","first":"3","count":)" +
           std::to_string(count) + "}";
  };
  const std::vector<std::string> answers = {one, one + "," + two, two + "," + storm("4", 4),
                                            storm("5", 5), storm("6", 8)};
  std::vector<std::string> targets;
  fixture.environment.send_to_agent = [&](const AgentAddress&, const AgentRequest& request,
                                          const std::stop_token&) -> base::Result<AgentResponse> {
    targets.push_back(request.target);
    if (targets.size() > answers.size()) {
      fixture.stop.request_stop();
      return failure(ErrorKind::cancelled, "interrupted");
    }
    fixture.clock.advance(std::chrono::seconds(2));
    return AgentResponse{200, "[" + answers[targets.size() - 1] + "]"};
  };
  std::jthread time([&](const std::stop_token& done) {
    while (!done.stop_requested()) {
      fixture.clock.advance(std::chrono::milliseconds(100));
      std::this_thread::yield();
    }
  });
  CHECK(fixture.run({"audit", "--follow", "--output", "json"}) == 0);
  CHECK(fixture.out.str() == one + "\n" + two + "\n" + storm("4", 4) + "\n" + storm("6", 8) + "\n");
  REQUIRE(targets.size() == 6);
  CHECK(targets[0] == "/api/v1/audit?limit=100");
  CHECK(targets[1] == "/api/v1/audit?limit=10000&since=1");
}

TEST_CASE("audit: an entry that stands for several says for how many, and since when") {
  AgentFixture fixture;
  fixture.response->body =
      R"([{"at":"2026-01-31T12:01:00.000Z","kind":"decision","actor":"am","decision":"no_rule",)"
      R"("reason":"no rule","count":9,"first":"2026-01-31T12:00:07.000Z"}])";
  CHECK(fixture.run({"audit"}) == 0);
  CHECK(fixture.out.str().ends_with("9 times since 2026-01-31T12:00:07.000Z: no rule\n"));
}

TEST_CASE("healthcheck: with --agent it is about the agent") {
  AgentFixture fixture;
  fixture.response->body = "OK\n";
  CHECK(fixture.run({"healthcheck", "--agent", "http://localhost:19001"}) == 0);
  CHECK(fixture.requests.back() == AgentRequest{Method::get, "/-/healthy", ""});
  CHECK(fixture.addresses.back().timeout == std::chrono::seconds(5));
  fixture.response->status = 503;
  CHECK(fixture.run({"healthcheck", "--agent", "http://localhost:19001"}) == 1);
  CHECK(fixture.err.str().find("not healthy: status 503") != std::string::npos);
  fixture.response = failure(ErrorKind::unreachable, "nothing listens there");
  CHECK(fixture.run({"healthcheck", "--agent", "http://localhost:19001"}) != 0);
  CHECK(fixture.run({"healthcheck", "--agent", "http://localhost:19001", "web"}) == 2);
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
  fixture.response = AgentResponse{404, "There is nothing here."};
  CHECK(fixture.run({"guards"}) == 1);
  CHECK(fixture.err.str() ==
        who.substr(2) +
            "it answered with status 404: is this the metrics listener? The control listener is "
            "control.listen, 19002 by default\n");
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
