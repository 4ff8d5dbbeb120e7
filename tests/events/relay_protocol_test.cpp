#include "events/relay.h"
#include "support/catch.h"

namespace reeve::events {
namespace {

using base::SteadyTime;
using std::chrono::microseconds;

const RawEvent tick{"ver:3.0 server:é serial:1 pool:p poolserial:0 eventname:TICK_5 len:9",
                    "when:\n0\n5"};

bool refuses(const std::string& bytes) {
  RelayFrames frames;
  const auto fed = frames.feed(bytes, [](const RelayFrames::Frame&) {});
  return !fed && fed.error().kind == base::ErrorKind::malformed;
}

TEST_CASE("RelayFrames: the agent decodes what a relay encoded, in whatever pieces") {
  const std::string sent = encode(Hello{{"unix:///run/s.sock", "12.3456"}, 7}) +
                           encode(RelayedEvent{1, microseconds(250), tick}) +
                           encode(RelayedEvent{2, microseconds(0), {tick.header, ""}});
  const std::size_t piece = GENERATE(1U, 2U, 7U, 50U, 1000U);
  RelayFrames frames;
  std::vector<RelayFrames::Frame> got;
  for (std::size_t at = 0; at < sent.size(); at += piece) {
    REQUIRE(frames.feed(std::string_view(sent).substr(at, piece),
                        [&](RelayFrames::Frame frame) { got.push_back(std::move(frame)); }));
  }
  REQUIRE(got.size() == 3);
  CHECK(std::get<Hello>(got[0]).source == EventSource{"unix:///run/s.sock", "12.3456"});
  CHECK(std::get<Hello>(got[0]).lost == 7);
  CHECK(std::get<RelayedEvent>(got[1]).number == 1);
  CHECK(std::get<RelayedEvent>(got[1]).age == microseconds(250));
  CHECK(std::get<RelayedEvent>(got[1]).event == tick);
  CHECK(std::get<RelayedEvent>(got[2]).event.payload.empty());
}

TEST_CASE("RelayFrames: a malformed frame is refused before it takes memory") {
  CHECK(refuses("GET / HTTP/1.1\r\n"));
  CHECK(refuses("hello 2 0 0 0\n"));
  CHECK(refuses("hello 1 0 5000 0\n"));
  CHECK(refuses("event 1 0 0 99999999999\n"));
  CHECK(refuses("event 1 0 8193 0\n"));
  CHECK(refuses("event 1 0 0\n"));
  CHECK(refuses("event 1 0 0 0 0\n"));
  CHECK(refuses("event -1 0 0 0\n"));
  CHECK(refuses("\n"));
  CHECK(refuses(std::string(200, 'e')));
  CHECK(refuses("hello " + std::string(120, '0') + "1 0 0 0"));
}

TEST_CASE("RelayFrames: an age is at most a day") {
  RelayFrames frames;
  REQUIRE(frames.feed("event 1 18446744073709551615 0 0\n", [](const RelayFrames::Frame& frame) {
    CHECK(std::get<RelayedEvent>(frame).age == std::chrono::hours(24));
  }));
}

TEST_CASE("Acknowledgements: an acknowledgement stands for all before it, and may come in pieces") {
  Acknowledgements acknowledgements;
  CHECK(acknowledgements.feed("ack 3\nack 7\nac").value() == 7);
  CHECK(acknowledgements.feed("k 1").value() == std::nullopt);
  CHECK(acknowledgements.feed("2\n").value() == 12);
  CHECK_FALSE(acknowledgements.feed("nack\n"));
  CHECK_FALSE(Acknowledgements().feed(std::string(500, 'a')));
}

TEST_CASE("RelayBuffer: sends in order, each event once, and drops them on acknowledgement") {
  RelayBuffer buffer(100'000);
  const SteadyTime start{};
  for (int i = 0; i < 3; ++i) {
    buffer.put(tick, start + std::chrono::seconds(i));
  }
  const SteadyTime now = start + std::chrono::seconds(5);
  CHECK(buffer.next(now)->number == 1);
  CHECK(buffer.next(now)->age == std::chrono::seconds(4));
  buffer.acknowledge(1);
  CHECK_FALSE(buffer.empty());
  CHECK(buffer.next(now)->number == 3);
  CHECK(buffer.next(now) == nullptr);
  buffer.acknowledge(3);
  CHECK(buffer.empty());
}

TEST_CASE("RelayBuffer: after a reconnect everything unacknowledged is sent again") {
  RelayBuffer buffer(100'000);
  for (int i = 0; i < 4; ++i) {
    buffer.put(tick, {});
  }
  while (buffer.next({}) != nullptr) {
  }
  buffer.acknowledge(2);
  buffer.rewind();
  CHECK(buffer.next({})->number == 3);
  CHECK(buffer.next({})->number == 4);
  CHECK(buffer.next({}) == nullptr);
}

TEST_CASE("RelayBuffer: a full buffer drops the oldest, sent or not, and counts it") {
  const std::size_t each = tick.header.size() + tick.payload.size() + 128;
  RelayBuffer buffer(3 * each);
  for (int i = 0; i < 3; ++i) {
    buffer.put(tick, {});
  }
  CHECK(buffer.dropped() == 0);
  CHECK(buffer.next({})->number == 1);
  buffer.put(tick, {});
  buffer.put(tick, {});
  CHECK(buffer.dropped() == 2);
  CHECK(buffer.next({})->number == 3);
  buffer.acknowledge(5);
  CHECK(buffer.empty());
  buffer.put(tick, {});
  CHECK(buffer.next({})->number == 6);
}

}  // namespace
}  // namespace reeve::events
