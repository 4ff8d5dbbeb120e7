#include "api/api_fixture.h"
#include "api/log_endpoints.h"
#include "http/response_body.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using tests::ApiFixture;
using tests::eventually;
using tests::get;
using tests::json_of;

struct FollowFixture : ApiFixture {
  FollowFixture() { world.supervisord->let_test_turn_clock(); }
  void write(std::string_view bytes) {
    world.supervisord->write_log({"job", "job"}, substrate::LogStream::standard_output, bytes);
    world.supervisord->tick();
  }
  [[nodiscard]] http::Response follow(const std::string& more = "") {
    const std::size_t before = followed();
    auto response = live.handle(get("/api/v1/processes/job/logs/stdout?follow=true" + more));
    CHECK(eventually(60s, [&] { return followed() > before || response.status != 200; }));
    return response;
  }

  [[nodiscard]] std::size_t followed() const { return world.supervisord->follows_begun(); }

  /// On the test's clock: waiting does not advance it.
  ControlApi live{deps(), tests::three_tokens(), world.manual, base::Log()};
};

http::StreamReader& followed_log(const http::Response& response) {
  return *std::get<std::shared_ptr<http::StreamReader>>(response.body);
}

/// Whether all that comes is, in the end, `wanted`.
bool gets(const http::Response& response, const std::string& wanted) {
  std::string text;
  return eventually(60s, [&] {
    text += followed_log(response).take()->bytes;
    return text == wanted;
  });
}

TEST_CASE("LogFollowers: a followed log begins with its end and continues with what is written") {
  FollowFixture fixture;
  fixture.write("the past\n");
  const auto response = fixture.follow();
  CHECK(response.status == 200);
  CHECK(gets(response, "the past\n"));
  fixture.write("the present\n");
  CHECK(gets(response, "the present\n"));
}

TEST_CASE("LogFollowers: `bytes` bounds the past") {
  FollowFixture fixture;
  const std::string past = std::string(5000, 'x') + std::string(2000, 'y');
  fixture.write(past);
  CHECK(gets(fixture.follow("&bytes=3"), "yyy"));
  CHECK(gets(fixture.follow("&bytes=1024"), std::string(1024, 'y')));
  CHECK(gets(fixture.follow("&bytes=2001"), "x" + std::string(2000, 'y')));
  CHECK(gets(fixture.follow(), past));
  const auto none = fixture.follow("&bytes=0");
  fixture.write("news");
  CHECK(gets(none, "news"));
}

struct JoinFixture : FollowFixture {
  /// Follows the log as it is by now, after this had been read of it.
  bool gives(const std::string& seen, std::uint64_t skip, const std::string& wanted) {
    http::ResponseStream stream = http::make_stream();
    const auto logs = deps().members.front().logs;
    REQUIRE(followers.start({logs, {"job", "job"}, {}, seen, skip, stream.writer}));
    std::string text;
    return eventually(60s, [&] {
      text += stream.reader->take()->bytes;
      return text == wanted;
    });
  }
  LogFollowers followers{world.manual};
};

TEST_CASE("LogFollowers: what is written between reading the past and following is not lost") {
  JoinFixture fixture;
  const std::string past(1024, 'p');
  const std::string between = "between\n";
  fixture.write(past + between);
  CHECK(fixture.gives(past, 0, past + between));
  CHECK(fixture.gives(past, 1020, "pppp" + between));
  fixture.write(std::string(2000, 'q'));
  CHECK(fixture.gives(past, 1020, "pppp" + std::string(1024, 'q')));
}

TEST_CASE("LogFollowers: a log shorter than its known end is sent when it ends") {
  JoinFixture fixture;
  fixture.write("new");
  http::ResponseStream stream = http::make_stream();
  const auto logs = fixture.deps().members.front().logs;
  REQUIRE(fixture.followers.start({logs, {"job", "job"}, {}, "longer\n", 0, stream.writer}));
  CHECK(eventually(60s, [&] { return fixture.followed() == 1; }));
  fixture.world.supervisord->remove("job");
  fixture.world.supervisord->tick();
  std::string text;
  CHECK(eventually(60s, [&] {
    const auto piece = stream.reader->take();
    text += piece->bytes;
    return piece->last;
  }));
  CHECK(text.starts_with("longer\nnew\nreeve: this log is not followed any more: "));
}

TEST_CASE("LogFollowers: their number for one token is bounded, until a client leaves") {
  FollowFixture fixture;
  std::vector<http::Response> clients;
  for (std::size_t i = 0; i < LogFollowers::max_followers / 2; ++i) {
    clients.push_back(fixture.follow());
    CHECK(clients.back().status == 200);
  }
  const auto refused = fixture.follow();
  CHECK(refused.status == 503);
  CHECK(json_of(refused)["type"] == "urn:reeve:problem:too_many_followers");
  clients.pop_back();
  CHECK(eventually(60s, [&] { return fixture.follow().status == 200; }));
}

TEST_CASE("LogFollowers: one token cannot take all places") {
  FollowFixture fixture;
  std::vector<http::Response> clients;
  for (std::size_t i = 0; i < LogFollowers::max_followers; ++i) {
    clients.push_back(fixture.follow());
  }
  fixture.world.supervisord->write_log({"web", "front"}, substrate::LogStream::standard_output,
                                       "x");
  const auto other = fixture.live.handle(
      get("/api/v1/processes/web:front/logs/stdout?follow=true", tests::web_token));
  CHECK(other.status == 200);
}

TEST_CASE("LogFollowers: a reload ends the logs that it no longer grants, and their threads") {
  FollowFixture fixture;
  fixture.write("past\n");
  std::optional<http::Response> response = fixture.follow();
  CHECK(gets(*response, "past\n"));
  ControlOptions options = tests::three_tokens();
  options.tokens.erase(options.tokens.begin());
  fixture.live.configure(options);
  const auto end = followed_log(*response).take();
  REQUIRE(end);
  CHECK(end->last);
  CHECK(end->bytes.find("the configuration no longer grants it") != std::string::npos);
}

TEST_CASE("LogFollowers: the stream ends when supervisord ends the log") {
  FollowFixture fixture;
  fixture.write("last words");
  const auto response = fixture.follow();
  CHECK(gets(response, "last words"));
  fixture.world.supervisord->remove("job");
  fixture.world.supervisord->tick();
  CHECK(eventually(60s, [&] { return followed_log(response).take()->last; }));
}

TEST_CASE("LogFollowers: all streams end with the agent") {
  std::optional<FollowFixture> fixture(std::in_place);
  const auto response = fixture->follow();
  fixture.reset();
  CHECK(followed_log(response).take()->last);
}

TEST_CASE("LogFollowers: HEAD follows nothing") {
  FollowFixture fixture;
  auto request = get("/api/v1/processes/job/logs/stdout?follow=true");
  request.method = http::Method::head;
  CHECK(fixture.live.handle(request).status == 200);
  CHECK(fixture.world.supervisord->count(tests::Operation::follow_log) == 0);
}

}  // namespace
}  // namespace reeve::api
