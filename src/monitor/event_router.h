#pragma once

// Which supervisord a stream of events belongs to. URLs do not tell: one supervisord has several,
// and `localhost` is another place for everybody. A mark does: it was sent through one
// supervisord's RPC, so the stream in which it is heard is that supervisord's. Until then a
// stream's events go nowhere. Pure; driven by the Monitor's publisher thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "events/inbox.h"

namespace reeve::monitor {

/// The mark of a survey came through the stream.
struct Mark {
  std::uint64_t anchor = 0;
};

/// What a mark says: whose survey sent it, and which of that member's.
struct OwnMark {
  std::size_t member = 0;
  std::uint64_t anchor = 0;
};

using Heard = std::variant<events::Event, events::Gap, Mark>;

/// For one supervisord, in order of arrival.
struct Delivery {
  std::vector<Heard> heard;
  base::SteadyTime last;  ///< when the last event was received
  /// A stream speaks that may be this supervisord's: the next survey tells.
  bool wants_mark = false;
  bool wants_mark_soon = false;  ///< it has only begun to speak
};

class EventRouter {
 public:
  /// `run` is this agent's own word, so that another agent's marks are not taken for ours.
  EventRouter(std::string run, std::size_t members) : run_(std::move(run)), members_(members) {}

  struct Routed {
    std::vector<Delivery> members;
    /// Listeners that have spoken for long without a mark; each is named once, by its pool.
    std::vector<std::string> deaf_pools;
  };
  [[nodiscard]] Routed route(std::vector<events::Arrival> arrivals);

  /// The text of a mark, for the survey of a member.
  [[nodiscard]] static std::string mark_text(const std::string& run, const OwnMark& mark);

 private:
  struct Stream {
    std::optional<std::size_t> member = {};    ///< whose it is
    std::optional<std::size_t> spare_of = {};  ///< it would be, but that member has another stream
    /// Whose it was before: one supervisord that is listed twice hears the marks of both.
    std::set<std::size_t> left = {};
    bool named_deaf = false;
    base::SteadyTime first;
    base::SteadyTime last;
    base::SteadyTime asked;  ///< for a mark
  };
  /// One source may bring the events of several listeners of one supervisord.
  using Key = std::pair<events::Source, std::string>;

  [[nodiscard]] std::optional<OwnMark> own_mark(const events::Event& event) const;
  void take(events::Event event, const events::Arrival& arrival, Routed& routed);
  void recognise(Stream& stream, const OwnMark& mark, const events::Source& source, Routed& routed);
  void bind(Stream& stream, std::size_t member, Routed& routed);
  /// This supervisord has a stream that lives, and `source` cannot be the one after it.
  [[nodiscard]] bool is_served(std::size_t member, const events::Source& source,
                               base::SteadyTime now) const;
  void ask_for_mark(const events::Source& source, const Stream& stream, Routed& routed) const;
  [[nodiscard]] Stream& stream_of(const Key& key, base::SteadyTime now);

  const std::string run_;
  const std::size_t members_;
  std::map<Key, Stream> streams_;
};

}  // namespace reeve::monitor
