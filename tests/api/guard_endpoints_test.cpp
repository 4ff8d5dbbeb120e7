#include <fstream>

#include "api/api_fixture.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using http::Method;
using tests::ApiFixture;
using tests::get;
using tests::json_of;
using tests::post;
using tests::request;
using tests::web_token;

http::Request put(const std::string& scope, const std::string& body,
                  const std::string& token = tests::ops_token) {
  auto made = request(Method::put, "/api/v1/maintenance/" + scope, token);
  made.headers.push_back({"Content-Type", "application/json"});
  made.body = body;
  return made;
}

http::Request del(const std::string& scope, const std::string& token = tests::ops_token) {
  return request(Method::del, "/api/v1/maintenance/" + scope, token);
}

/// An alert has acted on web:front once.
struct CooldownFixture : ApiFixture {
  CooldownFixture() {
    REQUIRE(
        guarded.guards->check_and_record(tests::alert_command(), tests::running_process()).reason ==
        guards::Reason::accepted);
  }
  [[nodiscard]] nlohmann::json guards() { return json_of(api.handle(get("/api/v1/guards"))); }
};

TEST_CASE("Maintenance endpoints: set, show, replace and clear") {
  ApiFixture fixture;
  const auto set = fixture.api.handle(put("web:*", R"({"ttl": "2h", "reason": "new disk"})"));
  CHECK(set.status == 200);
  CHECK(json_of(set)["scope"] == "web:*");
  CHECK(json_of(set)["reason"] == "new disk");
  CHECK(json_of(set)["actor"] == "ops");
  CHECK(fixture.api.handle(put("web%3A*", R"({"ttl": "1h"})")).status == 200);
  CHECK(fixture.api.handle(put("*", R"({"ttl": "1m"})")).status == 200);
  const auto list = json_of(fixture.api.handle(get("/api/v1/maintenance")));
  REQUIRE(list.size() == 2);
  CHECK(list[0]["scope"] == "*");
  CHECK(list[1]["reason"].is_null());
  CHECK(fixture.api.handle(del("web:*")).status == 204);
  CHECK(fixture.api.handle(del("web:*")).status == 404);
  CHECK(json_of(fixture.api.handle(get("/api/v1/maintenance"))).size() == 1);
}

TEST_CASE(
    "Maintenance endpoints: a bad duration, an unknown scope or a malformed body is refused") {
  ApiFixture fixture;
  auto read = std::make_shared<monitor::Snapshot>(*fixture.world.snapshot);
  read->supervisors[0].snapshot_at = fixture.world.clock.system_now();
  fixture.world.snapshot = read;
  const std::string good = R"({"ttl": "1h"})";
  CHECK(fixture.api.handle(put("web:*", "")).status == 422);
  CHECK(fixture.api.handle(put("web:*", R"({"reason": "x"})")).status == 422);
  CHECK(fixture.api.handle(put("web:*", R"({"ttl": 3600})")).status == 422);
  CHECK(fixture.api.handle(put("web:*", R"({"ttl": "soon"})")).status == 422);
  CHECK(fixture.api.handle(put("web:*", R"({"ttl": "100000h"})")).status == 422);
  CHECK(fixture.api.handle(put("web:*", R"({"ttl": "1h", "for": "me"})")).status == 400);
  CHECK(fixture.api.handle(put("web:*", "[]")).status == 400);
  CHECK(fixture.api.handle(put("a:b:c", good)).status == 400);
  CHECK(fixture.api.handle(put("w%3Fb:*", good)).status == 422);
  CHECK(fixture.api.handle(put("wbe:*", good)).status == 404);
  CHECK(fixture.api.handle(put("web:fr*", good)).status == 422);
  CHECK(json_of(fixture.api.handle(get("/api/v1/maintenance"))).empty());
}

TEST_CASE("Maintenance endpoints: the token's allow list must cover the scope") {
  ApiFixture fixture;
  const std::string body = R"({"ttl": "1h"})";
  CHECK(fixture.api.handle(put("web:*", body, tests::reader_token)).status == 403);
  CHECK(fixture.api.handle(put("web:*", body, web_token)).status == 200);
  CHECK(fixture.api.handle(put("web:front", body, web_token)).status == 200);
  for (const char* scope : {"*", "job:*", "job:job"}) {
    CAPTURE(scope);
    const auto refused = fixture.api.handle(put(scope, body, web_token));
    CHECK(refused.status == 403);
    CHECK(json_of(refused)["type"] == "urn:reeve:problem:not_allowed");
    CHECK(fixture.api.handle(del(scope, web_token)).status == 403);
  }
}

TEST_CASE(
    "Maintenance endpoints: pages of other origins and bodies that are not JSON are refused") {
  ApiFixture fixture;
  auto foreign = put("web:*", R"({"ttl": "1h"})");
  foreign.headers.push_back({"Origin", "http://evil.example"});
  CHECK(fixture.api.handle(foreign).status == 403);
  auto clearing = del("web:*");
  clearing.headers.push_back({"Sec-Fetch-Site", "cross-site"});
  CHECK(fixture.api.handle(clearing).status == 403);
  auto form = put("web:*", R"({"ttl": "1h"})");
  form.headers.pop_back();
  CHECK(fixture.api.handle(form).status == 415);
  const auto wrong = fixture.api.handle(request(Method::post, "/api/v1/maintenance/web:*"));
  CHECK(wrong.status == 405);
  CHECK(tests::header_of(wrong, "Allow") == "PUT, DELETE");
}

TEST_CASE("Guard endpoints: each process with guards is listed") {
  CooldownFixture fixture;
  const auto guards = fixture.guards();
  REQUIRE(guards.size() == 1);
  CHECK(guards[0]["group"] == "web");
  CHECK(guards[0]["name"] == "front");
  CHECK_FALSE(guards[0]["cooldown_until"].is_null());
  CHECK(guards[0]["attempts"] == 1);
  CHECK(guards[0]["budget_used"] == 1);
  CHECK(guards[0]["budget_limit"] == 3);
  CHECK(guards[0]["gave_up"] == false);
  CHECK(guards[0]["breaker_open"] == false);
}

TEST_CASE("Guard endpoints: the guards of one process, or of all, are reset") {
  CooldownFixture fixture;
  CHECK(fixture.api.handle(post("/api/v1/guards/nobody/reset")).status == 404);
  CHECK(fixture.api.handle(post("/api/v1/guards/web:*/reset")).status == 404);
  CHECK(fixture.api.handle(post("/api/v1/guards/web:front/reset", R"({"x": 1})")).status == 400);
  CHECK(fixture.guards().size() == 1);
  const auto one = fixture.api.handle(post("/api/v1/guards/web:front/reset", "{}", web_token));
  CHECK(one.status == 200);
  CHECK(json_of(one).empty());
  CHECK(fixture.api.handle(post("/api/v1/guards/*/reset", "", web_token)).status == 403);
  CHECK(fixture.api.handle(post("/api/v1/guards/job/reset", "", web_token)).status == 403);
  // `*` is every process of every supervisord: naming one of them contradicts it.
  CHECK(fixture.api.handle(post("/api/v1/guards/*/reset?supervisor=web1")).status == 400);
  CHECK(fixture.api.handle(post("/api/v1/guards/*/reset")).status == 200);
}

TEST_CASE("Guard endpoints: an unreadable state is a 503 until everything is reset") {
  ApiFixture fixture;
  fixture.guarded.restart([&] {
    std::ofstream(fixture.guarded.file("guards.json")) << "{";
    std::ofstream(fixture.guarded.file("maintenance.json")) << "{";
  });
  const ControlApiDeps deps = fixture.deps();
  ControlApi api(deps, tests::three_tokens(), fixture.world.clock, base::Log());
  for (const char* path : {"/api/v1/guards", "/api/v1/maintenance"}) {
    const auto response = api.handle(get(path));
    CHECK(response.status == 503);
    CHECK(json_of(response)["type"] == "urn:reeve:problem:state_unreadable");
  }
  CHECK(api.handle(put("*", R"({"ttl": "1h"})")).status == 503);
  CHECK(api.handle(post("/api/v1/guards/web:front/reset")).status == 503);
  CHECK(api.handle(post("/api/v1/guards/*/reset")).status == 200);
  CHECK(api.handle(get("/api/v1/guards")).status == 200);
  CHECK(api.handle(put("*", R"({"ttl": "1h"})")).status == 200);
}

TEST_CASE("Guard endpoints: resets and maintenance are recorded in the audit") {
  CooldownFixture fixture;
  (void)fixture.api.handle(put("web:front", R"({"ttl": "1h", "reason": "new disk"})"));
  (void)fixture.api.handle(del("web:front"));
  (void)fixture.api.handle(post("/api/v1/guards/web:front/reset"));
  (void)fixture.api.handle(put("job:job", R"({"ttl": "1h"})", web_token));  // refused
  const auto audit = json_of(fixture.api.handle(get("/api/v1/audit")));
  REQUIRE(audit.size() == 3);
  CHECK(audit[0]["kind"] == "maintenance");
  CHECK(audit[0]["action"] == "set");
  CHECK(audit[0]["actor"] == "ops");
  CHECK(audit[0]["group"] == "web");
  CHECK(audit[0]["reason"].get<std::string>().ends_with(": new disk"));
  CHECK(audit[1]["action"] == "clear");
  CHECK(audit[2]["kind"] == "reset");
  CHECK(audit[2]["name"] == "front");
}

TEST_CASE("GET audit: since and limit select the entries") {
  ApiFixture fixture;
  for (int i = 0; i < 3; ++i) {
    control::AuditEntry entry;
    entry.at = base::SystemTime(std::chrono::seconds(1'000 + i));
    entry.actor = std::to_string(i);
    fixture.audit->record({entry});
  }
  const auto actors = [&](const std::string& query) {
    std::string text;
    for (const auto& entry : json_of(fixture.api.handle(get("/api/v1/audit" + query)))) {
      text += entry["actor"].get<std::string>();
    }
    return text;
  };
  CHECK(actors("") == "012");
  CHECK(actors("?limit=2") == "12");
  CHECK(actors("?since=1001") == "12");
  CHECK(actors("?since=1970-01-01T00:16:42Z") == "2");
  CHECK(actors("?since=1970-01-01T01:16:41+01:00&limit=1") == "2");
  for (const char* query :
       {"?limit=0", "?limit=10001", "?limit=x", "?since=yesterday", "?since=-1", "?since="}) {
    CAPTURE(query);
    CHECK(fixture.api.handle(get("/api/v1/audit" + std::string(query))).status == 400);
  }
}

}  // namespace
}  // namespace reeve::api
