#include <thread>

#include "http/stream_state.h"
#include "support/catch.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

FeedOptions with_room_for(std::size_t bytes) {
  FeedOptions options;
  options.max_waiting = bytes;
  return options;
}

TEST_CASE("what is written waits, in order, until it is taken") {
  const auto [feed, outlet] = Feed::open();
  CHECK_FALSE(outlet->ready());
  CHECK(feed.write("one "));
  CHECK(feed.write("two"));
  CHECK(outlet->ready());
  CHECK(outlet->take()->bytes == "one two");
  CHECK(outlet->take()->bytes.empty());
}

TEST_CASE("what was written before the end is taken with it, and nothing comes after it") {
  const auto [feed, outlet] = Feed::open();
  feed.write("the last");
  feed.end();
  CHECK_FALSE(feed.write("too late"));
  CHECK_FALSE(feed.is_open());
  const auto piece = outlet->take();
  CHECK(piece->bytes == "the last");
  CHECK(piece->last);
}

TEST_CASE("who writes more than there is room for loses the client") {
  const auto [feed, outlet] = Feed::open(with_room_for(4));
  auto news = Feed::State::News::look;
  bool told = false;
  outlet->subscribe([&](Feed::State::News heard) { news = heard; });
  feed.on_gone([&] { told = true; });
  CHECK(feed.write("1234"));
  CHECK_FALSE(feed.write("5"));
  CHECK(news == Feed::State::News::cut_off);
  CHECK(told);
  CHECK_FALSE(outlet->take().has_value());
  CHECK_FALSE(feed.write("6"));
}

TEST_CASE("a single piece may be larger than the room") {
  const auto [feed, outlet] = Feed::open(with_room_for(4));
  CHECK(feed.write("123456"));
  CHECK(outlet->take()->bytes == "123456");
}

TEST_CASE("a producer may wait for room") {
  const auto [feed, outlet] = Feed::open(with_room_for(4));
  CHECK(feed.write("1234"));
  CHECK_FALSE(feed.write("5", 1ms));
  const auto [other, other_outlet] = Feed::open(with_room_for(4));
  CHECK(other.write("1234"));
  const std::jthread reader([taking = other_outlet] { (void)taking->take(); });
  CHECK(other.write("5", 10s));
}

TEST_CASE("the producer is told once when nobody listens any more, however late it asks") {
  auto [feed, outlet] = Feed::open();
  int told = 0;
  feed.on_gone([&] { ++told; });
  outlet.reset();
  CHECK(told == 1);
  CHECK_FALSE(feed.write("x"));
  feed.on_gone([&] { ++told; });
  CHECK(told == 2);
}

TEST_CASE("a producer that waits for room is woken when the client leaves") {
  Feed::Ends ends = Feed::open(with_room_for(1));
  ends.feed.write("1");
  const std::jthread leaving([&] { ends.outlet.reset(); });
  CHECK_FALSE(ends.feed.write("2", 1h));
}

}  // namespace
}  // namespace reeve::http
