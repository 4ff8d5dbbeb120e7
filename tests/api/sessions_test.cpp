#include "api/sessions.h"

#include <algorithm>
#include <vector>

#include "api/api_fixture.h"
#include "api/authentication.h"
#include "http/response_body.h"
#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::api {
namespace {

using tests::ApiFixture;
using tests::get;
using tests::header_of;
using tests::json_of;
using tests::ops_token;
using tests::post;
using tests::reader_token;

const std::string session = "/api/v1/session";
const std::string processes = "/api/v1/processes";
const std::string restart = "/api/v1/processes/job/restart";

/// A page that has signed in.
struct Page {
  std::string cookie;
  std::string csrf_token;

  [[nodiscard]] http::Request request(http::Method method, const std::string& path) const {
    http::Request made = tests::request(method, path, "");
    made.headers.push_back({"Cookie", "theme=dark; " + cookie});
    if (!csrf_token.empty()) {
      made.headers.push_back({"X-CSRF-Token", csrf_token});
    }
    return made;
  }
};

Page sign_in(ApiFixture& fixture, const std::string& token = ops_token) {
  const http::Response response = fixture.api.handle(post(session, "", token));
  REQUIRE(response.status == 201);
  const std::string set = header_of(response, "Set-Cookie");
  return {set.substr(0, set.find(';')), json_of(response)["csrf_token"]};
}

int status_of(ApiFixture& fixture, const http::Request& request) {
  return tests::awaited(fixture.api.handle(request)).status;
}

TEST_CASE("POST session: a token becomes a cookie that no script and no other page can use") {
  ApiFixture fixture;
  const http::Response response = fixture.api.handle(post(session));
  CHECK(response.status == 201);
  const std::string cookie = header_of(response, "Set-Cookie");
  CHECK(cookie.starts_with("reeve_session="));
  CHECK(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"));
  const auto body = json_of(response);
  CHECK(body["name"].get<std::string>() == "ops");
  CHECK(body["scopes"].dump() == R"(["read","logs","control","admin"])");
  CHECK(body["allow"].dump() == R"(["*"])");
  CHECK(body["csrf_token"].get<std::string>().size() == 64);
  CHECK(body["expires_at"].get<std::string>() == "2023-11-15T10:13:22.000Z");
  CHECK(cookie.find(body["csrf_token"].get<std::string>()) == std::string::npos);
}

TEST_CASE("POST session: over TLS the cookie is Secure and bound to the host") {
  ApiFixture fixture;
  http::Request request = post(session);
  request.encrypted = true;
  const std::string cookie = header_of(fixture.api.handle(request), "Set-Cookie");
  CHECK(cookie.starts_with("__Host-reeve_session="));
  CHECK(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"));
  http::Request with_cookie = get(processes, "");
  with_cookie.encrypted = true;
  with_cookie.headers.push_back({"Cookie", cookie.substr(0, cookie.find(';'))});
  CHECK(fixture.api.handle(with_cookie).status == 200);
  with_cookie.encrypted = false;
  CHECK(fixture.api.handle(with_cookie).status == 401);
}

TEST_CASE("GET session: who the client is, whatever it proves it by") {
  ApiFixture fixture;
  const auto by_token = json_of(fixture.api.handle(get(session, reader_token)));
  CHECK(by_token["name"].get<std::string>() == "reader");
  CHECK(by_token["csrf_token"].is_null());
  CHECK(by_token["expires_at"].is_null());
  http::Request certified = get(session, "");
  certified.client_names = {"DNS:robot.example"};
  CHECK(json_of(fixture.api.handle(certified))["name"].get<std::string>() == "robot.example");
  const Page page = sign_in(fixture);
  const auto by_cookie = json_of(fixture.api.handle(page.request(http::Method::get, session)));
  CHECK(by_cookie["csrf_token"].get<std::string>() == page.csrf_token);
  CHECK(fixture.api.handle(get(session, "")).status == 401);
}

TEST_CASE("check_request: a session may do what its token may, and no more") {
  ApiFixture fixture;
  const Page ops = sign_in(fixture);
  CHECK(status_of(fixture, ops.request(http::Method::get, processes)) == 200);
  CHECK(status_of(fixture, ops.request(http::Method::post, restart)) == 202);
  CHECK(fixture.world.controller.list().front().command.actor == "ops");
  const Page reader = sign_in(fixture, reader_token);
  CHECK(status_of(fixture, reader.request(http::Method::get, processes)) == 200);
  CHECK(status_of(fixture, reader.request(http::Method::post, restart)) == 403);
}

TEST_CASE("check_request: what changes something needs the session's CSRF token") {
  ApiFixture fixture;
  const Page page = sign_in(fixture);
  const Page other = sign_in(fixture);
  CHECK(page.csrf_token != other.csrf_token);
  for (const std::string& wrong : {std::string(), other.csrf_token, page.csrf_token + "0"}) {
    for (const auto& [method, path] : {std::pair(http::Method::post, restart),
                                       std::pair(http::Method::post, std::string("/-/reload")),
                                       std::pair(http::Method::del, session)}) {
      const http::Response response =
          fixture.api.handle(Page{page.cookie, wrong}.request(method, path));
      CHECK(response.status == 403);
      CHECK(json_of(response)["type"].get<std::string>() == "urn:reeve:problem:csrf_token");
    }
    CHECK(status_of(fixture, Page{page.cookie, wrong}.request(http::Method::get, session)) == 200);
  }
  CHECK(fixture.world.controller.list().empty());
  // The body need not be read to know it.
  CHECK(fixture.api.check_head(Page{page.cookie, ""}.request(http::Method::post, restart)).refusal);
}

TEST_CASE("check_request: a token and a certificate need no CSRF token") {
  ApiFixture fixture;
  http::Request request = post(restart);
  request.headers.push_back({"Cookie", "reeve_session=of-an-earlier-run"});
  CHECK(status_of(fixture, request) == 202);  // the header comes first
  ControlOptions options = tests::three_tokens();
  options.clients = {{"robot.example", {Scope::control}}};
  fixture.api.configure(options);
  http::Request certified = post("/api/v1/processes/web:front/restart", "", "");
  certified.client_names = {"DNS:robot.example"};
  CHECK(status_of(fixture, certified) == 202);
}

TEST_CASE(
    "check_request: an unknown session is a failed login; its cookie is removed where asked for") {
  ApiFixture fixture;
  const Page unknown{"reeve_session=" + std::string(64, 'a'), ""};
  // The browser may have another session by the time that this is answered.
  const http::Response late = fixture.api.handle(unknown.request(http::Method::get, processes));
  CHECK(late.status == 401);
  CHECK(header_of(late, "Set-Cookie").empty());
  http::Request request = unknown.request(http::Method::get, session);
  request.client_names = {"DNS:robot.example"};
  for (int i = 1; i < LoginThrottle::max_failures; ++i) {
    const http::Response response = fixture.api.handle(request);
    CHECK(response.status == 401);
    CHECK(response.delay > std::chrono::milliseconds(0));
    CHECK(header_of(response, "Set-Cookie") ==
          "reeve_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
  }
  CHECK(fixture.api.handle(request).status == 429);
  CHECK(header_of(fixture.api.handle(get(processes, "wrong")), "Set-Cookie").empty());
}

TEST_CASE("POST session: only a token opens one, and a wrong one is a failed login") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(post(session, "", "wrong")).status == 401);
  http::Request certified = post(session, "", "");
  certified.client_names = {"DNS:robot.example"};
  CHECK(fixture.api.handle(certified).status == 422);
  const Page page = sign_in(fixture);
  CHECK(status_of(fixture, page.request(http::Method::post, session)) == 422);
}

TEST_CASE("POST session: it replaces the session of the same browser") {
  ApiFixture fixture;
  const Page before = sign_in(fixture);
  http::Request again = post(session, "", reader_token);
  again.headers.push_back({"Cookie", before.cookie});
  CHECK(fixture.api.handle(again).status == 201);
  CHECK(status_of(fixture, before.request(http::Method::get, processes)) == 401);
}

TEST_CASE("DELETE session: the session ends, and what it streamed") {
  ApiFixture fixture;
  const Page page = sign_in(fixture);
  const http::Response events =
      fixture.api.handle(page.request(http::Method::get, "/api/v1/events"));
  auto& stream = *std::get<std::shared_ptr<http::StreamReader>>(events.body);
  const http::Response response = fixture.api.handle(page.request(http::Method::del, session));
  CHECK(response.status == 204);
  CHECK(header_of(response, "Set-Cookie").find("Max-Age=0") != std::string::npos);
  CHECK(stream.take().value().bytes.find("event: end") != std::string::npos);
  CHECK(status_of(fixture, page.request(http::Method::get, processes)) == 401);
  CHECK(fixture.api.handle(tests::request(http::Method::del, session)).status == 404);
}

TEST_CASE("Sessions: they end after twelve hours, with what they stream") {
  ApiFixture fixture;
  const Page page = sign_in(fixture);
  const http::Response events =
      fixture.api.handle(page.request(http::Method::get, "/api/v1/events"));
  auto& stream = *std::get<std::shared_ptr<http::StreamReader>>(events.body);
  (void)stream.take();
  fixture.world.manual.advance(Sessions::lifetime - std::chrono::seconds(1));
  CHECK(status_of(fixture, page.request(http::Method::get, processes)) == 200);
  fixture.api.publish(*fixture.world.snapshot);
  CHECK(stream.take().value().bytes.empty());
  fixture.world.manual.advance(std::chrono::seconds(1));
  CHECK(status_of(fixture, page.request(http::Method::get, processes)) == 401);
  fixture.api.publish(*fixture.world.snapshot);
  CHECK(stream.take().value().bytes.find("event: end") != std::string::npos);
}

TEST_CASE("Sessions: a reload that removes or changes the token ends them for good") {
  for (const bool removed : {true, false}) {
    ApiFixture fixture;
    const Page page = sign_in(fixture);
    ControlOptions options = tests::three_tokens();
    if (removed) {
      options.tokens.erase(options.tokens.begin());
    } else {
      options.tokens.front().digest = digest_of("another-token");
    }
    fixture.api.configure(options);
    CHECK(status_of(fixture, page.request(http::Method::get, processes)) == 401);
    fixture.api.configure(tests::three_tokens());
    CHECK(status_of(fixture, page.request(http::Method::get, processes)) == 401);
  }
}

TEST_CASE("Sessions: a reload that changes what the token may changes what the session may") {
  ApiFixture fixture;
  const Page page = sign_in(fixture);
  ControlOptions options = tests::three_tokens();
  options.tokens.front().scopes = {Scope::read};
  fixture.api.configure(options);
  CHECK(status_of(fixture, page.request(http::Method::get, processes)) == 200);
  CHECK(status_of(fixture, page.request(http::Method::post, restart)) == 403);
}

TEST_CASE(
    "Sessions: of too many the one that was unused for longest ends, of the token that has most") {
  tests::ManualClock clock;
  Sessions sessions(clock);
  const SessionToken busy{"busy", digest_of("busy")};
  const SessionToken rare{"rare", digest_of("rare")};
  const std::string only = sessions.open(rare);
  std::vector<std::string> many;
  for (std::size_t i = 1; i < Sessions::max_sessions; ++i) {
    clock.advance(std::chrono::seconds(1));
    many.push_back(sessions.open(busy));
  }
  const auto is_open = [&](const std::string& id) {
    return sessions.expires_at(digest_of(id)).has_value();
  };
  CHECK(std::all_of(many.begin(), many.end(), is_open));
  CHECK(sessions.use(digest_of(many[0])) == busy);
  const std::string one_more = sessions.open(busy);
  CHECK(is_open(only));
  CHECK(is_open(many[0]));
  CHECK_FALSE(is_open(many[1]));
  CHECK(is_open(one_more));
}

TEST_CASE("Sessions: ids and CSRF tokens are new each time") {
  tests::ManualClock clock;
  Sessions sessions(clock);
  Sessions others(clock);
  const std::string id = sessions.open({"ops", {}});
  CHECK(id.size() == 64);
  CHECK(id != sessions.open({"ops", {}}));
  CHECK(sessions.csrf_token(id) != others.csrf_token(id));
  CHECK(sessions.is_csrf_token(sessions.csrf_token(id), id));
  CHECK_FALSE(others.use(digest_of(id)));
}

TEST_CASE("session_cookie: the cookie of this name alone") {
  http::Request request;
  for (const auto& [header, value] :
       {std::pair("reeve_session=x", "x"), std::pair("a=b; reeve_session=x", "x"),
        std::pair("a=b;reeve_session=x;c", "x"), std::pair("xreeve_session=x", ""),
        std::pair("reeve_session=", ""), std::pair("reeve_session", ""), std::pair(";;=;", ""),
        std::pair("__Host-reeve_session=x", "")}) {
    request.headers = {{"Cookie", header}};
    CAPTURE(header);
    CHECK(session_cookie(request).value_or("") == value);
  }
}

}  // namespace
}  // namespace reeve::api
