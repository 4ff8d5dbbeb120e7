// What the members of an agent's cluster share, asked of the caller's own agent.

#include <nlohmann/json.hpp>

#include "cli/cli_fixture.h"
#include "support/catch.h"

namespace reeve::cli {
namespace {

using Method = AgentRequest::Method;

struct ClusterFixture : tests::CliFixture {
  ClusterFixture() {
    environment.send_to_agent = [this](const AgentAddress&, const AgentRequest& request,
                                       const std::stop_token&) -> base::Result<AgentResponse> {
      requests.push_back(request);
      return response;
    };
  }
  std::vector<AgentRequest> requests;
  AgentResponse response{204, ""};
};

TEST_CASE("fleet members: who is there, and as targets for Prometheus") {
  ClusterFixture fixture;
  fixture.response = {200, "[]"};
  CHECK(fixture.run({"fleet", "members"}) == 0);
  CHECK(fixture.out.str() == "there are no members\n");
  CHECK(fixture.requests.back() == AgentRequest{Method::get, "/api/v1/fleet/members", ""});
  fixture.response.body =
      R"([{"name":"host1","alive":true,"control":null,"metrics":"host1:19001","labels":{"rack":"a"},)"
      R"("version":"1.0","groups":{"web":{"RUNNING":3,"FATAL":1}},"problems":[{}],"self":true},)"
      R"({"name":"host2","alive":false,"metrics":null,"labels":{},"groups":{},"problems":[]}])";
  CHECK(fixture.run({"fleet", "members"}) == 0);
  CHECK(fixture.out.str() ==
        "MEMBER        STATE      METRICS      VERSION  PROBLEMS  PROCESSES\n"
        "host1 (this)  alive      host1:19001  1.0      1         web: 3 RUNNING, 1 FATAL\n"
        "host2         not alive                        0\n");
  CHECK(fixture.run({"fleet", "targets"}) == 0);
  const auto targets = nlohmann::json::parse(fixture.out.str());
  REQUIRE(targets.size() == 1);
  CHECK(targets[0]["targets"][0] == "host1:19001");
  CHECK(targets[0]["labels"]["__meta_reeve_member"] == "host1");
  CHECK(targets[0]["labels"]["__meta_reeve_label_rack"] == "a");
}

TEST_CASE("fleet limits: with their holders, a failed one marked") {
  ClusterFixture fixture;
  fixture.response = {
      200,
      R"([{"name":"db","at_once":1,"budget":null,"budget_used":0,"hold_failed":"15m","holders":[]},)"
      R"({"name":"web","at_once":2,"budget":"5/1h","budget_used":3,"hold_failed":"15m","holders":)"
      R"([{"host":"host7","process":"web:web","operation":"1-2","since":"2026-01-31T12:00:00.000Z",)"
      R"("failed":true}]}])"};
  CHECK(fixture.run({"fleet", "limits"}) == 0);
  CHECK(
      fixture.out.str() ==
      "LIMIT  AT ONCE  BUDGET     HELD BY         PROCESS  OPERATION  SINCE\n"
      "db     0/1\n"
      "web    1/2      3 of 5/1h  host7 (failed)  web:web  1-2        2026-01-31T12:00:00.000Z\n");
}

TEST_CASE("fleet limit, release, forget: one request each, with any characters in the names") {
  ClusterFixture fixture;
  CHECK(fixture.run({"fleet", "limit", "set", "web", "--at-once", "2", "--budget", "5/1h",
                     "--hold-failed", "20m"}) == 0);
  CHECK(fixture.requests.back() ==
        AgentRequest{Method::put, "/api/v1/fleet/limits/web",
                     R"({"at_once":2,"budget":"5/1h","hold_failed":"20m"})"});
  CHECK(fixture.out.str() == "web: set for all hosts\n");
  CHECK(fixture.run({"fleet", "limit", "delete", "a/b"}) == 0);
  CHECK(fixture.requests.back() == AgentRequest{Method::del, "/api/v1/fleet/limits/a%2Fb", ""});
  CHECK(fixture.run({"fleet", "release", "web", "host7"}) == 0);
  CHECK(fixture.requests.back() ==
        AgentRequest{Method::del, "/api/v1/fleet/limits/web/holders/host7", ""});
  CHECK(fixture.run({"fleet", "forget", "host7"}) == 0);
  CHECK(fixture.requests.back() == AgentRequest{Method::del, "/api/v1/fleet/members/host7", ""});
}

TEST_CASE("fleet limit: wrong arguments are exit code 2, and nothing is sent") {
  ClusterFixture fixture;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"fleet", "limit"},
                                             {"fleet", "limit", "set", "web"},
                                             {"fleet", "limit", "set", "web", "--at-once", "0"},
                                             {"fleet", "limit", "delete"},
                                             {"fleet", "release", "web"},
                                             {"fleet", "forget"},
                                             {"fleet", "members", "host7"}}) {
    CAPTURE(words);
    CHECK(fixture.run(words) == 2);
  }
  CHECK(fixture.requests.empty());
}

TEST_CASE("maintenance --fleet: of all hosts") {
  ClusterFixture fixture;
  CHECK(fixture.run({"maintenance", "set", "web:*", "--ttl", "2h", "--fleet"}) == 0);
  CHECK(fixture.requests.back() ==
        AgentRequest{Method::put, "/api/v1/fleet/maintenance/web%3A%2A", R"({"ttl":"2h"})"});
  CHECK(fixture.run({"maintenance", "clear", "web:*", "--fleet"}) == 0);
  CHECK(fixture.requests.back() ==
        AgentRequest{Method::del, "/api/v1/fleet/maintenance/web%3A%2A", ""});
  fixture.response = {200,
                      R"([{"scope":"web:*","until":"x","actor":"ann on host7","fleet":true}])"};
  CHECK(fixture.run({"maintenance"}) == 0);
  CHECK_THAT(fixture.out.str(), Catch::Contains("web:* (all hosts)  x"));
}

}  // namespace
}  // namespace reeve::cli
