#pragma once

// Server-sent events for the clients of GET /api/v1/events: changes between two snapshots,
// operations, decisions. The last thousand events are kept, so that a client which reconnects
// resumes after the last one it received; if that is no longer kept it gets a `reset`. publish() is
// called on any thread and never waits for a client: a slow one is disconnected.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "control/audit.h"
#include "control/operation.h"
#include "guards/command.h"
#include "http/response_body.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"

namespace reeve::api {

class EventHub {
 public:
  static constexpr std::size_t max_kept = 1000;
  static constexpr std::size_t max_subscribers = 32;  ///< OpenStreams keeps to it
  /// More changed processes, or decisions on one post of alerts, than this are sent as one `reset`,
  /// so that they do not displace all other events.
  static constexpr std::size_t max_at_once = 256;

  /// Event ids are larger than those of earlier runs of the agent, unless the clock was set back.
  /// `clock` must outlive this.
  explicit EventHub(const base::Clock& clock);

  /// Where the operations are that are not done, or were not at that time: they cause transitions.
  /// Set before the first publish(); null: none are known.
  void find_operations(
      std::function<std::vector<control::Operation>(base::SystemTime since)> unfinished_at);

  void publish(const std::shared_ptr<const monitor::Snapshot>& snapshot);
  void publish(const control::Operation& operation);
  /// The entries of one post of alerts. Only those of kind decision become events: the others
  /// duplicate operations.
  void publish(const std::vector<control::AuditEntry>& entries);

  /// A stream of events from now on, or after the one with this id: of all supervisords, and of
  /// the processes and groups that `may_read` accepts (null: all). It is called on the thread that
  /// publishes, under the hub's guard.
  [[nodiscard]] http::ResponseStream subscribe(
      std::optional<std::uint64_t> after,
      std::function<bool(const guards::Target&)> may_read = nullptr);

 private:
  struct KeptEvent {
    std::uint64_t id;
    std::string text;
    std::vector<guards::Target> about;  ///< none: of no process
    bool may_be_about_any;              ///< for those alone that read everything
  };
  struct NewEvent {
    std::string_view type;
    std::string data;
    std::vector<guards::Target> about;
    bool may_be_about_any = false;
  };
  struct Subscriber {
    http::StreamWriter writer;
    std::function<bool(const guards::Target&)> may_read;

    [[nodiscard]] bool receives(const KeptEvent& event) const {
      return !may_read || (!event.may_be_about_any &&
                           std::all_of(event.about.begin(), event.about.end(), may_read));
    }
  };
  struct State {
    std::uint64_t last_id;
    std::deque<KeptEvent> kept;  ///< ids without gaps, up to last_id
    std::vector<Subscriber> subscribers;
    std::shared_ptr<const monitor::Snapshot> snapshot;

    void send(const NewEvent& event);
    [[nodiscard]] std::string first_bytes(const Subscriber& subscriber,
                                          std::optional<std::uint64_t> after) const;
  };

  void publish_together(const std::vector<NewEvent>& events);

  const base::Clock& clock_;
  std::function<std::vector<control::Operation>(base::SystemTime)> unfinished_at_;
  /// Subscribers are written to under the guard, to keep the order: writing never waits and calls
  /// nothing back.
  base::Guarded<State> state_;
};

}  // namespace reeve::api
