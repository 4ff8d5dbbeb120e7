#include "http/response_body.h"

#include <thread>

#include "http/message.h"
#include "support/catch.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

Response with_status(int status) {
  Response response;
  response.status = status;
  return response;
}

DeferredResponse one_that_falls_back_to_504() {
  return DeferredResponse(1s, [] { return with_status(504); });
}

TEST_CASE("DeferredResponse: a completed response is taken through any handle") {
  const DeferredResponse deferred = one_that_falls_back_to_504();
  const DeferredResponse copy = deferred;
  CHECK_FALSE(deferred.ready());
  copy.complete(with_status(201));
  CHECK(deferred.ready());
  CHECK(deferred.take().status == 201);
}

TEST_CASE("DeferredResponse: the first response counts") {
  const DeferredResponse deferred = one_that_falls_back_to_504();
  deferred.complete(with_status(201));
  deferred.complete(with_status(202));
  CHECK(deferred.take().status == 201);
}

TEST_CASE(
    "DeferredResponse: without a response in time the fallback is taken, and a later response is "
    "dropped") {
  const DeferredResponse deferred = one_that_falls_back_to_504();
  int notified = 0;
  deferred.subscribe([&] { ++notified; });
  CHECK(deferred.take().status == 504);
  deferred.complete(with_status(201));
  CHECK(notified == 0);
  CHECK_FALSE(deferred.ready());
}

TEST_CASE("DeferredResponse: the subscriber is notified once") {
  const DeferredResponse deferred = one_that_falls_back_to_504();
  int notified = 0;
  deferred.subscribe([&] { ++notified; });
  deferred.complete(with_status(201));
  deferred.complete(with_status(202));
  CHECK(notified == 1);
}

TEST_CASE("DeferredResponse: a subscriber after the response is not notified") {
  const DeferredResponse deferred = one_that_falls_back_to_504();
  deferred.complete(with_status(201));
  int notified = 0;
  deferred.subscribe([&] { ++notified; });
  CHECK(notified == 0);
  CHECK(deferred.ready());
}

StreamOptions with_room_for(std::size_t bytes) {
  StreamOptions options;
  options.max_waiting = bytes;
  return options;
}

TEST_CASE("StreamWriter: bytes wait in order until they are taken") {
  const auto [writer, reader] = make_stream();
  CHECK_FALSE(reader->ready());
  CHECK(writer.write("one "));
  CHECK(writer.write("two"));
  CHECK(reader->ready());
  CHECK(reader->take()->bytes == "one two");
  CHECK(reader->take()->bytes.empty());
}

TEST_CASE(
    "StreamWriter: the bytes before the end are taken with it, and nothing can be written after "
    "it") {
  const auto [writer, reader] = make_stream();
  writer.write("the last");
  writer.end();
  CHECK_FALSE(writer.write("too late"));
  CHECK_FALSE(writer.is_open());
  const auto piece = reader->take();
  CHECK(piece->bytes == "the last");
  CHECK(piece->last);
}

TEST_CASE("StreamWriter: writing more than there is room for disconnects the client") {
  const auto [writer, reader] = make_stream(with_room_for(4));
  auto news = StreamReader::Change::data;
  bool told = false;
  reader->subscribe([&](StreamReader::Change heard) { news = heard; });
  writer.on_disconnect([&] { told = true; });
  CHECK(writer.write("1234"));
  CHECK_FALSE(writer.write("5"));
  CHECK(news == StreamReader::Change::overflow);
  CHECK(told);
  CHECK_FALSE(reader->take().has_value());
  CHECK_FALSE(writer.write("6"));
}

TEST_CASE("StreamWriter: a single write may be larger than the room") {
  const auto [writer, reader] = make_stream(with_room_for(4));
  CHECK(writer.write("123456"));
  CHECK(reader->take()->bytes == "123456");
}

TEST_CASE("StreamWriter: a producer may wait for room") {
  const auto [writer, reader] = make_stream(with_room_for(4));
  CHECK(writer.write("1234"));
  CHECK_FALSE(writer.write("5", 1ms));
  const auto [other, other_reader] = make_stream(with_room_for(4));
  CHECK(other.write("1234"));
  const std::jthread taking_thread([taking = other_reader] { (void)taking->take(); });
  CHECK(other.write("5", 10s));
}

TEST_CASE("StreamWriter: on_disconnect is called once, also if it is set afterwards") {
  auto [writer, reader] = make_stream();
  int told = 0;
  writer.on_disconnect([&] { ++told; });
  reader.reset();
  CHECK(told == 1);
  CHECK_FALSE(writer.write("x"));
  writer.on_disconnect([&] { ++told; });
  CHECK(told == 2);
}

TEST_CASE("StreamWriter: a producer that waits for room is woken by a disconnect") {
  ResponseStream stream = make_stream(with_room_for(1));
  stream.writer.write("1");
  const std::jthread leaving([&] { stream.reader.reset(); });
  CHECK_FALSE(stream.writer.write("2", 1h));
}

}  // namespace
}  // namespace reeve::http
