#include "events/event_reader.h"

#include <csignal>
#include <thread>

#include "events/frames.h"
#include "events/pipes.h"
#include "support/eventually.h"

namespace reeve::events {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;

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

TEST_CASE("a listener says READY, and answers each event as soon as it has it") {
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

TEST_CASE("a payload counted in bytes is answered after a short pause") {
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

TEST_CASE("nobody who takes the events does not keep supervisord waiting") {
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

TEST_CASE("when supervisord closes the input the reader ends, without an error") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.pipes.send(tick_event(1, 1).substr(0, 40));  // in the middle of an event
  reading.pipes.close_input();
  CHECK(reading.end());
  CHECK(reading.inbox.take().empty());
}

TEST_CASE("a stop ends the reader wherever it waits") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.thread.request_stop();
  const auto result = reading.end();
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::cancelled);
}

TEST_CASE("a stream out of step ends the reader with an error, and is not answered") {
  Reading reading;
  CHECK(reading.pipes.hear(ready.size()) == ready);
  reading.pipes.send("hello there\n");
  const auto result = reading.end();
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::malformed);
  CHECK(reading.pipes.hear(1).empty());
}

TEST_CASE("when nobody reads the answers the reader ends with an error") {
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
