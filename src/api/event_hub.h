#pragma once

// Server-sent events for the clients of GET /api/v1/events: changes between two snapshots,
// operations, decisions. The last thousand events are kept, so that a client which reconnects
// resumes after the last one it received; if that is no longer kept it gets a `reset`. publish() is
// called on any thread and never waits for a client: a slow one is disconnected.

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
  static constexpr std::size_t max_subscribers = 32;
  /// More changed processes, or decisions on one post of alerts, than this are sent as one `reset`,
  /// so that they do not displace all other events.
  static constexpr std::size_t max_at_once = 256;

  /// Event ids are larger than those of earlier runs of the agent, unless the clock was set back.
  explicit EventHub(const base::Clock& clock);

  void publish(const std::shared_ptr<const monitor::Snapshot>& snapshot);
  void publish(const control::Operation& operation);
  /// The entries of one post of alerts. Only those of kind decision become events: the others
  /// duplicate operations.
  void publish(const std::vector<control::AuditEntry>& entries);

  /// A stream of all events from now on, or after the one with this id, for a Response. Null if
  /// there are max_subscribers.
  [[nodiscard]] std::shared_ptr<http::StreamReader> subscribe(std::optional<std::uint64_t> after);

 private:
  struct KeptEvent {
    std::uint64_t id;
    std::string text;
  };
  struct NewEvent {
    std::string_view type;
    std::string data;
  };
  struct State {
    std::uint64_t last_id;
    std::deque<KeptEvent> kept;  ///< ids without gaps, up to last_id
    std::vector<http::StreamWriter> subscribers;
    std::shared_ptr<const monitor::Snapshot> snapshot;

    void send(std::string_view type, std::string_view data);
    [[nodiscard]] std::string first_bytes(std::optional<std::uint64_t> after) const;
  };

  void publish_together(const std::vector<NewEvent>& events);

  /// Subscribers are written to under the guard, to keep the order: writing never waits and calls
  /// nothing back.
  base::Guarded<State> state_;
};

}  // namespace reeve::api
