#include "alerts/pending.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "records/json_reader.h"

namespace reeve::alerts {

using base::SteadyTime;
using records::JsonReader;

namespace {

records::Json to_json(const EpisodeKey& key, const PendingAlert& pending) {
  records::Json labels = records::Json::array();
  for (const auto& [name, value] : pending.alert.labels) {
    labels.push_back(
        {{"name", records::text_to_json(name)}, {"value", records::text_to_json(value)}});
  }
  records::Json object = {{"rule", key.rule},
                          {"fingerprint", key.fingerprint},
                          {"supervisor", records::text_to_json(key.target.supervisor)},
                          {"group", records::text_to_json(key.target.name.group)},
                          {"name", records::text_to_json(key.target.name.name)},
                          {"labels", std::move(labels)},
                          {"began", pending.alert.began.time_since_epoch().count()},
                          {"actor", records::text_to_json(pending.sender)},
                          {"reason", to_string(pending.obstacle.reason)},
                          {"detail", records::text_to_json(pending.obstacle.detail)},
                          {"since", records::to_json(std::optional(pending.since))},
                          {"until", records::to_json(std::optional(pending.until))}};
  if (!pending.operation.empty()) {
    object["operation"] = pending.operation;
  }
  return object;
}

void read_labels(JsonReader& reader, Labels& labels) {
  reader.each_object("labels", [&](JsonReader& label) {
    std::string name;
    std::string value;
    label.text("name", name);
    label.text("value", value);
    labels.insert_or_assign(std::move(name), std::move(value));
  });
}

void read_alert(JsonReader& reader, const records::TimeReader& times, SteadyTime now,
                PendingAlerts& alerts) {
  EpisodeKey key;
  PendingAlert pending;
  std::optional<SteadyTime> since;
  std::optional<SteadyTime> until;
  reader.text("rule", key.rule);
  reader.text("fingerprint", key.fingerprint);
  reader.text("supervisor", key.target.supervisor);
  reader.text("group", key.target.name.group);
  reader.text("name", key.target.name.name);
  read_labels(reader, pending.alert.labels);
  reader.time("began", pending.alert.began);
  reader.text("actor", pending.sender);
  reader.word("reason", guards::all_verdicts, pending.obstacle.reason);
  reader.text("detail", pending.obstacle.detail);
  reader.text("operation", pending.operation);
  times.read(reader, "since", since);
  times.read(reader, "until", until);
  if (!since || !until || key.fingerprint.empty()) {
    reader.fail();
    return;
  }
  pending.alert.fingerprint = key.fingerprint;
  pending.since = *since;
  pending.until = *until;
  pending.next = now;
  (void)alerts.hold(key, std::move(pending));
}

/// What it takes in the file, nearly: names of members and numbers are as good as constant.
std::size_t bytes_of(const EpisodeKey& key, const PendingAlert& pending) {
  constexpr std::size_t members = 256;
  constexpr std::size_t members_of_label = 24;
  std::size_t bytes =
      members + records::written_bytes(key.rule) + records::written_bytes(key.fingerprint) +
      records::written_bytes(key.target.text()) + records::written_bytes(pending.sender) +
      records::written_bytes(pending.obstacle.detail);
  for (const auto& [name, value] : pending.alert.labels) {
    bytes += members_of_label + records::written_bytes(name) + records::written_bytes(value);
  }
  return bytes;
}

/// A detail holds messages of others.
guards::GuardDecision bounded(guards::GuardDecision obstacle) {
  constexpr std::size_t max_detail_bytes = 512;
  constexpr std::size_t cut_detail_bytes = 448;  // and then how much is missing
  if (records::written_bytes(obstacle.detail) > max_detail_bytes) {
    obstacle.detail = records::shortened(obstacle.detail, cut_detail_bytes);
  }
  obstacle.passes_at.reset();
  return obstacle;
}

}  // namespace

bool PendingAlerts::has_room(const std::string& sender, std::size_t bytes) const {
  const auto found = by_sender_.find(sender);
  const Usage of_sender = found == by_sender_.end() ? Usage{} : found->second;
  return total_.alerts < max_alerts && total_.bytes + bytes <= max_bytes &&
         of_sender.alerts < max_alerts / senders_share &&
         of_sender.bytes + bytes <= max_bytes / senders_share;
}

void PendingAlerts::add(const EpisodeKey& key, PendingAlert pending) {
  const std::size_t bytes = bytes_of(key, pending);
  for (Usage* const usage : {&total_, &by_sender_[pending.sender]}) {
    ++usage->alerts;
    usage->bytes += bytes;
  }
  alerts_.insert_or_assign(key, std::move(pending));
}

void PendingAlerts::erase(Map::iterator pending) {
  const std::size_t bytes = bytes_of(pending->first, pending->second);
  const auto of_sender = by_sender_.find(pending->second.sender);
  for (Usage* const usage : {&total_, &of_sender->second}) {
    --usage->alerts;
    usage->bytes -= bytes;
  }
  if (of_sender->second.alerts == 0) {
    by_sender_.erase(of_sender);
  }
  alerts_.erase(pending);
}

bool PendingAlerts::hold(const EpisodeKey& key, PendingAlert pending) {
  const auto passes_at = pending.obstacle.passes_at;
  pending.obstacle = bounded(std::move(pending.obstacle));
  const auto known = alerts_.find(key);
  if (known == alerts_.end()) {
    const bool held = has_room(pending.sender, bytes_of(key, pending));
    if (held) {
      add(key, std::move(pending));
    }
    return held;
  }
  PendingAlert before = known->second;
  pending.since = before.since;
  pending.until = before.until;
  pending.next = std::min(pending.next, last_decision(passes_at, pending.until));
  erase(known);
  // A newer one for which there is no room changes nothing.
  const bool replaced = has_room(pending.sender, bytes_of(key, pending));
  add(key, replaced ? std::move(pending) : std::move(before));
  return true;
}

void PendingAlerts::set_obstacle(const EpisodeKey& key, const guards::GuardDecision& obstacle,
                                 SteadyTime now) {
  if (const auto known = alerts_.find(key); known != alerts_.end()) {
    PendingAlert pending = known->second;
    pending.obstacle = bounded(obstacle);
    pending.operation.clear();
    pending.next = next_decision(obstacle, now, pending.until);
    erase(known);
    add(key, std::move(pending));
  }
}

void PendingAlerts::accept(const EpisodeKey& key, const std::string& operation) {
  if (const auto known = alerts_.find(key); known != alerts_.end()) {
    known->second.operation = operation;
  }
}

bool PendingAlerts::remove(const EpisodeKey& key) {
  const auto known = alerts_.find(key);
  if (known == alerts_.end()) {
    return false;
  }
  erase(known);
  return true;
}

bool PendingAlerts::remove_if(const std::function<bool(const EpisodeKey&)>& concerns) {
  const std::size_t before = alerts_.size();
  for (auto pending = alerts_.begin(); pending != alerts_.end();) {
    const auto next = std::next(pending);
    if (concerns(pending->first)) {
      erase(pending);
    }
    pending = next;
  }
  return alerts_.size() < before;
}

std::vector<PendingAlerts::Due> PendingAlerts::take_due(SteadyTime now) {
  std::vector<Due> due;
  for (auto& [key, pending] : alerts_) {
    if (pending.next <= now) {
      pending.next = now + retry_interval;
      due.push_back({key, pending});
    }
  }
  return due;
}

std::optional<SteadyTime> PendingAlerts::next_due() const {
  std::optional<SteadyTime> next;
  for (const auto& [key, pending] : alerts_) {
    next = std::min(next.value_or(pending.next), pending.next);
  }
  return next;
}

bool PendingAlerts::make_due(
    const std::function<bool(const EpisodeKey&, const PendingAlert&)>& concerns, SteadyTime now) {
  bool any = false;
  for (auto& [key, pending] : alerts_) {
    if (concerns(key, pending)) {
      pending.next = std::min(pending.next, now);
      any = true;
    }
  }
  return any;
}

SteadyTime last_decision(std::optional<SteadyTime> passes_at, SteadyTime until) {
  const bool passes_soon = passes_at && *passes_at <= until + PendingAlerts::last_wait;
  return passes_soon ? std::max(until, *passes_at) : until;
}

SteadyTime next_decision(const guards::GuardDecision& obstacle, SteadyTime now, SteadyTime until) {
  const SteadyTime next = obstacle.passes_at && *obstacle.passes_at > now
                              ? *obstacle.passes_at
                              : now + PendingAlerts::retry_interval;
  return std::min(next, last_decision(obstacle.passes_at, until));
}

std::string to_text(const PendingAlerts& alerts, const records::WrittenAt& written) {
  records::Json object = records::timed_object(written);
  records::Json& list = object["alerts"] = records::Json::array();
  for (const auto& [key, pending] : alerts.all()) {
    list.push_back(to_json(key, pending));
  }
  return records::to_line(object);
}

std::optional<records::StateFile<PendingAlerts>::Parsed> parse_pending(
    std::string_view text, const records::StateClock& clock) {
  records::StateFile<PendingAlerts>::Parsed parsed;
  const bool whole = records::read_object(text, [&](JsonReader& reader) {
    const records::TimeReader times(reader, clock);
    parsed.future_dated = times.future_dated();
    reader.each_object(
        "alerts", [&](JsonReader& alert) { read_alert(alert, times, clock.now(), parsed.value); });
  });
  return whole ? std::optional(std::move(parsed)) : std::nullopt;
}

records::StateFile<PendingAlerts>::Format pending_file(const records::StateClock& clock) {
  return {.name = "pending.json",
          .content = "the list of pending alerts",
          .remedy = "They wait no longer; the next notification of each begins anew",
          .to_text = [clock](const PendingAlerts& all) { return to_text(all, clock.written_at()); },
          .parse = [clock](std::string_view text) { return parse_pending(text, clock); }};
}

}  // namespace reeve::alerts
