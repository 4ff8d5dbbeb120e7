#pragma once

// Which supervisord a stream of events belongs to. URLs do not tell: one supervisord has several,
// and `localhost` is a different host for each agent. A mark does: it was sent through one
// supervisord's RPC, so the stream that delivers it is that supervisord's and is bound to it.
// Events of a stream that is not bound are dropped, those of a relay counted until it is: they may
// be from before the agent. Pure; driven by the Monitor's publisher thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "events/inbox.h"
#include "monitor/process_history.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// The mark of a survey has arrived in the stream.
struct Mark {
  std::uint64_t anchor = 0;
};

/// The content of a mark: the member whose survey sent it, and the number of the anchor.
struct OwnMark {
  std::size_t member = 0;
  std::uint64_t anchor = 0;
};

/// What a relay delivered before its stream was bound: what happened since the last event that an
/// agent has acknowledged.
struct Backlog {
  std::map<substrate::InstanceName, TransitionCounts> transitions;
  std::map<std::string_view, std::uint64_t> events;  ///< by type_label()
  std::uint64_t gaps = 0;
  std::uint64_t lost = 0;  ///< events in these gaps, as far as it is known
};

using StreamItem = std::variant<events::Event, events::Gap, Mark, Backlog>;

/// For one supervisord, in order of arrival.
struct EventBatch {
  std::vector<StreamItem> items;
  base::SteadyTime last_event_at;
  /// A stream that is not bound may be this supervisord's: the next survey's mark tells.
  bool mark_requested = false;
  bool mark_requested_soon = false;  ///< the stream is new
};

class EventRouter {
 public:
  /// `run` identifies this run of the agent, so that another agent's marks are ignored.
  EventRouter(std::string run, std::size_t members) : run_(std::move(run)), members_(members) {}

  struct Routed {
    std::vector<EventBatch> batches;  ///< one for each member
    /// Pools of listeners that have sent events for long without a mark; each is reported once.
    std::vector<std::string> unbound_pools;
  };
  [[nodiscard]] Routed route(std::vector<events::Arrival> arrivals);

  /// The text of a mark, for the survey of a member.
  [[nodiscard]] static std::string mark_text(const std::string& run, const OwnMark& mark);

 private:
  struct Stream {
    std::optional<std::size_t> member = {};  ///< that it is bound to
    std::optional<std::size_t> redundant_for =
        {};  ///< its mark arrived here, but that member has another stream
    /// That it was bound to before: a supervisord that is configured twice gets the marks of both.
    std::set<std::size_t> former_members = {};
    Backlog backlog = {};  ///< of a relay that is not bound
    bool reported_unbound = false;
    base::SteadyTime first_at;
    base::SteadyTime last_at;
    base::SteadyTime mark_requested_at;
  };
  /// One source may deliver the events of several listeners of one supervisord.
  using Key = std::pair<events::EventSource, std::string>;

  [[nodiscard]] std::optional<OwnMark> parse_own_mark(const events::Event& event) const;
  void route_event(events::Event event, const events::Arrival& arrival, Routed& routed);
  void apply_mark(Stream& stream, const OwnMark& mark, const events::EventSource& source,
                  Routed& routed);
  void bind(Stream& stream, std::size_t member, Routed& routed);
  /// The member's first stream in this run of the agent tells what no agent has counted; of later
  /// ones another stream may have told it.
  void deliver_backlog(Stream& stream, const events::EventSource& source, std::size_t member,
                       Routed& routed);
  /// This member has a live stream, and `source` cannot be its successor.
  [[nodiscard]] bool has_stream(std::size_t member, const events::EventSource& source,
                                base::SteadyTime now) const;
  void request_mark(const events::EventSource& source, const Stream& stream, Routed& routed) const;
  [[nodiscard]] Stream& stream_of(const Key& key, base::SteadyTime now);

  const std::string run_;
  const std::size_t members_;
  std::map<Key, Stream> streams_;
  std::set<std::size_t> bound_before_;  ///< members that have had a stream
};

}  // namespace reeve::monitor
