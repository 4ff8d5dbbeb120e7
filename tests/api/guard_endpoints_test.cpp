#include <csignal>
#include <fstream>

#include <sys/resource.h>

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

TEST_CASE("Maintenance endpoints: a token is shown the windows of the processes that it may read") {
  ApiFixture fixture;
  for (const char* scope : {"web:front", "job:job", "gone:*", "*"}) {
    CHECK(fixture.guarded.maintenance->set(scope, 1h, "private", "ops"));
  }
  const auto scopes = [&](const std::string& token) {
    std::vector<std::string> list;
    for (const auto& window : json_of(fixture.api.handle(get("/api/v1/maintenance", token)))) {
      list.push_back(window["scope"].get<std::string>());
    }
    return list;
  };
  CHECK(scopes(tests::ops_token).size() == 4);
  CHECK(scopes(web_token) == std::vector<std::string>{"*", "web:front"});
}

TEST_CASE("Maintenance endpoints: a process that is named like its group allows nothing on it") {
  ApiFixture fixture;
  tests::FakeProgram star;
  star.name = {"web", "*"};
  fixture.world.supervisord->add(star);
  fixture.world.publish();
  ControlOptions options = tests::three_tokens();
  options.tokens[2].allow = {*substrate::Selector::parse("web:[*]")};
  fixture.api.configure(options);
  CHECK(fixture.api.handle(put("web:*", R"({"ttl": "1h"})", web_token)).status == 403);
  CHECK(fixture.guarded.maintenance->set("web:*", 1h, "", "ops"));
  CHECK(fixture.api.handle(del("web:*", web_token)).status == 403);
}

TEST_CASE("GET audit: what is about no single process is shown to its actor and to who reads all") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(put("*", R"({"ttl": "1h", "reason": "private"})")).status == 200);
  CHECK(fixture.api.handle(put("web:*", R"({"ttl": "1h"})", web_token)).status == 200);
  const auto actors = [&](const std::string& token) {
    std::vector<std::string> list;
    for (const auto& entry : json_of(fixture.api.handle(get("/api/v1/audit", token)))) {
      list.push_back(entry["actor"].get<std::string>());
    }
    return list;
  };
  CHECK(actors(tests::ops_token) == std::vector<std::string>{"ops", "web"});
  CHECK(actors(web_token) == std::vector<std::string>{"web"});
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
  REQUIRE(audit.size() == 4);
  CHECK(audit[0]["kind"] == "maintenance");
  CHECK(audit[0]["action"] == "set");
  CHECK(audit[0]["actor"] == "ops");
  CHECK(audit[0]["group"] == "web");
  CHECK(audit[0]["reason"].get<std::string>().ends_with(": new disk"));
  CHECK(audit[1]["action"] == "clear");
  CHECK(audit[2]["kind"] == "reset");
  CHECK(audit[2]["name"] == "front");
  CHECK(audit[3]["kind"] == "decision");
  CHECK(audit[3]["decision"] == "not_allowed");
  CHECK(audit[3]["actor"] == "web");
}

TEST_CASE("Guard endpoints: nothing is changed that cannot be recorded in the audit") {
  CooldownFixture fixture;
  // Then the audit is longer than the limit, and what the guards write is not.
  for (int number = 0; number < 200; ++number) {
    control::AuditEntry entry;
    entry.kind = control::AuditKind::operation;
    entry.reason = std::string(200, 'x');
    fixture.audit->record({entry});
  }
  CHECK(fixture.api.handle(put("job:job", R"({"ttl": "1h"})")).status == 200);
  std::signal(SIGXFSZ, SIG_IGN);  // as the agent does
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{20'000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const int reset = fixture.api.handle(post("/api/v1/guards/web:front/reset")).status;
  const int reset_all = fixture.api.handle(post("/api/v1/guards/*/reset")).status;
  const int set = fixture.api.handle(put("web:front", R"({"ttl": "1h"})")).status;
  const int clear = fixture.api.handle(del("job:job")).status;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(reset == 500);
  CHECK(reset_all == 500);
  CHECK(set == 500);
  CHECK(clear == 500);
  CHECK(fixture.guards().size() == 1);
  const auto windows = json_of(fixture.api.handle(get("/api/v1/maintenance")));
  REQUIRE(windows.size() == 1);
  CHECK(windows[0]["scope"] == "job:job");
  CHECK(fixture.api.handle(post("/api/v1/guards/web:front/reset")).status == 200);
}

TEST_CASE("ControlApi: requests of known clients that the gate refuses are in the audit, counted") {
  ApiFixture fixture;
  for (int time = 0; time < 100; ++time) {
    CHECK(
        fixture.api.handle(post("/api/v1/processes/job/restart", "", tests::reader_token)).status ==
        403);
  }
  auto foreign = put("web:*", R"({"ttl": "1h"})");
  foreign.headers.push_back({"Origin", "http://evil.example"});
  (void)fixture.api.handle(foreign);
  (void)fixture.api.handle(get("/api/v1/audit", "no token"));
  const auto audit = json_of(fixture.api.handle(get("/api/v1/audit")));
  REQUIRE(audit.size() == 3);
  CHECK(audit[0]["actor"] == "reader");
  CHECK(audit[0]["decision"] == "missing_scope");
  CHECK(audit[0]["reason"] == "'reader' does not have the scope control");
  CHECK(audit[1]["decision"] == "foreign_origin");
  CHECK(audit[2]["decision"] == "missing_scope");
  CHECK(audit[2]["count"] == 99);
  CHECK_FALSE(audit[2]["first"].is_null());
}

TEST_CASE("GET audit: since and limit select the entries") {
  ApiFixture fixture;
  for (int i = 0; i < 3; ++i) {
    control::AuditEntry entry;
    entry.kind = i == 1 ? control::AuditKind::reset : control::AuditKind::operation;
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
  CHECK(actors("?kind=operation") == "02");
  CHECK(actors("?kind=reset&limit=1") == "1");
  CHECK(actors("?since=1001") == "12");
  CHECK(actors("?since=1970-01-01T00:16:42Z") == "2");
  CHECK(actors("?since=1970-01-01T01:16:41+01:00&limit=1") == "2");
  for (const char* query : {"?limit=0", "?limit=10001", "?limit=x", "?since=yesterday", "?since=-1",
                            "?since=", "?kind=tea", "?kind="}) {
    CAPTURE(query);
    CHECK(fixture.api.handle(get("/api/v1/audit" + std::string(query))).status == 400);
  }
}

}  // namespace
}  // namespace reeve::api
