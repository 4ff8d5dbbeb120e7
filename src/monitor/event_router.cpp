#include "monitor/event_router.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "monitor/snapshot.h"
#include "substrate/poll_source.h"

namespace reeve::monitor {
namespace {

/// Each restart of a daemon makes another source: the oldest are forgotten.
constexpr std::size_t max_streams = 64;
constexpr base::Duration unbound_after = std::chrono::seconds(20);
constexpr base::Duration between_marks_for_unbound = std::chrono::minutes(1);
constexpr std::size_t max_backlog_names = 10000;

/// A listener on our own standard input has no daemon: what it delivers is of our own time.
bool is_relay(const events::EventSource& source) {
  return !source.daemon.empty();
}

void add(Backlog& backlog, const events::Event& event) {
  ++backlog.events[events::type_label(event.type)];
  const auto* const change = std::get_if<events::StateChange>(&event.what);
  if (change == nullptr) {
    return;
  }
  if (backlog.transitions.size() >= max_backlog_names &&
      !backlog.transitions.contains(change->name)) {
    ++backlog.gaps;
    ++backlog.lost;
    return;
  }
  count(backlog.transitions[change->name], transition_of(*change));
}

}  // namespace

std::string EventRouter::mark_text(const std::string& run, const OwnMark& mark) {
  return run + ":" + std::to_string(mark.member) + ":" + std::to_string(mark.anchor);
}

EventRouter::Routed EventRouter::route(std::vector<events::Arrival> arrivals) {
  Routed routed;
  routed.batches.resize(members_);
  for (events::Arrival& arrival : arrivals) {
    if (events::Event* const event = std::get_if<events::Event>(&arrival.what)) {
      route_event(std::move(*event), arrival, routed);
      continue;
    }
    const auto& gap = std::get<events::Gap>(arrival.what);
    // Which streams lost events when the inbox was full is not known.
    const bool all_streams = gap.cause == events::Gap::Cause::overflow;
    for (auto& [key, stream] : streams_) {
      if (!all_streams && key.first != *arrival.source) {
        continue;
      }
      if (stream.member) {
        routed.batches[*stream.member].items.emplace_back(gap);
      } else {
        ++stream.backlog.gaps;
        stream.backlog.lost += gap.events;
      }
    }
  }
  return routed;
}

void EventRouter::route_event(events::Event event, const events::Arrival& arrival, Routed& routed) {
  const base::SteadyTime now = arrival.at.steady;
  Stream& stream = stream_of({*arrival.source, event.pool}, now);
  stream.last_at = std::max(stream.last_at, now);
  if (const auto mark = parse_own_mark(event)) {
    apply_mark(stream, *mark, *arrival.source, routed);
  }
  if (stream.member) {
    EventBatch& batch = routed.batches[*stream.member];
    batch.last_event_at = std::max(batch.last_event_at, now);
    batch.items.emplace_back(std::move(event));
    return;
  }
  if (is_relay(*arrival.source)) {
    add(stream.backlog, event);
  }
  if (!stream.reported_unbound || now - stream.mark_requested_at >= between_marks_for_unbound) {
    stream.mark_requested_at = now;
    request_mark(*arrival.source, stream, routed);
  }
  if (!stream.redundant_for && !stream.reported_unbound && now - stream.first_at >= unbound_after) {
    stream.reported_unbound = true;
    routed.unbound_pools.push_back(event.pool);
  }
}

void EventRouter::apply_mark(Stream& stream, const OwnMark& mark, const events::EventSource& source,
                             Routed& routed) {
  if (stream.member != mark.member && !stream.former_members.contains(mark.member)) {
    if (has_stream(mark.member, source, stream.last_at)) {
      stream.redundant_for = mark.member;
    } else {
      deliver_backlog(stream, source, mark.member, routed);
      bind(stream, mark.member, routed);
    }
  }
  if (stream.member == mark.member) {
    routed.batches[mark.member].items.emplace_back(Mark{mark.anchor});
  }
}

std::optional<OwnMark> EventRouter::parse_own_mark(const events::Event& event) const {
  const auto* const sent = std::get_if<events::RemoteCommunication>(&event.what);
  if (sent == nullptr || sent->type != substrate::survey_mark_type ||
      !sent->data.starts_with(run_ + ":")) {
    return std::nullopt;
  }
  const std::string_view rest = std::string_view(sent->data).substr(run_.size() + 1);
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const auto member = base::parse_number<std::size_t>(rest.substr(0, colon));
  const auto anchor = base::parse_number<std::uint64_t>(rest.substr(colon + 1));
  const bool valid = member && anchor && *member < members_;
  return valid ? std::optional(OwnMark{.member = *member, .anchor = *anchor}) : std::nullopt;
}

void EventRouter::deliver_backlog(Stream& stream, const events::EventSource& source,
                                  std::size_t member, Routed& routed) {
  Backlog backlog = std::exchange(stream.backlog, {});
  const bool is_first = bound_before_.insert(member).second;
  const bool is_empty = backlog.events.empty() && backlog.gaps == 0;
  if (is_first && is_relay(source) && !is_empty && stream.former_members.empty()) {
    routed.batches[member].items.emplace_back(std::move(backlog));
  }
}

void EventRouter::bind(Stream& stream, std::size_t member, Routed& routed) {
  // Events between the two streams were lost.
  const events::Gap lost{.cause = events::Gap::Cause::pool_restarted};
  for (auto& [key, other] : streams_) {
    if (other.member == member) {
      other.member.reset();
      other.redundant_for = member;
      routed.batches[member].items.emplace_back(lost);
    }
  }
  if (stream.member) {
    stream.former_members.insert(*stream.member);
    routed.batches[*stream.member].items.emplace_back(lost);
  }
  stream.member = member;
}

bool EventRouter::has_stream(std::size_t member, const events::EventSource& source,
                             base::SteadyTime now) const {
  return std::any_of(streams_.begin(), streams_.end(), [&](const auto& entry) {
    const auto& [key, stream] = entry;
    const bool other_daemon =
        key.first.daemon != source.daemon && !source.daemon.empty() && !key.first.daemon.empty();
    return stream.member == member && !other_daemon && now - stream.last_at < event_stream_patience;
  });
}

void EventRouter::request_mark(const events::EventSource& source, const Stream& stream,
                               Routed& routed) const {
  for (std::size_t member = 0; member < members_; ++member) {
    const bool possible = stream.redundant_for.value_or(member) == member;
    if (possible && !has_stream(member, source, stream.last_at)) {
      routed.batches[member].mark_requested = true;
      routed.batches[member].mark_requested_soon |=
          stream.last_at - stream.first_at < unbound_after;
    }
  }
}

EventRouter::Stream& EventRouter::stream_of(const Key& key, base::SteadyTime now) {
  const auto known = streams_.find(key);
  if (known != streams_.end()) {
    return known->second;
  }
  if (streams_.size() >= max_streams) {
    streams_.erase(std::min_element(
        streams_.begin(), streams_.end(),
        [](const auto& a, const auto& b) { return a.second.last_at < b.second.last_at; }));
  }
  return streams_.emplace(key, Stream{.first_at = now, .last_at = now, .mark_requested_at = now})
      .first->second;
}

}  // namespace reeve::monitor
