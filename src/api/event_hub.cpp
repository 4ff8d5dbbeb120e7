#include "api/event_hub.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/routes.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {

using monitor::ProcessSnapshot;
using monitor::SupervisorSnapshot;

namespace {

constexpr std::size_t max_waiting = std::size_t{512} * 1024;
constexpr std::string_view missed_events =
    R"({"reason":"what happened before is not known here: read everything anew"})";
constexpr std::string_view too_many_events =
    R"({"reason":"too much changed at once: read everything anew"})";

/// Ids begin with the time in microseconds, so that a later run of the agent begins with larger
/// ones: events are rarer than one each microsecond.
std::uint64_t first_id(const base::Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::microseconds>(clock.system_now());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
}

std::string event_text(std::uint64_t id, std::string_view type, std::string_view data) {
  std::string text = "id: " + std::to_string(id) + "\nevent: ";
  return text.append(type).append("\ndata: ").append(data).append("\n\n");
}

struct Change {
  std::string_view type;  ///< "supervisor" or "process"
  nlohmann::ordered_json data;
};

/// Collects at most `limit` changes between two snapshots. The processes of a supervisord that is
/// read for the first time did not appear then, and while it cannot be read they do not vanish.
class SnapshotComparison {
 public:
  explicit SnapshotComparison(std::size_t limit) : limit_(limit) {}

  [[nodiscard]] std::vector<Change> compare(const monitor::Snapshot& before,
                                            const monitor::Snapshot& after) {
    for (const SupervisorSnapshot& supervisor : after.supervisors) {
      if (const SupervisorSnapshot* const old = before.find(supervisor.name)) {
        compare(*old, supervisor);
      }
    }
    return std::move(changes_);
  }

 private:
  void compare(const SupervisorSnapshot& before, const SupervisorSnapshot& after) {
    if (before.up != after.up || before.shutting_down != after.shutting_down ||
        before.pid != after.pid) {
      add({"supervisor", json::to_json(after)});
    }
    if (before.snapshot_at && after.snapshot_at) {
      compare(after.name, before.processes, after.processes);
    }
  }

  /// Both lists are ordered by name.
  void compare(const std::string& supervisor, const monitor::ProcessList& before,
               const monitor::ProcessList& after) {
    auto old = before.begin();
    auto current = after.begin();
    while (!is_full() && (old != before.end() || current != after.end())) {
      const bool vanished = current == after.end() ||
                            (old != before.end() && old->detail.name < current->detail.name);
      const bool appeared =
          !vanished && (old == before.end() || current->detail.name < old->detail.name);
      if (vanished) {
        add_process("vanished", supervisor, *old++);
      } else if (appeared) {
        add_process("appeared", supervisor, *current++);
      } else {
        compare(supervisor, *old++, *current++);
      }
    }
  }

  void compare(const std::string& supervisor, const ProcessSnapshot& before,
               const ProcessSnapshot& after) {
    const auto& old = before.detail;
    const auto& current = after.detail;
    const bool is_same =
        &before == &after || (old.state == current.state && old.pid == current.pid &&
                              old.start_time == current.start_time);
    if (!is_same) {
      add_process("changed", supervisor, after);
      changes_.back().data["from"] = substrate::to_string(old.state);
    }
  }

  void add_process(std::string_view change, const std::string& supervisor,
                   const ProcessSnapshot& process) {
    nlohmann::ordered_json data;
    data["change"] = change;
    data["process"] = json::to_json(supervisor, process);
    add({"process", std::move(data)});
  }
  void add(Change change) {
    if (!is_full()) {
      changes_.push_back(std::move(change));
    }
  }
  [[nodiscard]] bool is_full() const { return changes_.size() >= limit_; }

  std::size_t limit_;
  std::vector<Change> changes_;
};

}  // namespace

EventHub::EventHub(const base::Clock& clock)
    : state_(
          State{.last_id = first_id(clock), .kept = {}, .subscribers = {}, .snapshot = nullptr}) {}

void EventHub::publish(const std::shared_ptr<const monitor::Snapshot>& snapshot) {
  const auto before =
      state_.with([&](State& state) { return std::exchange(state.snapshot, snapshot); });
  if (!before) {
    return;
  }
  std::vector<NewEvent> events;
  for (const Change& change : SnapshotComparison(max_at_once + 1).compare(*before, *snapshot)) {
    events.push_back({.type = change.type, .data = json::to_text(change.data)});
  }
  publish_together(events);
}

void EventHub::publish(const control::Operation& operation) {
  const std::string data = json::to_text(json::to_json(operation));
  state_.with([&](State& state) { state.send("operation", data); });
}

void EventHub::publish(const std::vector<control::AuditEntry>& entries) {
  std::vector<NewEvent> events;
  for (const control::AuditEntry& entry : entries) {
    if (entry.kind == control::AuditKind::decision && events.size() <= max_at_once) {
      events.push_back({.type = "decision", .data = json::to_text(json::to_json(entry))});
    }
  }
  publish_together(events);
}

void EventHub::publish_together(const std::vector<NewEvent>& events) {
  state_.with([&](State& state) {
    if (events.size() > max_at_once) {
      state.send("reset", too_many_events);
      return;
    }
    for (const NewEvent& event : events) {
      state.send(event.type, event.data);
    }
  });
}

std::shared_ptr<http::StreamReader> EventHub::subscribe(std::optional<std::uint64_t> after) {
  http::StreamOptions options;
  options.max_waiting = max_waiting;
  options.heartbeat = ":\n\n";
  http::ResponseStream stream = http::make_stream(options);
  const bool subscribed = state_.with([&](State& state) {
    auto& subscribers = state.subscribers;
    std::erase_if(subscribers, [](const http::StreamWriter& writer) { return !writer.is_open(); });
    if (subscribers.size() >= max_subscribers) {
      return false;
    }
    stream.writer.write(state.first_bytes(after));
    subscribers.push_back(stream.writer);
    return true;
  });
  return subscribed ? std::move(stream.reader) : nullptr;
}

void EventHub::State::send(std::string_view type, std::string_view data) {
  kept.push_back({.id = ++last_id, .text = event_text(last_id, type, data)});
  if (kept.size() > max_kept) {
    kept.pop_front();
  }
  for (const http::StreamWriter& subscriber : subscribers) {
    subscriber.write(kept.back().text);
  }
}

/// An id without data is no event, but the client sends it when it reconnects.
std::string EventHub::State::first_bytes(std::optional<std::uint64_t> after) const {
  const std::uint64_t before_oldest = last_id - kept.size();
  if (!after) {
    return "id: " + std::to_string(last_id) + "\n\n";
  }
  if (*after < before_oldest || *after > last_id) {
    return event_text(last_id, "reset", missed_events);
  }
  std::string missed = "id: " + std::to_string(*after) + "\n\n";
  for (const KeptEvent& event : kept) {
    missed += event.id > *after ? std::string_view(event.text) : std::string_view();
  }
  return missed;
}

EndpointResult stream_events(const RequestContext& context) {
  const auto last = context.request.header("Last-Event-ID");
  // An id that is no number is treated like one that is no longer kept: the client gets a reset.
  const auto after =
      last ? std::optional(base::parse_number<std::uint64_t>(*last).value_or(0)) : std::nullopt;
  auto reader = context.deps.events->subscribe(after);
  if (!reader) {
    return tl::unexpected(Problem{.status = 503,
                                  .type = "too_many_listeners",
                                  .detail = "as many listen to events as may, " +
                                            std::to_string(EventHub::max_subscribers) + ": end one",
                                  .headers = {{"Retry-After", "10"}}});
  }
  http::Response response = make_response(200, "text/event-stream", "");
  response.body = std::move(reader);
  return response;
}

}  // namespace reeve::api
