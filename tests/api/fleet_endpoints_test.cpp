#include "api/api_fixture.h"
#include "support/catch.h"
#include "support/fake_coordinator.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using http::Method;
using tests::get;
using tests::json_of;
using tests::request;

struct FleetFixture : tests::ApiFixture {
  FleetFixture() {
    coordination::MemberReport report;
    report.groups["web"] = {{"RUNNING", 2}};
    report.problems = {{"web:web", "FATAL"}};
    self.report(report);
    set("web", R"({"at_once": 2, "budget": "5/1h", "hold_failed": "20m"})");
  }

  [[nodiscard]] ControlApiDeps with_cluster() {
    ControlApiDeps made = deps();
    made.coordinator = &self;
    made.member_name = "host1";
    return made;
  }
  int set(const std::string& name, const std::string& body,
          const std::string& token = tests::ops_token) {
    auto made = request(Method::put, "/api/v1/fleet/limits/" + name, token);
    made.headers.push_back({"Content-Type", "application/json"});
    made.body = body;
    return fleet.handle(made).status;
  }
  int del(const std::string& path, const std::string& token = tests::ops_token) {
    return fleet.handle(request(Method::del, "/api/v1/fleet/" + path, token)).status;
  }
  [[nodiscard]] std::vector<control::AuditEntry> audited(control::AuditKind kind) {
    const auto entries = audit->read(std::nullopt, 100);
    std::vector<control::AuditEntry> all = entries.value();
    std::erase_if(all, [&](const control::AuditEntry& each) { return each.kind != kind; });
    return all;
  }

  tests::FakeEngine engine{world.clock};
  tests::FakeCoordinator self{engine, {"host1", "host1:19001", "", "1.0", {{"rack", "a"}}}};
  ControlApi fleet{with_cluster(), tests::three_tokens(), world.clock, base::Log()};
};

TEST_CASE("fleet: without a cluster its routes are not found, and say what to set") {
  tests::ApiFixture fixture;
  const auto answer = fixture.api.handle(get("/api/v1/fleet/members"));
  CHECK(answer.status == 404);
  CHECK_THAT(json_of(answer)["detail"].get<std::string>(), Catch::Contains("set coordination"));
  CHECK(fixture.api.handle(get("/api/v1/fleet/limits")).status == 404);
}

TEST_CASE("fleet: members, with reports only for those who may read everything") {
  FleetFixture fixture;
  auto list = json_of(fixture.fleet.handle(get("/api/v1/fleet/members")));
  REQUIRE(list.size() == 1);
  CHECK(list[0]["name"] == "host1");
  CHECK(list[0]["alive"] == true);
  CHECK(list[0]["self"] == true);
  CHECK(list[0]["labels"]["rack"] == "a");
  CHECK(list[0]["groups"]["web"]["RUNNING"] == 2);
  CHECK(list[0]["problems"][0]["process"] == "web:web");
  list = json_of(fixture.fleet.handle(get("/api/v1/fleet/members", tests::web_token)));
  CHECK(list[0]["alive"] == true);
  CHECK(list[0]["groups"].empty());
  CHECK(list[0]["problems"].empty());
}

TEST_CASE("fleet: a member is forgotten only when it is not alive") {
  FleetFixture fixture;
  { const tests::FakeCoordinator dead(fixture.engine, {"host2", "", "", "", {}}); }
  CHECK(fixture.del("members/host1") == 409);
  CHECK(fixture.del("members/nobody") == 404);
  CHECK(fixture.del("members/host2") == 204);
  CHECK(fixture.del("members/host2", tests::reader_token) == 403);
}

TEST_CASE("fleet: limits with their holders; setting and deleting needs the scope admin") {
  FleetFixture fixture;
  const auto won = fixture.self.claim(
      {.limit = "web",
       .holder = {"host1", "web:front", "7-1", base::SystemTime(1'700'000'000s), false}},
      base::Deadline::after(fixture.world.clock, 1s));
  auto list = json_of(fixture.fleet.handle(get("/api/v1/fleet/limits", tests::reader_token)));
  REQUIRE(list.size() == 1);
  CHECK(list[0]["name"] == "web");
  CHECK(list[0]["at_once"] == 2);
  CHECK(list[0]["budget"] == "5/1h");
  CHECK(list[0]["budget_used"] == 1);
  CHECK(list[0]["hold_failed"] == "20m");
  CHECK(list[0]["holders"][0]["process"] == "web:front");
  CHECK(list[0]["holders"][0]["since"] == "2023-11-14T22:13:20.000Z");
  CHECK(fixture.set("web", R"({"at_once": 1})", tests::web_token) == 403);
  CHECK(fixture.del("limits/web", tests::web_token) == 403);
  CHECK(fixture.del("limits/web/holders/nobody") == 404);
  CHECK(fixture.del("limits/web/holders/7-1") == 204);
  CHECK(fixture.del("limits/web") == 204);
  CHECK(fixture.del("limits/web") == 404);
}

TEST_CASE("fleet: a limit that makes no sense is refused with what is expected") {
  FleetFixture fixture;
  for (const char* body :
       {"{}", R"({"at_once": 0})", R"({"at_once": 1001})", R"({"at_once": "1"})",
        R"({"at_once": 1, "budget": "5"})", R"({"at_once": 1, "budget": 5})",
        R"({"at_once": 1, "hold_failed": 5})", R"({"at_once": 1, "hold_failed": "8760h"})"}) {
    CAPTURE(body);
    CHECK(fixture.set("web", body) == 422);
  }
  CHECK(fixture.set("web", R"({"at_once": 1, "more": 1})") == 400);
  CHECK(fixture.set("a%2Fb", R"({"at_once": 1})") == 422);
  CHECK(fixture.set("web", R"({"at_once": 1, "budget": null})") == 204);
}

TEST_CASE("fleet: changes are in the audit before they are made, and their failures too") {
  FleetFixture fixture;
  CHECK(fixture.del("limits/nobody") == 404);
  const auto entries = fixture.audited(control::AuditKind::fleet);
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].action == "set");
  CHECK(entries[0].actor == "ops");
  CHECK_THAT(entries[0].reason, Catch::Contains("the limit 'web': {\"at_once\":2"));
  CHECK(entries[1].action == "delete");
  CHECK(entries[2].result == "failed");
}

TEST_CASE("fleet: while etcd cannot be asked changes and members are a 503, limits the last ones") {
  FleetFixture fixture;
  fixture.self.set_reachable(false);
  const auto answer = fixture.fleet.handle(get("/api/v1/fleet/members"));
  CHECK(answer.status == 503);
  CHECK(json_of(answer)["type"] == "urn:reeve:problem:coordination_unreachable");
  CHECK(fixture.set("web", R"({"at_once": 1})") == 503);
  CHECK(json_of(fixture.fleet.handle(get("/api/v1/fleet/limits"))).size() == 1);
}

TEST_CASE("fleet: maintenance of all hosts needs a scope, a span, and the token's allow list") {
  FleetFixture fixture;
  const auto put = [&](const std::string& scope, const std::string& body,
                       const std::string& token) {
    auto made = request(Method::put, "/api/v1/fleet/maintenance/" + scope, token);
    made.headers.push_back({"Content-Type", "application/json"});
    made.body = body;
    return fixture.fleet.handle(made).status;
  };
  CHECK(put("web:*", R"({"ttl": "2h", "reason": "disks"})", tests::web_token) == 204);
  CHECK(put("*", R"({"ttl": "2h"})", tests::web_token) == 403);
  CHECK(put("web", R"({"ttl": "2h"})", tests::ops_token) == 400);
  CHECK(put("web:*", R"({"ttl": "100ms"})", tests::ops_token) == 422);
  CHECK(put("web:*", R"({"ttl": "8000h"})", tests::ops_token) == 422);
  const auto view = fixture.self.view();
  REQUIRE(view->maintenance.size() == 1);
  CHECK(view->maintenance[0].reason == "disks");
  CHECK(view->maintenance[0].host == "host1");
  CHECK(fixture.audited(control::AuditKind::maintenance).size() == 1);
  fixture.guarded.maintenance->set_shared(view->maintenance);
  const auto list = json_of(fixture.fleet.handle(get("/api/v1/maintenance")));
  REQUIRE(list.size() == 1);
  CHECK(list[0]["fleet"] == true);
  CHECK(fixture.del("maintenance/web:*", tests::web_token) == 204);
  CHECK(fixture.del("maintenance/web:*", tests::web_token) == 404);
}

}  // namespace
}  // namespace reeve::api
