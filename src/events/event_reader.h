#pragma once

// The agent as supervisord's own event listener: reads events from supervisord and acknowledges
// each as soon as it is in the inbox, however busy the rest of the agent is. One thread runs it.
// SIGPIPE must be ignored in the process.

#include <stop_token>

#include "base/descriptor.h"
#include "events/inbox.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::events {

/// The conversation with supervisord, on descriptors of its own.
struct Streams {
  base::Descriptor input;
  base::Descriptor output;
};

/// Takes standard input and output away for the conversation: what the process prints from then
/// on goes to standard error, and cannot break the protocol. Call it before anything is printed.
[[nodiscard]] base::Result<Streams> take_standard_streams();

class EventReader {
 public:
  /// `inbox` and `clock` must outlive it.
  EventReader(Streams streams, Source source, Inbox& inbox, const base::Clock& clock);

  /// Reads until supervisord closes our input, which is its way to end a listener: success, and
  /// the process should end soon. cancelled: a stop was requested. malformed: the stream is out
  /// of step for good; unreachable: supervisord no longer listens. After these two the process
  /// should end as well, so that supervisord starts it anew and sends the event again.
  [[nodiscard]] base::Result<void> run(const std::stop_token& stop);

 private:
  Streams streams_;
  Source source_;
  Inbox* inbox_;
  const base::Clock* clock_;
};

}  // namespace reeve::events
