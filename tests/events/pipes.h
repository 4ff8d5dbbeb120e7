#pragma once

// The test as supervisord: writes events into a listener's input and reads its answers.

#include <array>
#include <string>
#include <string_view>

#include <unistd.h>

#include "events/event_reader.h"
#include "support/catch.h"

namespace reeve::events {

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
