#pragma once

// The listener's side of supervisord's conversation with it: events come on one descriptor, READY
// and RESULT go out on the other, and nothing else may. An event is acknowledged as soon as the
// consumer has taken it, which must be at once: supervisord buffers few. Driven by one thread.
// SIGPIPE must be ignored in the process.

#include <string_view>

#include "events/event_reader.h"
#include "events/parser.h"
#include "events/waiting.h"
#include "reeve/base/result.h"

namespace reeve::events {

class Listener {
 public:
  enum class Input { open, ended };

  /// `clock` must outlive it.
  Listener(Streams streams, const base::Clock& clock)
      : input_(std::move(streams.input)), output_(std::move(streams.output)), clock_(&clock) {}

  /// To be said once, before anything is read. unreachable: nobody reads the output.
  [[nodiscard]] base::Result<void> say_ready() { return say("READY\n"); }
  /// After poll(2) for input() until due(): takes what is there, or else does what is due.
  /// malformed: out of step for good. unreachable.
  [[nodiscard]] base::Result<Input> attend(bool readable, const EventParser::Sink& consumer);

  [[nodiscard]] int input() const { return input_.get(); }
  [[nodiscard]] Due due() const;

 private:
  [[nodiscard]] base::Result<Input> read(const EventParser::Sink& consumer);
  [[nodiscard]] base::Result<Input> notice_pause(const EventParser::Sink& consumer);
  [[nodiscard]] base::Result<void> say(std::string_view words) const;

  base::Descriptor input_;
  base::Descriptor output_;
  const base::Clock* clock_;
  base::SteadyTime last_input_;
  EventParser parser_;
};

}  // namespace reeve::events
