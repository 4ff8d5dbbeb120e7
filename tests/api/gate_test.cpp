// Who gets in, and in which order it is checked.

#include "api/desk.h"
#include "api/login_throttle.h"
#include "api/routes.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using tests::Desk;
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

TEST_CASE("with a token of the right scope a request gets in") {
  CHECK(Desk().api.handle(get(processes, reader_token)).status == 200);
}

TEST_CASE("a Host that is not one of the agent's names is misdirected, on loopback too") {
  Desk desk;
  http::Request request = get(processes);
  for (const char* host : {"evil.example", "evil.example:19002", "localhost.evil.example", ""}) {
    set_header(request, "Host", host);
    request.peer = "127.0.0.1";
    const http::Response response = desk.api.handle(request);
    CHECK(response.status == 421);
    CHECK(type_of(response) == "urn:reeve:problem:wrong_host");
  }
  std::erase_if(request.headers, [](const auto& each) { return each.name == "Host"; });
  CHECK(desk.api.handle(request).status == 421);
}

TEST_CASE("without a token, or with a wrong one, nothing is told but that one is needed") {
  Desk desk;
  for (const std::string& token : {std::string(), std::string("wrong"), ops_token + "x",
                                   ops_token.substr(1), std::string(20'000, 'x')}) {
    const http::Response response = desk.api.handle(get(processes, token));
    CHECK(response.status == 401);
    CHECK(header_of(response, "WWW-Authenticate") == "Bearer realm=\"reeve\"");
    CHECK(response.delay > std::chrono::milliseconds(0));
  }
}

TEST_CASE("another scheme than Bearer is no login") {
  Desk desk;
  http::Request request = get(processes);
  for (const char* value : {"Basic b3BzOm9wcw==", "Bearer", "Bearer ", "Bearer\tx"}) {
    set_header(request, "Authorization", value);
    CHECK(desk.api.handle(request).status == 401);
  }
  set_header(request, "Authorization", "bearer " + ops_token);
  CHECK(desk.api.handle(request).status == 200);
}

TEST_CASE("a verified client certificate gets in by its subject alternative name") {
  Desk desk;
  http::Request request = get(processes, "");
  request.client_names = {"other.example", "robot.example"};
  CHECK(desk.api.handle(request).status == 200);
  request.client_names = {"robot.example.evil"};
  CHECK(desk.api.handle(request).status == 401);
}

TEST_CASE("a wrong token is not made up for by a certificate") {
  Desk desk;
  http::Request request = get(processes, "wrong");
  request.client_names = {"robot.example"};
  CHECK(desk.api.handle(request).status == 401);
}

TEST_CASE("a token without the scope is told which one it lacks") {
  Desk desk;
  const http::Response response = desk.api.handle(post(restart, "", reader_token));
  CHECK(response.status == 403);
  CHECK(type_of(response) == "urn:reeve:problem:missing_scope");
  CHECK(json_of(response)["detail"] == "'reader' does not have the scope control");
}

TEST_CASE("every route but the open ones asks for a token and for its scope") {
  for (const Route& route : control_routes()) {
    Desk desk;
    http::Request request = tests::request(route.method, std::string(route.pattern), "");
    CAPTURE(route.pattern);
    CHECK(desk.api.handle(request).status == (route.scope ? 401 : 200));
    if (route.scope && *route.scope != Scope::read) {
      request = tests::request(route.method, std::string(route.pattern), reader_token);
      CHECK(desk.api.handle(request).status == 403);
    }
  }
}

TEST_CASE("an unknown path is not told from a known one without a token") {
  Desk desk;
  CHECK(desk.api.handle(get("/api/v2/secrets", "")).status == 401);
  const http::Response response = desk.api.handle(get("/api/v2/secrets"));
  CHECK(response.status == 404);
  CHECK(type_of(response) == "urn:reeve:problem:no_such_route");
}

TEST_CASE("a method that a path does not take is answered with those it takes") {
  Desk desk;
  const http::Response posted = desk.api.handle(post(processes));
  CHECK(posted.status == 405);
  CHECK(header_of(posted, "Allow") == "GET, HEAD");
  for (const auto method : {http::Method::get, http::Method::head, http::Method::put,
                            http::Method::del, http::Method::other}) {
    const http::Response response = desk.api.handle(tests::request(method, restart));
    CHECK(response.status == 405);
    CHECK(header_of(response, "Allow") == "POST");
    CHECK(type_of(response) == "urn:reeve:problem:method_not_allowed");
  }
  CHECK(desk.world.controller.list().empty());
}

TEST_CASE("HEAD is answered wherever GET is") {
  Desk desk;
  CHECK(desk.api.handle(tests::request(http::Method::head, processes)).status == 200);
}

TEST_CASE("a body that does not come as JSON is refused") {
  Desk desk;
  http::Request request = post(restart, "{}");
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "",
                           "application/jsonx", "multipart/form-data; boundary=application/json"}) {
    set_header(request, "Content-Type", type);
    const http::Response response = desk.api.handle(request);
    CHECK(response.status == 415);
    CHECK(type_of(response) == "urn:reeve:problem:content_type");
  }
  set_header(request, "Content-Type", "Application/JSON; charset=utf-8");
  CHECK(desk.api.handle(request).status == 202);
}

TEST_CASE("pages of other origins are turned away, the agent's own are not") {
  Desk desk;
  http::Request request = get(processes);
  for (const char* origin : {"http://evil.example", "null", "http://localhost:8080",
                             "http://localhost:19002.evil.example"}) {
    set_header(request, "Origin", origin);
    const http::Response response = desk.api.handle(request);
    CHECK(response.status == 403);
    CHECK(type_of(response) == "urn:reeve:problem:foreign_origin");
  }
  set_header(request, "Origin", "http://localhost:19002");
  CHECK(desk.api.handle(request).status == 200);
  set_header(request, "Sec-Fetch-Site", "cross-site");
  CHECK(desk.api.handle(request).status == 403);
}

TEST_CASE("the checks come in one order: each later fault is masked by each earlier one") {
  Desk desk;
  http::Request request = tests::request(http::Method::put, "/nowhere?%zz", "wrong");
  request.headers = {{"Host", "evil.example"},
                     {"Authorization", "Bearer wrong"},
                     {"Content-Type", "text/plain"},
                     {"Origin", "http://evil.example"}};
  request.body = "x";
  CHECK(desk.api.handle(request).status == 421);
  set_header(request, "Host", "localhost");
  CHECK(desk.api.handle(request).status == 401);
  set_header(request, "Authorization", "Bearer " + reader_token);
  CHECK(desk.api.handle(request).status == 404);
  request.path = restart;
  CHECK(desk.api.handle(request).status == 405);
  request.method = http::Method::post;
  CHECK(desk.api.handle(request).status == 403);
  set_header(request, "Authorization", "Bearer " + ops_token);
  CHECK(desk.api.handle(request).status == 400);
  request.query.clear();
  CHECK(desk.api.handle(request).status == 415);
  set_header(request, "Content-Type", "application/json");
  CHECK(desk.api.handle(request).status == 403);
  set_header(request, "Origin", "http://localhost");
  const http::Response response = desk.api.handle(request);
  CHECK(response.status == 400);
  CHECK(type_of(response) == "urn:reeve:problem:malformed_request");
}

TEST_CASE("who posts alerts with a wrong token is told so each time, and never to wait") {
  Desk desk;
  for (int i = 0; i <= LoginThrottle::max_failures; ++i) {
    CHECK(desk.api.handle(post("/api/v1/alerts", "{}", "wrong")).status == 401);
  }
}

TEST_CASE(
    "too many failed logins from one address are asked to wait, a right token still gets in") {
  Desk desk;
  for (int i = 0; i < LoginThrottle::max_failures; ++i) {
    CHECK(desk.api.handle(get(processes, "wrong")).status == 401);
  }
  const http::Response response = desk.api.handle(get(processes, "wrong"));
  CHECK(response.status == 429);
  CHECK(header_of(response, "Retry-After") == "60");
  CHECK(type_of(response) == "urn:reeve:problem:too_many_logins");
  CHECK(desk.api.handle(get(processes)).status == 200);
  http::Request elsewhere = get(processes, "wrong");
  elsewhere.peer = "192.0.2.8";
  CHECK(desk.api.handle(elsewhere).status == 401);
  desk.world.manual.advance(std::chrono::minutes(1));
  CHECK(desk.api.handle(get(processes, "wrong")).status == 401);
}

TEST_CASE("a reload changes who gets in") {
  Desk desk;
  ControlOptions options;
  options.tokens = {{"new", base::Secret("new-token"), {Scope::read}}};
  options.allowed_hosts = {"Reeve.Example"};
  desk.api.configure(options);
  CHECK(desk.api.handle(get(processes)).status == 401);
  http::Request request = get(processes, "new-token");
  set_header(request, "Host", "reeve.example:443");
  CHECK(desk.api.handle(request).status == 200);
}

TEST_CASE("what a client sends as a secret never comes back in an answer") {
  Desk desk;
  for (const std::string& token : {std::string("wrong-secret-token"), ops_token}) {
    for (const char* path : {"/api/v1/processes", "/nowhere", "/api/v1/processes/job/restart"}) {
      const auto response = desk.api.handle(get(path, token));
      CHECK(std::get<std::string>(response.body).find(token) == std::string::npos);
    }
  }
}

TEST_CASE("no answer is stored or taken for another type") {
  Desk desk;
  for (const http::Request& request : {get(processes), get("/nowhere"), get(processes, "wrong"),
                                       post(restart), get("/-/healthy")}) {
    const http::Response response = desk.api.handle(request);
    CHECK(header_of(response, "Cache-Control") == "no-store");
    CHECK(header_of(response, "X-Content-Type-Options") == "nosniff");
  }
}

TEST_CASE("each request is observed under its route's name, whatever became of it") {
  Desk desk;
  (void)desk.api.handle(get(processes));
  (void)desk.api.handle(get(processes, "wrong"));
  (void)desk.api.handle(get("/api/v1/processes/x%zz"));
  (void)desk.api.handle(get("/nowhere"));
  CHECK(desk.observed ==
        std::vector<tests::Observed>{
            {"processes", 200}, {"processes", 401}, {"process", 400}, {"other", 404}});
}

}  // namespace
}  // namespace reeve::api
