#include "api/event_hub.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/snapshot_changes.h"
#include "json/json.h"

namespace reeve::api {
namespace {

constexpr std::size_t max_waiting = std::size_t{512} * 1024;
constexpr std::string_view everything_anew =
    R"({"reason":"what happened before is not known here: read everything anew"})";
constexpr std::string_view too_many_changes =
    R"({"reason":"too much changed at once: read everything anew"})";

/// Ids count microseconds: nothing comes that often for long, so a later run begins with larger.
std::uint64_t first_id(const base::Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::microseconds>(clock.system_now());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
}

std::string event_text(std::uint64_t id, std::string_view type, std::string_view data) {
  std::string text = "id: " + std::to_string(id) + "\nevent: ";
  return text.append(type).append("\ndata: ").append(data).append("\n\n");
}

}  // namespace

EventHub::EventHub(const base::Clock& clock) : state_(State{first_id(clock), {}, {}, nullptr}) {}

void EventHub::publish(const std::shared_ptr<const monitor::Snapshot>& snapshot) {
  const auto before =
      state_.with([&](State& state) { return std::exchange(state.snapshot, snapshot); });
  if (!before) {
    return;
  }
  std::vector<Told> events;
  for (const Change& change : changes_between(*before, *snapshot, max_at_once + 1)) {
    events.push_back({change.type, json::to_text(change.data)});
  }
  tell_together(events);
}

void EventHub::publish(const control::Operation& operation) {
  const std::string data = json::to_text(json::to_json(operation));
  state_.with([&](State& state) { state.tell("operation", data); });
}

void EventHub::publish(const std::vector<control::AuditEntry>& entries) {
  std::vector<Told> events;
  for (const control::AuditEntry& entry : entries) {
    if (entry.kind == control::AuditKind::decision && events.size() <= max_at_once) {
      events.push_back({"decision", json::to_text(json::to_json(entry))});
    }
  }
  tell_together(events);
}

void EventHub::tell_together(const std::vector<Told>& events) {
  state_.with([&](State& state) {
    if (events.size() > max_at_once) {
      state.tell("reset", too_many_changes);
      return;
    }
    for (const Told& event : events) {
      state.tell(event.type, event.data);
    }
  });
}

std::shared_ptr<http::StreamReader> EventHub::listen(std::optional<std::uint64_t> after) {
  http::StreamOptions options;
  options.max_waiting = max_waiting;
  options.heartbeat = ":\n\n";
  http::ResponseStream stream = http::make_stream(options);
  const bool welcome = state_.with([&](State& state) {
    auto& listeners = state.listeners;
    listeners.erase(
        std::remove_if(listeners.begin(), listeners.end(),
                       [](const http::StreamWriter& writer) { return !writer.is_open(); }),
        listeners.end());
    if (listeners.size() >= max_listeners) {
      return false;
    }
    stream.writer.write(state.greeting(after));
    listeners.push_back(stream.writer);
    return true;
  });
  return welcome ? std::move(stream.reader) : nullptr;
}

void EventHub::State::tell(std::string_view type, std::string_view data) {
  kept.push_back({++last_id, event_text(last_id, type, data)});
  if (kept.size() > max_kept) {
    kept.pop_front();
  }
  for (const http::StreamWriter& listener : listeners) {
    listener.write(kept.back().text);
  }
}

std::string EventHub::State::greeting(std::optional<std::uint64_t> after) const {
  const std::uint64_t before_oldest = last_id - kept.size();
  if (!after) {
    return "id: " + std::to_string(last_id) + "\n\n";  // from where to resume: not an event
  }
  if (*after < before_oldest || *after > last_id) {
    return event_text(last_id, "reset", everything_anew);
  }
  std::string missed = "id: " + std::to_string(*after) + "\n\n";
  for (const Event& event : kept) {
    missed += event.id > *after ? std::string_view(event.text) : std::string_view();
  }
  return missed;
}

}  // namespace reeve::api
