#pragma once

// How the agent gets the events that supervisord sends to its listeners.

#include <string>

namespace reeve::events {

struct Options {
  enum class Stream {
    automatic,  ///< on if supervisord has started us with a pipe as standard input
    on,
    off,
  };
  Stream stream = Stream::automatic;  ///< the listener protocol on standard input and output
  std::string socket;                 ///< where relays deliver; empty: nowhere
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::events
