#include "events/listener.h"

#include <csignal>
#include <random>
#include <thread>

#include "events/listener_fixture.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::events {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;

/// A parser and what came out of it. As supervisord does, it is given the next event only when the
/// one before has been answered.
struct Conversation {
  EventParser parser;
  std::vector<RawEvent> events;
  EventParser::Sink sink = [this](const EventHeader&, RawEvent event) {
    events.push_back(std::move(event));
  };
  std::size_t pauses = 0;

  void give(const std::string& frame, const std::vector<std::size_t>& cuts) {
    const std::size_t before = events.size();
    std::size_t begin = 0;
    for (const std::size_t cut : cuts) {
      REQUIRE(parser.feed(std::string_view(frame).substr(begin, cut - begin), sink));
      begin = cut;
    }
    REQUIRE(parser.feed(std::string_view(frame).substr(begin), sink));
    pauses += parser.input_paused(sink) ? 1U : 0U;
    REQUIRE(events.size() == before + 1);
  }
};

std::vector<std::string> joined(const std::vector<RawEvent>& events) {
  std::vector<std::string> frames;
  for (const RawEvent& event : events) {
    frames.push_back(event.header + "\n" + event.payload);
  }
  return frames;
}

std::string frame(std::size_t length, const std::string& payload) {
  return "ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:REMOTE_COMMUNICATION len:" +
         std::to_string(length) + "\n" + payload;
}

TEST_CASE("EventParser: captured streams come out as the events that went in, byte by byte") {
  const std::string name = GENERATE(from_range(captured_streams));
  CAPTURE(name);
  Conversation conversation;
  const auto frames = frames_of(name);
  for (const std::string& each : frames) {
    std::vector<std::size_t> every_byte(each.size());
    for (std::size_t i = 0; i < each.size(); ++i) {
      every_byte[i] = i;
    }
    conversation.give(each, every_byte);
  }
  CHECK(joined(conversation.events) == frames);
}

TEST_CASE(
    "EventParser: captured streams come out as the events that went in, cut at any one place") {
  const std::string name = GENERATE(from_range(captured_streams));
  CAPTURE(name);
  const auto frames = frames_of(name);
  // The first few decide on code points or bytes, then one event in every pair of pieces.
  Conversation conversation;
  std::vector<std::string> expected;
  for (const std::string& each : frames) {
    for (std::size_t cut = 0; cut <= each.size(); ++cut) {
      conversation.give(each, {cut});
      expected.push_back(each);
    }
  }
  CHECK(joined(conversation.events) == expected);
}

TEST_CASE("EventParser: captured streams come out as the events that went in, in random pieces") {
  const std::string name = GENERATE(from_range(captured_streams));
  const auto seed = GENERATE(range(1U, 20U));
  CAPTURE(name, seed);
  std::minstd_rand random(seed);
  const auto frames = frames_of(name);
  Conversation conversation;
  for (const std::string& each : frames) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = random() % 40; at < each.size(); at += 1 + random() % 40) {
      cuts.push_back(at);
    }
    conversation.give(each, cuts);
  }
  CHECK(joined(conversation.events) == frames);
}

TEST_CASE("EventParser: events of supervisord 4 may come without any pause between them") {
  const std::string name =
      GENERATE(filter([](const std::string& each) { return each.find("/3.") == std::string::npos; },
                      from_range(captured_streams)));
  CAPTURE(name);
  Conversation conversation;
  REQUIRE(conversation.parser.feed(tests::fixture(name), conversation.sink));
  CHECK(joined(conversation.events) == frames_of(name));
}

TEST_CASE("EventParser: every captured event can be read") {
  const std::string name = GENERATE(from_range(captured_streams));
  for (const std::string& each : frames_of(name)) {
    const std::size_t newline = each.find('\n');
    CAPTURE(each);
    const auto header = parse_header(each.substr(0, newline));
    REQUIRE(header);
    CHECK(parse_event(*header, each.substr(newline + 1)));
  }
}

TEST_CASE(
    "EventParser: one pause tells that lengths are bytes; later events do not wait for another") {
  Conversation conversation;
  conversation.give(frame(7, "na\xC3\xAFve!"), {});
  conversation.give(frame(7, "na\xC3\xAFve!"), {});
  CHECK(conversation.pauses == 1);
}

TEST_CASE(
    "EventParser: lengths that proved to be code points stay so, however long the input pauses") {
  Conversation conversation;
  conversation.give(frame(6, "na\xC3\xAFve!"), {});
  const std::string next = frame(6, "ab\xC3\xA9\xC3\xA9gh");
  REQUIRE(conversation.parser.feed(next.substr(0, next.size() - 2), conversation.sink));
  CHECK_FALSE(conversation.parser.awaits_pause());
  REQUIRE(conversation.parser.feed(next.substr(next.size() - 2), conversation.sink));
  CHECK(conversation.events.size() == 2);
}

TEST_CASE("EventParser: with more bytes in hand than announced a pause does not end the payload") {
  Conversation conversation;
  const std::string event = frame(4, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9");
  REQUIRE(conversation.parser.feed(event.substr(0, event.size() - 2), conversation.sink));
  CHECK_FALSE(conversation.parser.input_paused(conversation.sink));
  REQUIRE(conversation.parser.feed(event.substr(event.size() - 2), conversation.sink));
  CHECK(conversation.events.size() == 1);
}

TEST_CASE("EventParser: a payload of bytes that are no text ends with a pause") {
  Conversation conversation;
  conversation.give(frame(3, "ab\xE9"), {});
  CHECK(conversation.events.back().payload == "ab\xE9");
}

TEST_CASE("EventParser: of a long payload the beginning is kept, and the next event is parsed") {
  Conversation conversation;
  const std::string payload(3 * max_payload_kept, 'x');
  conversation.give(frame(payload.size(), payload), {});
  conversation.give(frame(2, "ok"), {});
  CHECK(conversation.events.front().payload == payload.substr(0, max_payload_kept));
  CHECK(conversation.events.back().payload == "ok");
}

TEST_CASE("EventParser: a broken header ends the stream for good") {
  EventParser parser;
  std::size_t events = 0;
  const auto sink = [&](const EventHeader&, const RawEvent&) { ++events; };
  const std::string broken =
      GENERATE(std::string("garbage\n"), std::string("\n"), std::string(max_header_bytes + 1, 'x'),
               std::string(max_header_bytes, 'x') + "y\n");
  const auto fed = parser.feed(frame(0, "") + broken, sink);
  REQUIRE_FALSE(fed);
  CHECK(fed.error().kind == base::ErrorKind::malformed);
  CHECK(events == 1);
  CHECK_FALSE(parser.feed(frame(0, ""), sink));
  CHECK(events == 1);
}

/// A reader on its thread, and the inbox it fills.
struct Reading {
  base::SystemClock clock;
  Inbox inbox{[] {}};
  Pipes pipes;
  base::Result<void> result;
  std::jthread thread;

  Reading() {
    ::signal(SIGPIPE, SIG_IGN);
    thread = std::jthread([this](const std::stop_token& stop) {
      result = EventReader(pipes.take_streams(), {}, inbox, clock).run(stop);
    });
  }
  base::Result<void> end() {
    thread.join();
    return result;
  }
};

TEST_CASE("EventReader: a listener says READY, and answers each event as soon as it has it") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  for (const std::string& frame : frames_of("events-reload-restart-shutdown.raw")) {
    reading.pipes.send(frame);
    REQUIRE(reading.pipes.hear(acknowledged.size()) == acknowledged);
  }
  reading.pipes.close_input();
  CHECK(reading.end());
  std::size_t events = 0;
  std::vector<Gap> gaps;
  for (const Arrival& arrival : reading.inbox.take()) {
    if (const Gap* const gap = std::get_if<Gap>(&arrival.what)) {
      gaps.push_back(*gap);
    } else {
      ++events;
    }
  }
  CHECK(events == frames_of("events-reload-restart-shutdown.raw").size());
  CHECK(gaps == std::vector{Gap{Gap::Cause::pool_restarted, 0}});
}

TEST_CASE("EventReader: a payload counted in bytes is answered after a short pause") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  for (const std::string& frame : frames_of("versions/3.4.0-events.raw")) {
    reading.pipes.send(frame);
    REQUIRE(reading.pipes.hear(acknowledged.size()) == acknowledged);
  }
  reading.pipes.close_input();
  CHECK(reading.end());
  CHECK(reading.inbox.take().size() == frames_of("versions/3.4.0-events.raw").size());
}

TEST_CASE("EventReader: events are acknowledged although the inbox is not read") {
  base::SystemClock clock;
  Inbox inbox([] {}, 10);
  Pipes pipes;
  std::jthread thread([&](const std::stop_token& stop) {
    CHECK(EventReader(pipes.take_streams(), {}, inbox, clock).run(stop));
  });
  CHECK(pipes.hear(ready.size()) == ready);
  for (std::uint64_t i = 0; i < 100; ++i) {
    pipes.send(tick_event(i, i));
    REQUIRE(pipes.hear(acknowledged.size()) == acknowledged);
  }
  pipes.close_input();
  thread.join();
  const auto arrivals = inbox.take();
  REQUIRE(arrivals.size() == 11);
  CHECK(std::get<Gap>(arrivals.back().what) == Gap{Gap::Cause::overflow, 90});
}

TEST_CASE("EventReader: when supervisord closes the input the reader ends, without an error") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.pipes.send(tick_event(1, 1).substr(0, 40));  // in the middle of an event
  reading.pipes.close_input();
  CHECK(reading.end());
  CHECK(reading.inbox.take().empty());
}

TEST_CASE("EventReader: a stop ends the reader wherever it waits") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.thread.request_stop();
  const auto result = reading.end();
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::cancelled);
}

TEST_CASE("EventReader: a malformed header ends the reader with an error, and is not answered") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.pipes.send("hello there\n");
  const auto result = reading.end();
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::malformed);
  CHECK(reading.pipes.hear(1).empty());
}

TEST_CASE("EventReader: a closed output ends the reader with an error") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.pipes.close_output();
  reading.pipes.send(tick_event(1, 1));
  const auto result = reading.end();
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::unreachable);
}

}  // namespace
}  // namespace reeve::events
