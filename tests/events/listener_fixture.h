#pragma once

// The test as supervisord: captured streams cut into single events, and pipes to write events into
// a listener's input and to read its answers.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "events/listener.h"
#include "support/catch.h"
#include "support/fixture.h"

namespace reeve::events {

/// Header, newline and payload of each event, in one text each.
inline std::vector<std::string> frames_of(const std::string& fixture) {
  const std::string stream = tests::fixture(fixture);
  std::vector<std::string> frames;
  for (std::size_t begin = 0; begin < stream.size();) {
    const std::size_t end = std::min(stream.find("ver:3.0 server:", begin + 1), stream.size());
    frames.push_back(stream.substr(begin, end - begin));
    begin = end;
  }
  return frames;
}

inline const std::vector<std::string> captured_streams = {
    "events-all-states-startup.raw",
    "events-log-comm-remote-tick.raw",
    "events-reload-restart-shutdown.raw",
    "events-unknown-state.raw",
    "versions/3.0-events.raw",
    "versions/3.4.0-events.raw",
    "versions/4.1.0-events.raw",
    "versions/4.3.0-events.raw",
    "versions/main-events.raw",
};

class Pipes {
 public:
  Pipes() {
    std::array<int, 2> input{};
    std::array<int, 2> output{};
    REQUIRE(::pipe(input.data()) == 0);
    REQUIRE(::pipe(output.data()) == 0);
    streams_ = {base::Descriptor(input[0]), base::Descriptor(output[1])};
    to_listener_.reset(input[1]);
    from_listener_.reset(output[0]);
  }

  [[nodiscard]] Streams take_streams() { return std::move(streams_); }

  void send(std::string_view bytes) const {
    REQUIRE(::write(to_listener_.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  /// Waits for so many bytes.
  [[nodiscard]] std::string hear(std::size_t count) const {
    std::string heard;
    std::array<char, 100> buffer{};
    while (heard.size() < count) {
      const ssize_t got = ::read(from_listener_.get(), buffer.data(),
                                 std::min(buffer.size(), count - heard.size()));
      if (got <= 0) {
        break;
      }
      heard.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return heard;
  }
  void close_input() { to_listener_.reset(); }
  void close_output() { from_listener_.reset(); }

 private:
  Streams streams_;
  base::Descriptor to_listener_;
  base::Descriptor from_listener_;
};

inline constexpr std::string_view ready = "READY\n";
inline constexpr std::string_view acknowledged = "RESULT 2\nOKREADY\n";

inline std::string tick_event(std::uint64_t serial, std::uint64_t pool_serial) {
  return "ver:3.0 server:s serial:" + std::to_string(serial) +
         " pool:p poolserial:" + std::to_string(pool_serial) +
         " eventname:TICK_5 len:15\nwhen:1795329025";
}

}  // namespace reeve::events
