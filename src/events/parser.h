#pragma once

// Cuts supervisord's stream of events into single ones, in whatever pieces the bytes arrive.
//
// How long a payload is, only the whole conversation tells: `len` counts code points in
// supervisord 4 and bytes in 3. supervisord sends nothing more before it has our answer, so the
// payload ends when `len` code points are in hand, or, with exactly `len` bytes in hand, when the
// input pauses. The first payload where the two differ decides for all that follow.
//
// A broken header means that the stream and we are no longer in step, and there is nothing in it
// to find the step again: from then on every feed() fails, and the listener has to end, so that
// supervisord starts another.
//
// Driven by one thread; does no I/O; holds at most a header and max_payload_kept bytes.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "events/wire.h"
#include "reeve/base/result.h"

namespace reeve::events {

class EventParser {
 public:
  using Sink = std::function<void(RawEvent)>;

  /// Hands each event that is complete to the sink. malformed, now and ever after: see above.
  [[nodiscard]] base::Result<void> feed(std::string_view bytes, const Sink& sink);

  /// The payload is complete if nothing more comes soon: say so with input_paused().
  [[nodiscard]] bool awaits_pause() const;
  /// Nothing more came. An event, if awaits_pause().
  [[nodiscard]] std::optional<RawEvent> input_paused();

 private:
  enum class Unit { undecided, code_points, bytes };

  [[nodiscard]] base::Result<void> take_header(std::string_view& bytes);
  void take_payload(std::string_view& bytes);
  [[nodiscard]] bool complete() const;
  [[nodiscard]] RawEvent finish();

  Unit unit_ = Unit::undecided;
  std::optional<base::Error> broken_;
  bool in_payload_ = false;
  RawEvent event_;
  std::uint64_t length_ = 0;       ///< the header's `len`
  std::uint64_t bytes_ = 0;        ///< of the payload so far
  std::uint64_t code_points_ = 0;  ///< of the payload so far, the last perhaps in part
  unsigned missing_ = 0;           ///< bytes of the last code point still to come
};

}  // namespace reeve::events
