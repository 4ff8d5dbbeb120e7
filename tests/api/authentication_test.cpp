#include "api/authentication.h"

#include "api/api_fixture.h"
#include "api/routes.h"
#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using tests::ApiFixture;
using tests::get;
using tests::header_of;
using tests::json_of;
using tests::ops_token;
using tests::post;
using tests::reader_token;

const std::string processes = "/api/v1/processes";
const std::string restart = "/api/v1/processes/job/restart";

std::string type_of(const http::Response& response) {
  return json_of(response)["type"];
}

void set_header(http::Request& request, const std::string& name, const std::string& value) {
  std::erase_if(request.headers, [&](const http::Header& each) { return each.name == name; });
  request.headers.push_back({name, value});
}

TEST_CASE("check_request: a token with the route's scope is accepted") {
  CHECK(ApiFixture().api.handle(get(processes, reader_token)).status == 200);
}

TEST_CASE("check_request: a Host that is none of the agent's names is a 421, on loopback too") {
  ApiFixture fixture;
  http::Request request = get(processes);
  for (const char* host : {"evil.example", "evil.example:19002", "localhost.evil.example", ""}) {
    set_header(request, "Host", host);
    request.peer = "127.0.0.1";
    const http::Response response = fixture.api.handle(request);
    CHECK(response.status == 421);
    CHECK(type_of(response) == "urn:reeve:problem:wrong_host");
  }
  std::erase_if(request.headers, [](const auto& each) { return each.name == "Host"; });
  CHECK(fixture.api.handle(request).status == 421);
}

TEST_CASE("check_request: without a token, or with a wrong one, every request is a delayed 401") {
  ApiFixture fixture;
  for (const std::string& token : {std::string(), std::string("wrong"), ops_token + "x",
                                   ops_token.substr(1), std::string(20'000, 'x')}) {
    const http::Response response = fixture.api.handle(get(processes, token));
    CHECK(response.status == 401);
    CHECK(header_of(response, "WWW-Authenticate") == "Bearer realm=\"reeve\"");
    CHECK(response.delay > std::chrono::milliseconds(0));
  }
}

TEST_CASE("ControlApi: a head alone is refused as the whole request would be, and counted once") {
  ApiFixture fixture;
  http::Request wrong_host = post(restart);
  set_header(wrong_host, "Host", "evil.example");
  http::Request wrong_method = post("/api/v1/processes");
  for (const auto& [request, status] :
       {std::pair(wrong_host, 421), std::pair(post(restart, "", "wrong"), 401),
        std::pair(post("/nowhere"), 404), std::pair(wrong_method, 405),
        std::pair(post(restart, "", reader_token), 403)}) {
    const auto refused = fixture.api.check_head(request).refusal;
    REQUIRE(refused);
    CHECK(refused->status == status);
    CHECK((refused->delay > 0ms) == (status == 401));
    CHECK(fixture.observed.back().status == status);
  }
  CHECK(fixture.observed.size() == 5);
  const auto passed = fixture.api.check_head(post(restart));
  CHECK_FALSE(passed.refusal);
  CHECK(passed.queueing.lane == static_cast<std::size_t>(Lane::acting));
  CHECK(passed.queueing.owner == "ops");
  CHECK(fixture.observed.size() == 5);
}

TEST_CASE("ControlApi: what is open to all is answered by its head, and takes no worker") {
  ApiFixture fixture;
  for (const char* path : {"/-/healthy", "/api/v1/openapi.json"}) {
    const auto response = fixture.api.check_head(get(path, "")).refusal;
    REQUIRE(response);
    CHECK(response->status == 200);
  }
}

TEST_CASE("check_request: only the scheme Bearer is accepted, in any case") {
  ApiFixture fixture;
  http::Request request = get(processes);
  for (const char* value : {"Basic b3BzOm9wcw==", "Bearer", "Bearer ", "Bearer\tx"}) {
    set_header(request, "Authorization", value);
    CHECK(fixture.api.handle(request).status == 401);
  }
  set_header(request, "Authorization", "bearer " + ops_token);
  CHECK(fixture.api.handle(request).status == 200);
}

TEST_CASE(
    "check_request: a verified client certificate is accepted by its subject alternative name") {
  ApiFixture fixture;
  http::Request request = get(processes, "");
  request.client_names = {"DNS:other.example", "DNS:robot.example"};
  CHECK(fixture.api.handle(request).status == 200);
  for (const char* other : {"DNS:robot.example.evil", "URI:robot.example", "email:robot.example",
                            "robot.example", "IP:10.0.0.1"}) {
    request.client_names = {other};
    CHECK(fixture.api.handle(request).status == 401);
  }
  request.client_names = {"DNS:robot.example.evil"};
  CHECK(fixture.api.handle(request).status == 401);
}

TEST_CASE("check_request: a wrong token is rejected despite a known certificate") {
  ApiFixture fixture;
  http::Request request = get(processes, "wrong");
  request.client_names = {"DNS:robot.example"};
  CHECK(fixture.api.handle(request).status == 401);
}

TEST_CASE("check_request: the 403 for a token without the scope names the scope") {
  ApiFixture fixture;
  const http::Response response = fixture.api.handle(post(restart, "", reader_token));
  CHECK(response.status == 403);
  CHECK(type_of(response) == "urn:reeve:problem:missing_scope");
  CHECK(json_of(response)["detail"] == "'reader' does not have the scope control");
}

TEST_CASE("check_request: every route but the open ones requires a token with its scope") {
  for (const Route& route : control_routes()) {
    ApiFixture fixture;
    http::Request request = tests::request(route.method, std::string(route.pattern), "");
    CAPTURE(route.pattern);
    CHECK((fixture.api.handle(request).status == 401) != route.is_open());
    if (route.scope && *route.scope != Scope::read) {
      request = tests::request(route.method, std::string(route.pattern), reader_token);
      CHECK(fixture.api.handle(request).status == 403);
    }
  }
}

TEST_CASE("check_request: without a token unknown and known paths get the same response") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(get("/api/v2/secrets", "")).status == 401);
  const http::Response response = fixture.api.handle(get("/api/v2/secrets"));
  CHECK(response.status == 404);
  CHECK(type_of(response) == "urn:reeve:problem:no_such_route");
}

TEST_CASE("check_request: a 405 lists the methods of the path") {
  ApiFixture fixture;
  const http::Response posted = fixture.api.handle(post(processes));
  CHECK(posted.status == 405);
  CHECK(header_of(posted, "Allow") == "GET, HEAD");
  for (const auto method : {http::Method::get, http::Method::head, http::Method::put,
                            http::Method::del, http::Method::other}) {
    const http::Response response = fixture.api.handle(tests::request(method, restart));
    CHECK(response.status == 405);
    CHECK(header_of(response, "Allow") == "POST");
    CHECK(type_of(response) == "urn:reeve:problem:method_not_allowed");
  }
  CHECK(fixture.world.controller.list().empty());
}

TEST_CASE("check_request: HEAD is accepted wherever GET is") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(tests::request(http::Method::head, processes)).status == 200);
}

TEST_CASE("check_request: a query parameter that the route does not take is a 400") {
  ApiFixture fixture;
  const auto detail_of = [&](const http::Request& request) {
    const http::Response response = fixture.api.handle(request);
    CHECK(response.status == 400);
    return json_of(response)["detail"].get<std::string>();
  };
  CHECK(detail_of(post(restart + "?wiat=10m")) ==
        "unknown query parameter 'wiat': did you mean 'wait'?");
  CHECK(detail_of(get(processes + "?sort=name")) ==
        "unknown query parameter 'sort': this route takes group, state, supervisor");
  CHECK(detail_of(get("/api/v1/supervisors?state=FATAL")) ==
        "unknown query parameter 'state': this route takes none");
  CHECK(detail_of(get(processes + "?state=FATAL&st%61te=RUNNING")) ==
        "the query parameter 'state' is given twice");
  CHECK(fixture.world.controller.list().empty());
  CHECK(fixture.api.handle(get(processes + "?state=RUNNING&")).status == 200);
}

TEST_CASE("check_request: a query parameter that no route takes is a 400 on each") {
  for (const Route& route : control_routes()) {
    CAPTURE(route.pattern);
    ApiFixture fixture;
    ControlOptions options;
    options.tokens = {{"all", digest_of("all"), {all_scopes.begin(), all_scopes.end()}}};
    fixture.api.configure(options);
    const auto response = fixture.api.handle(
        tests::request(route.method, std::string(route.pattern) + "?no_such_parameter", "all"));
    CHECK(response.status == 400);
  }
}

TEST_CASE("check_request: a body must come as application/json") {
  ApiFixture fixture;
  http::Request request = post(restart, "{}");
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "",
                           "application/jsonx", "multipart/form-data; boundary=application/json"}) {
    set_header(request, "Content-Type", type);
    const http::Response response = fixture.api.handle(request);
    CHECK(response.status == 415);
    CHECK(type_of(response) == "urn:reeve:problem:content_type");
  }
  set_header(request, "Content-Type", "Application/JSON; charset=utf-8");
  CHECK(fixture.api.handle(request).status == 202);
}

TEST_CASE("check_request: pages of other origins are refused, the agent's own are not") {
  ApiFixture fixture;
  http::Request request = get(processes);
  for (const char* origin : {"http://evil.example", "null", "http://localhost:8080",
                             "http://localhost:19002.evil.example"}) {
    set_header(request, "Origin", origin);
    const http::Response response = fixture.api.handle(request);
    CHECK(response.status == 403);
    CHECK(type_of(response) == "urn:reeve:problem:foreign_origin");
  }
  set_header(request, "Origin", "http://localhost:19002");
  CHECK(fixture.api.handle(request).status == 200);
  set_header(request, "Sec-Fetch-Site", "cross-site");
  CHECK(fixture.api.handle(request).status == 403);
}

TEST_CASE("check_request: the checks have one order, the first objection is the response") {
  ApiFixture fixture;
  http::Request request = tests::request(http::Method::put, "/nowhere?%zz", "wrong");
  request.headers = {{"Host", "evil.example"},
                     {"Authorization", "Bearer wrong"},
                     {"Content-Type", "text/plain"},
                     {"Origin", "http://evil.example"}};
  request.body = "x";
  CHECK(fixture.api.handle(request).status == 421);
  set_header(request, "Host", "localhost");
  CHECK(fixture.api.handle(request).status == 401);
  set_header(request, "Authorization", "Bearer " + reader_token);
  CHECK(fixture.api.handle(request).status == 404);
  request.path = restart;
  CHECK(fixture.api.handle(request).status == 405);
  request.method = http::Method::post;
  CHECK(fixture.api.handle(request).status == 403);
  set_header(request, "Authorization", "Bearer " + ops_token);
  CHECK(fixture.api.handle(request).status == 400);
  request.query.clear();
  CHECK(fixture.api.handle(request).status == 415);
  set_header(request, "Content-Type", "application/json");
  CHECK(fixture.api.handle(request).status == 403);
  set_header(request, "Origin", "http://localhost");
  const http::Response response = fixture.api.handle(request);
  CHECK(response.status == 400);
  CHECK(type_of(response) == "urn:reeve:problem:malformed_request");
}

TEST_CASE("ControlApi: a wrong token for alerts is a 401 each time, never a 429") {
  ApiFixture fixture;
  for (int i = 0; i <= LoginThrottle::max_failures; ++i) {
    CHECK(fixture.api.handle(post("/api/v1/alerts", "{}", "wrong")).status == 401);
  }
}

TEST_CASE(
    "ControlApi: too many failed logins from one address are a 429, a right token is still "
    "accepted") {
  ApiFixture fixture;
  for (int i = 0; i < LoginThrottle::max_failures; ++i) {
    CHECK(fixture.api.handle(get(processes, "wrong")).status == 401);
  }
  const http::Response response = fixture.api.handle(get(processes, "wrong"));
  CHECK(response.status == 429);
  CHECK(header_of(response, "Retry-After") == "60");
  CHECK(type_of(response) == "urn:reeve:problem:too_many_logins");
  CHECK(fixture.api.handle(get(processes)).status == 200);
  http::Request elsewhere = get(processes, "wrong");
  elsewhere.peer = elsewhere.counted_peer = "192.0.2.8";
  CHECK(fixture.api.handle(elsewhere).status == 401);
  fixture.world.manual.advance(std::chrono::minutes(1));
  CHECK(fixture.api.handle(get(processes, "wrong")).status == 401);
}

TEST_CASE("ControlApi: a reload replaces tokens and host names") {
  ApiFixture fixture;
  ControlOptions options;
  options.tokens = {{"new", digest_of("new-token"), {Scope::read}}};
  options.allowed_hosts = {"Reeve.Example"};
  fixture.api.configure(options);
  CHECK(fixture.api.handle(get(processes)).status == 401);
  http::Request request = get(processes, "new-token");
  set_header(request, "Host", "reeve.example:443");
  CHECK(fixture.api.handle(request).status == 200);
}

TEST_CASE("ControlApi: no response repeats a token") {
  ApiFixture fixture;
  for (const std::string& token : {std::string("wrong-secret-token"), ops_token}) {
    for (const char* path : {"/api/v1/processes", "/nowhere", "/api/v1/processes/job/restart"}) {
      const auto response = fixture.api.handle(get(path, token));
      CHECK(tests::body_of(response).find(token) == std::string::npos);
    }
  }
}

TEST_CASE("ControlApi: every response forbids caching and content sniffing") {
  ApiFixture fixture;
  for (const http::Request& request : {get(processes), get("/nowhere"), get(processes, "wrong"),
                                       post(restart), get("/-/healthy")}) {
    const http::Response response = fixture.api.handle(request);
    CHECK(header_of(response, "Cache-Control") == "no-store");
    CHECK(header_of(response, "X-Content-Type-Options") == "nosniff");
  }
}

TEST_CASE("ControlApi: each request is measured under its route's name, with any status") {
  ApiFixture fixture;
  (void)fixture.api.handle(get(processes));
  (void)fixture.api.handle(get(processes, "wrong"));
  (void)fixture.api.handle(get("/api/v1/processes/x%zz"));
  (void)fixture.api.handle(get("/nowhere"));
  CHECK(fixture.observed ==
        std::vector<tests::Observed>{
            {"processes", 200}, {"processes", 401}, {"process", 400}, {"other", 404}});
}

TEST_CASE("Scope: names are read back") {
  for (const Scope scope : all_scopes) {
    CHECK(scope_from_string(to_string(scope)) == scope);
  }
  CHECK_FALSE(scope_from_string("write"));
  CHECK_FALSE(scope_from_string(""));
}

TEST_CASE("credentials: the part of the header after the scheme") {
  CHECK(credentials("Bearer abc", "Bearer") == "abc");
  CHECK(credentials("BEARER   abc", "Bearer") == "abc");
  CHECK_FALSE(credentials("Bearerabc", "Bearer"));
  CHECK_FALSE(credentials("Bear", "Bearer"));
  CHECK_FALSE(credentials("", "Bearer"));
  CHECK(credentials("Bearer ", "Bearer") == "");
}

TEST_CASE("ControlApi: an accepted command is permitted what its actor may do now") {
  ApiFixture fixture;
  guards::Command command;
  const auto permitted = [&] { return fixture.api.permission_of(command); };
  command.actor = "web";
  CHECK(permitted() == tests::three_tokens().tokens[2].allow);
  command.actor = "reader";
  CHECK(permitted().error().reason == guards::Reason::withdrawn);
  command.actor = "web";
  ControlOptions options = tests::three_tokens();
  options.tokens[2].scopes = {Scope::read};
  fixture.api.configure(options);
  CHECK(permitted().error().error.message == "'web' may not act any more");
  options.clients = {{"web", {Scope::control}}};
  options.tokens.pop_back();
  fixture.api.configure(options);
  CHECK(permitted());
}

TEST_CASE("Authenticator: an empty token is unknown, even if one is configured") {
  ControlOptions options;
  options.tokens = {{"careless", digest_of(""), {Scope::read}}};
  http::Request request;
  request.headers = {{"Authorization", "Bearer "}};
  CHECK(Authenticator(options).authenticate(credential_of(request)) == nullptr);
}

TEST_CASE("digest_of: SHA-256; a keyed digest depends on its key") {
  CHECK(digest_of("abc")[0] == 0xba);
  CHECK(digest_of("abc")[31] == 0xad);
  CHECK(digest_of(random_key(), "abc") != digest_of(random_key(), "abc"));
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "abcd"));
}

TEST_CASE("HostNames: loopback, the listen address, the machine's names and those added") {
  int asked = 0;
  const HostNames names("2001:db8::1", {"Reeve.Example", "10.0.0.1:19002"},
                        {"box", [&] {
                           ++asked;
                           return "Box.Example.Org";
                         }});
  for (const char* host : {"localhost", "LOCALHOST:19002", "localhost.", "127.0.0.1:1", "[::1]",
                           "[::1]:19002", "[0:0::1]", "[2001:db8::1]:19002", "[2001:DB8:0:0::1]",
                           "reeve.example:443", "10.0.0.1", "box", "box:19002"}) {
    CAPTURE(host);
    CHECK(names.contains(host));
  }
  CHECK(asked == 0);
  CHECK(names.contains("box.example.org:19002"));
  CHECK_FALSE(names.contains("box.evil.example"));
  CHECK(asked == 1);
  for (const char* host : {"",
                           ":",
                           ":19002",
                           "evil.example",
                           "127.0.0.1.evil.example",
                           "[::1",
                           "::1",
                           "localhost@evil.example",
                           "0x7f000001",
                           "127.1",
                           "[::1].evil.com",
                           "[::1]@evil.com",
                           "[::1]:80:80",
                           "[::1]:",
                           "[::1]x",
                           "[::1%25lo]",
                           "[127.0.0.1]",
                           "[localhost]",
                           "localhost:evil.com",
                           "localhost:",
                           "localhost:99999",
                           "localhost:80:80",
                           "localhost:+80",
                           "localhost..",
                           ".localhost",
                           "localhost/",
                           "localhost ",
                           " localhost",
                           "local%68ost",
                           "x@localhost",
                           "localhost,evil.com"}) {
    CAPTURE(host);
    CHECK_FALSE(names.contains(host));
  }
}

TEST_CASE(
    "HostNames: a check of the head passes what a look-up would decide, and looks nothing up") {
  int asked = 0;
  const HostNames names("", {}, {"box", [&] {
                                   ++asked;
                                   return "box.example";
                                 }});
  CHECK(names.contains("box.evil.example", CheckStage::head));
  CHECK_FALSE(names.contains("evil.example", CheckStage::head));
  CHECK(asked == 0);
  CHECK(names.contains("box.example"));
  CHECK_FALSE(names.contains("box.evil.example", CheckStage::head));
}

TEST_CASE("HostNames: a missing qualified name is looked up once") {
  int asked = 0;
  const HostNames names("", {}, {"box", [&] {
                                   ++asked;
                                   return "";
                                 }});
  CHECK_FALSE(names.contains("box.example"));
  CHECK_FALSE(names.contains("box.example"));
  CHECK(asked == 1);
}

TEST_CASE(
    "LoginThrottle: failures are counted per address, over a minute, for a bounded number of "
    "addresses") {
  tests::ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 1; i <= LoginThrottle::max_failures; ++i) {
    CHECK_FALSE(throttle.retry_after("a"));
    CHECK(throttle.count_failure("a") == i);
  }
  clock.advance(10s);
  CHECK(throttle.retry_after("a") == 50s);
  CHECK_FALSE(throttle.retry_after("b"));
  for (std::size_t i = 0; i < LoginThrottle::max_peers; ++i) {
    throttle.count_failure("peer" + std::to_string(i));
  }
  CHECK_FALSE(throttle.retry_after("a"));
}

}  // namespace
}  // namespace reeve::api
