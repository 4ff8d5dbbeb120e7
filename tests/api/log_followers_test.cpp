// Logs that are followed, on threads.

#include "api/log_followers.h"

#include "api/desk.h"
#include "http/response_body.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using tests::Desk;
using tests::eventually;
using tests::get;
using tests::json_of;

struct FollowedDesk : Desk {
  FollowedDesk() { world.supervisord->let_test_turn_clock(); }
  void write(std::string_view bytes) {
    world.supervisord->write_log({"job", "job"}, substrate::LogStream::standard_output, bytes);
    world.supervisord->tick();
  }
  [[nodiscard]] http::Response follow(const std::string& more = "") {
    const std::size_t before = followed();
    auto response = live.handle(get("/api/v1/processes/job/logs/stdout?follow=true" + more));
    CHECK(eventually(10s, [&] { return followed() > before || response.status != 200; }));
    return response;
  }

  [[nodiscard]] std::size_t followed() const {
    return world.supervisord->count(tests::Operation::follow_log);
  }

  /// Its time is the test's: who waits does not make it pass.
  ControlApi live{surroundings(), tests::three_tokens(), world.manual, base::Log()};
};

http::StreamReader& reader_of(const http::Response& response) {
  return *std::get<std::shared_ptr<http::StreamReader>>(response.body);
}

/// Whether all that comes is, in the end, `wanted`.
bool gets(const http::Response& response, const std::string& wanted) {
  std::string text;
  return eventually(10s, [&] {
    text += reader_of(response).take()->bytes;
    return text == wanted;
  });
}

TEST_CASE("a log that is followed begins with its end and goes on with what is written") {
  FollowedDesk desk;
  desk.write("the past\n");
  const auto response = desk.follow();
  CHECK(response.status == 200);
  CHECK(gets(response, "the past\n"));
  desk.write("the present\n");
  CHECK(gets(response, "the present\n"));
}

TEST_CASE("of the past there is as much as was asked for") {
  FollowedDesk desk;
  const std::string past = std::string(5000, 'x') + std::string(2000, 'y');
  desk.write(past);
  CHECK(gets(desk.follow("&bytes=3"), "yyy"));
  CHECK(gets(desk.follow("&bytes=1024"), std::string(1024, 'y')));
  CHECK(gets(desk.follow("&bytes=2001"), "x" + std::string(2000, 'y')));
  CHECK(gets(desk.follow(), past));
  const auto none = desk.follow("&bytes=0");
  desk.write("news");
  CHECK(gets(none, "news"));
}

struct Joined : FollowedDesk {
  /// Follows the log as it is by now, after this had been read of it.
  bool gives(const std::string& seen, std::uint64_t skip, const std::string& wanted) {
    http::ResponseStream stream = http::make_stream();
    const auto logs = surroundings().members.front().logs;
    REQUIRE(followers.start({logs, {"job", "job"}, {}, seen, skip, stream.writer}));
    std::string text;
    return eventually(10s, [&] {
      text += stream.reader->take()->bytes;
      return text == wanted;
    });
  }
  LogFollowers followers{world.manual};
};

TEST_CASE("what is written after the past was read and before the log is followed is not lost") {
  Joined desk;
  const std::string past(1024, 'p');
  const std::string between = "between\n";
  desk.write(past + between);
  CHECK(desk.gives(past, 0, past + between));
  CHECK(desk.gives(past, 1020, "pppp" + between));
  desk.write(std::string(2000, 'q'));
  CHECK(desk.gives(past, 1020, "pppp" + std::string(1024, 'q')));
}

TEST_CASE("a log that is shorter than what was read of it is passed on when it ends") {
  Joined desk;
  desk.write("new");
  http::ResponseStream stream = http::make_stream();
  const auto logs = desk.surroundings().members.front().logs;
  REQUIRE(desk.followers.start({logs, {"job", "job"}, {}, "longer\n", 0, stream.writer}));
  CHECK(eventually(10s, [&] { return desk.followed() == 1; }));
  desk.world.supervisord->remove("job");
  desk.world.supervisord->tick();
  std::string text;
  CHECK(eventually(10s, [&] {
    const auto piece = stream.reader->take();
    text += piece->bytes;
    return piece->last;
  }));
  CHECK(text == "longer\nnew");
}

TEST_CASE("only so many logs are followed at a time, until a client leaves") {
  FollowedDesk desk;
  std::vector<http::Response> clients;
  for (std::size_t i = 0; i < LogFollowers::max_followers; ++i) {
    clients.push_back(desk.follow());
    CHECK(clients.back().status == 200);
  }
  const auto refused = desk.follow();
  CHECK(refused.status == 503);
  CHECK(json_of(refused)["type"] == "urn:reeve:problem:too_many_followers");
  clients.pop_back();
  CHECK(eventually(10s, [&] { return desk.follow().status == 200; }));
}

TEST_CASE("when supervisord has no more to say the client sees an end") {
  FollowedDesk desk;
  desk.write("last words");
  const auto response = desk.follow();
  CHECK(gets(response, "last words"));
  desk.world.supervisord->remove("job");
  desk.world.supervisord->tick();
  CHECK(eventually(10s, [&] { return reader_of(response).take()->last; }));
}

TEST_CASE("the end of the agent is the end of all following") {
  std::optional<FollowedDesk> desk(std::in_place);
  const auto response = desk->follow();
  desk.reset();
  CHECK(reader_of(response).take()->last);
}

TEST_CASE("HEAD follows nothing") {
  FollowedDesk desk;
  auto request = get("/api/v1/processes/job/logs/stdout?follow=true");
  request.method = http::Method::head;
  CHECK(desk.live.handle(request).status == 200);
  CHECK(desk.world.supervisord->count(tests::Operation::follow_log) == 0);
}

}  // namespace
}  // namespace reeve::api
