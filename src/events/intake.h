#pragma once

// Puts the raw events of one source into the inbox: repeats dropped, gaps in their place. Driven
// by the one thread that reads the source.

#include <memory>

#include "events/inbox.h"
#include "events/sequence.h"
#include "events/wire.h"

namespace reeve::events {

class Intake {
 public:
  Intake(Source source, Inbox& inbox)
      : source_(std::make_shared<const Source>(std::move(source))), inbox_(&inbox) {}

  void put(const RawEvent& raw, const Receipt& at);

 private:
  std::shared_ptr<const Source> source_;
  Inbox* inbox_;
  Sequence sequence_;
};

}  // namespace reeve::events
