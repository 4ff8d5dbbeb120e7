#pragma once

// The agent, or a relay, as supervisord's event listener: events come on one descriptor, READY and
// RESULT go out on the other, and nothing else may. An event is acknowledged as soon as it is in
// memory, however busy the rest of the process is: supervisord buffers few. Each class here is
// driven by one thread. SIGPIPE must be ignored in the process.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "events/event.h"
#include "events/inbox.h"
#include "events/polling.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::events {

/// The two ends of the listener protocol, on descriptors of their own.
struct Streams {
  base::Descriptor input;
  base::Descriptor output;
};

/// Takes standard input and output away for the protocol: what the process prints afterwards goes
/// to standard error, and cannot break the protocol. Call it before anything is printed.
[[nodiscard]] base::Result<Streams> take_standard_streams();

/// Cuts supervisord's stream into events, in whatever pieces the bytes arrive.
///
/// The length of a payload is ambiguous: `len` counts code points in supervisord 4 and bytes in 3.
/// supervisord sends nothing more before it has the listener's answer, so the payload ends when
/// `len` code points have come, or, with exactly `len` bytes, when the input pauses. The first
/// payload where the two differ decides for all that follow.
///
/// After a malformed header the stream cannot be synchronised again: from then on every feed()
/// fails, and the listener has to exit, so that supervisord starts another.
///
/// Does no I/O; holds at most a header and max_payload_kept bytes.
class EventParser {
 public:
  using Sink = std::function<void(const EventHeader&, RawEvent)>;

  /// Passes each complete event to the sink. malformed, now and ever after: see above.
  [[nodiscard]] base::Result<void> feed(std::string_view bytes, const Sink& sink);

  /// The payload is complete if nothing more comes soon: then call input_paused().
  [[nodiscard]] bool awaits_pause() const;
  /// Nothing more came. Passes an event to the sink, and is true, if awaits_pause().
  bool input_paused(const Sink& sink);

 private:
  enum class Unit { undecided, code_points, bytes };

  [[nodiscard]] base::Result<void> take_header(std::string_view& bytes);
  void take_payload(std::string_view& bytes);
  [[nodiscard]] bool complete() const;
  void finish(const Sink& sink);

  Unit unit_ = Unit::undecided;
  std::optional<base::Error> broken_;
  std::optional<EventHeader> header_;  ///< once it is complete: the payload comes
  RawEvent event_;
  std::uint64_t bytes_ = 0;        ///< of the payload so far
  std::uint64_t code_points_ = 0;  ///< of the payload so far, the last perhaps in part
  unsigned missing_ = 0;           ///< bytes of the last code point still to come
};

/// The listener's side of the protocol, for a loop around poll(2).
class Listener {
 public:
  enum class Input { open, closed };

  /// `clock` must outlive it.
  Listener(Streams streams, const base::Clock& clock)
      : input_(std::move(streams.input)), output_(std::move(streams.output)), clock_(&clock) {}

  /// To be called once, before anything is read. unreachable: supervisord has closed the output.
  [[nodiscard]] base::Result<void> send_ready() { return write("READY\n"); }
  /// After poll(2) for input() until wait_until(): reads the input if it is readable, else ends a
  /// payload if its pause is over. malformed: the stream is broken for good. unreachable.
  [[nodiscard]] base::Result<Input> handle(bool readable, const EventParser::Sink& consumer);

  [[nodiscard]] int input() const { return input_.get(); }
  [[nodiscard]] WaitUntil wait_until() const;

 private:
  [[nodiscard]] base::Result<Input> read(const EventParser::Sink& consumer);
  [[nodiscard]] base::Result<void> write(std::string_view bytes) const;

  base::Descriptor input_;
  base::Descriptor output_;
  const base::Clock* clock_;
  base::SteadyTime last_input_;
  EventParser parser_;
};

/// Reads events into the inbox: the agent as supervisord's own listener.
class EventReader {
 public:
  /// `inbox` and `clock` must outlive it.
  EventReader(Streams streams, EventSource source, Inbox& inbox, const base::Clock& clock);

  /// Reads until supervisord closes our input, which is its way to end a listener: success, and the
  /// process should exit soon. cancelled: a stop was requested. malformed: the stream is broken for
  /// good; unreachable: supervisord no longer listens. After these two the process should exit as
  /// well, so that supervisord starts it anew and sends the event again.
  [[nodiscard]] base::Result<void> run(const std::stop_token& stop);

 private:
  Streams streams_;
  EventSource source_;
  Inbox* inbox_;
  const base::Clock* clock_;
};

}  // namespace reeve::events
