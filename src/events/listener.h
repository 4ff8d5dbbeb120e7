#pragma once

// The listener's side of supervisord's conversation with it: events come on one descriptor, READY
// and RESULT go out on the other, and nothing else may. An event is acknowledged as soon as the
// consumer has taken it, which must be at once: supervisord buffers few. Driven by one thread.
// SIGPIPE must be ignored in the process.

#include <string_view>

#include "events/parser.h"
#include "reeve/base/descriptor.h"
#include "reeve/base/result.h"

namespace reeve::events {

class Listener {
 public:
  enum class Input { open, ended };

  Listener(base::Descriptor input, base::Descriptor output)
      : input_(std::move(input)), output_(std::move(output)) {}

  /// To be said once, before anything is read. unreachable: nobody reads the output.
  [[nodiscard]] base::Result<void> say_ready() { return say("READY\n"); }
  /// What is there, after poll(2) said that something is. malformed: out of step for good.
  [[nodiscard]] base::Result<Input> read(const EventParser::Sink& consumer);
  /// Nothing came for pause_timeout().
  [[nodiscard]] base::Result<void> paused(const EventParser::Sink& consumer);

  [[nodiscard]] int input() const { return input_.get(); }
  /// For poll(2), in milliseconds: how long to wait for input before paused(); -1 for ever.
  [[nodiscard]] int pause_timeout() const { return parser_.awaits_pause() ? pause_ms : -1; }

 private:
  static constexpr int pause_ms = 200;

  [[nodiscard]] base::Result<void> say(std::string_view words) const;

  base::Descriptor input_;
  base::Descriptor output_;
  EventParser parser_;
};

}  // namespace reeve::events
