#pragma once

// The captured streams of supervisord, cut into the single events that they were sent as.

#include <string>
#include <string_view>
#include <vector>

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

}  // namespace reeve::events
