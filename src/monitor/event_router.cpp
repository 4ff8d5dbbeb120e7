#include "monitor/event_router.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "monitor/snapshot.h"
#include "substrate/poll_source.h"

namespace reeve::monitor {
namespace {

/// Each restart of a daemon is another source: the oldest are forgotten.
constexpr std::size_t max_streams = 64;
constexpr base::Duration deaf_after = std::chrono::seconds(20);
constexpr base::Duration between_marks_for_deaf = std::chrono::minutes(1);

}  // namespace

std::string EventRouter::mark_text(const std::string& run, const OwnMark& mark) {
  return run + ":" + std::to_string(mark.member) + ":" + std::to_string(mark.anchor);
}

EventRouter::Routed EventRouter::route(std::vector<events::Arrival> arrivals) {
  Routed routed;
  routed.members.resize(members_);
  for (events::Arrival& arrival : arrivals) {
    if (events::Event* const event = std::get_if<events::Event>(&arrival.what)) {
      take(std::move(*event), arrival, routed);
      continue;
    }
    const auto& gap = std::get<events::Gap>(arrival.what);
    // Whose events found no room in the inbox is not known.
    const bool everybodys = gap.cause == events::Gap::Cause::overflow;
    for (const auto& [key, stream] : streams_) {
      if (stream.member && (everybodys || key.first == *arrival.source)) {
        routed.members[*stream.member].heard.emplace_back(gap);
      }
    }
  }
  return routed;
}

void EventRouter::take(events::Event event, const events::Arrival& arrival, Routed& routed) {
  const base::SteadyTime now = arrival.at.steady;
  Stream& stream = stream_of({*arrival.source, event.pool}, now);
  stream.last = std::max(stream.last, now);
  if (const auto mark = own_mark(event)) {
    recognise(stream, *mark, *arrival.source, routed);
  }
  if (stream.member) {
    Delivery& delivery = routed.members[*stream.member];
    delivery.last = std::max(delivery.last, now);
    delivery.heard.emplace_back(std::move(event));
    return;
  }
  if (!stream.named_deaf || now - stream.asked >= between_marks_for_deaf) {
    stream.asked = now;
    ask_for_mark(*arrival.source, stream, routed);
  }
  if (!stream.spare_of && !stream.named_deaf && now - stream.first >= deaf_after) {
    stream.named_deaf = true;
    routed.deaf_pools.push_back(event.pool);
  }
}

void EventRouter::recognise(Stream& stream, const OwnMark& mark, const events::Source& source,
                            Routed& routed) {
  if (stream.member != mark.member && !stream.left.contains(mark.member)) {
    if (is_served(mark.member, source, stream.last)) {
      stream.spare_of = mark.member;
    } else {
      bind(stream, mark.member, routed);
    }
  }
  if (stream.member == mark.member) {
    routed.members[mark.member].heard.emplace_back(Mark{mark.anchor});
  }
}

std::optional<OwnMark> EventRouter::own_mark(const events::Event& event) const {
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
  return valid ? std::optional(OwnMark{*member, *anchor}) : std::nullopt;
}

void EventRouter::bind(Stream& stream, std::size_t member, Routed& routed) {
  // What came between the two nobody heard.
  const events::Gap unheard{events::Gap::Cause::pool_restarted, 0};
  for (auto& [key, other] : streams_) {
    if (other.member == member) {
      other.member.reset();
      other.spare_of = member;
      routed.members[member].heard.emplace_back(unheard);
    }
  }
  if (stream.member) {
    stream.left.insert(*stream.member);
    routed.members[*stream.member].heard.emplace_back(unheard);
  }
  stream.member = member;
}

bool EventRouter::is_served(std::size_t member, const events::Source& source,
                            base::SteadyTime now) const {
  return std::any_of(streams_.begin(), streams_.end(), [&](const auto& entry) {
    const auto& [key, stream] = entry;
    const bool other_daemon =
        key.first.daemon != source.daemon && !source.daemon.empty() && !key.first.daemon.empty();
    return stream.member == member && !other_daemon && now - stream.last < event_stream_patience;
  });
}

void EventRouter::ask_for_mark(const events::Source& source, const Stream& stream,
                               Routed& routed) const {
  for (std::size_t member = 0; member < members_; ++member) {
    const bool possible = stream.spare_of.value_or(member) == member;
    if (possible && !is_served(member, source, stream.last)) {
      routed.members[member].wants_mark = true;
      routed.members[member].wants_mark_soon |= stream.last - stream.first < deaf_after;
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
        [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
  }
  return streams_.emplace(key, Stream{.first = now, .last = now, .asked = now}).first->second;
}

}  // namespace reeve::monitor
