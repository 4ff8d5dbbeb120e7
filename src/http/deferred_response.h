#pragma once

// What a Later's handles share: the response once it is there, and whom to tell. Completed on
// any thread; awaited by one connection on the transport's thread.

#include <chrono>
#include <functional>
#include <optional>

#include "base/guarded.h"
#include "http/message.h"

namespace reeve::http {

struct Later::State {
  struct Slot {
    std::optional<Response> response;
    std::function<void()> notify;
    bool closed = false;  ///< taken, or waited for in vain
  };

  std::chrono::nanoseconds patience;
  std::function<Response()> otherwise;
  base::Guarded<Slot> slot;

  /// `notify` is called once, on the completing thread, unless the response is there already.
  void subscribe(std::function<void()> notify);
  [[nodiscard]] bool ready() const;
  /// The response, or what `otherwise` makes. Nothing can be completed or notified afterwards.
  [[nodiscard]] Response take();
};

}  // namespace reeve::http
