#pragma once

// What happens, told as it happens: changes between two snapshots, operations, decisions, as
// server-sent events. The last thousand are kept, so that a client that lost its connection goes on
// where it was; one for whom that is too late is told to read everything anew. Fed from any
// thread, never waits for a client: a slow one is cut off.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "control/audit.h"
#include "control/operation.h"
#include "http/response_body.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"

namespace reeve::api {

class EventHub {
 public:
  static constexpr std::size_t max_kept = 1000;
  static constexpr std::size_t max_listeners = 32;
  /// More processes that change, or decisions on a post of alerts, than these at once are one
  /// event: everything is to be read anew. One storm pushes nothing else out.
  static constexpr std::size_t max_at_once = 256;

  /// Ids are larger than those of every earlier run of the agent, as far as clocks go forward.
  explicit EventHub(const base::Clock& clock);

  void publish(const std::shared_ptr<const monitor::Snapshot>& snapshot);
  void publish(const control::Operation& operation);
  /// Those of kind decision, of one post of alerts; others are told of as operations, or not at
  /// all.
  void publish(const std::vector<control::AuditEntry>& entries);

  /// A stream of all events from now on, or after the one with this id, for a Response; null if
  /// as many listen as may.
  [[nodiscard]] std::shared_ptr<http::StreamReader> listen(std::optional<std::uint64_t> after);

 private:
  struct Event {
    std::uint64_t id;
    std::string text;
  };
  struct Told {
    std::string_view type;
    std::string data;
  };
  struct State {
    std::uint64_t last_id;
    std::deque<Event> kept;  ///< with ids that have no gaps, up to the last
    std::vector<http::StreamWriter> listeners;
    std::shared_ptr<const monitor::Snapshot> snapshot;

    void tell(std::string_view type, std::string_view data);
    [[nodiscard]] std::string greeting(std::optional<std::uint64_t> after) const;
  };

  void tell_together(const std::vector<Told>& events);

  /// Writing to a stream never waits and calls nobody back: it is done under the guard, for order.
  base::Guarded<State> state_;
};

}  // namespace reeve::api
