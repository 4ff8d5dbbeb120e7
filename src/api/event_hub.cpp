#include "api/event_hub.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/open_streams.h"
#include "api/routes.h"
#include "api/transitions.h"
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

constexpr StreamKind event_streams{
    .name = "event streams",
    .scope = Scope::read,
    .places = EventHub::max_subscribers,
    .full = "too_many_listeners",
    .last_word =
        "event: end\ndata: {\"reason\":\"the configuration no longer grants this stream, or its"
        " session is over\"}\n\n"};

std::string event_text(std::uint64_t id, std::string_view type, std::string_view data) {
  std::string text = "id: " + std::to_string(id) + "\nevent: ";
  return text.append(type).append("\ndata: ").append(data).append("\n\n");
}

/// A transition is seen no later than this after the end of the operation that caused it.
constexpr std::chrono::minutes max_delay{1};

struct Change {
  std::string_view type;  ///< "supervisor" or "process"
  nlohmann::ordered_json data;
  std::optional<guards::Target> about;
  std::optional<monitor::PastTransition> transition = std::nullopt;  ///< of a process
};

std::string data_of(const Change& change, const std::vector<control::Operation>& operations) {
  if (!change.transition) {
    return json::to_text(change.data);
  }
  nlohmann::ordered_json data = change.data;
  data["from"] = substrate::to_string(change.transition->from);
  data["transition"] = transition_json(*change.transition, *change.about, operations);
  return json::to_text(data);
}

std::vector<guards::Target> targets_of(const std::optional<guards::Target>& target) {
  return target ? std::vector{*target} : std::vector<guards::Target>();
}

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
      add({"supervisor", json::to_json(after), std::nullopt});
    }
    if (before.snapshot_at && after.snapshot_at) {
      compare(after, before.processes, after.processes);
    }
  }

  /// Both lists are ordered by name.
  void compare(const SupervisorSnapshot& supervisor, const monitor::ProcessList& before,
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

  /// Each transition is a change of its own; what has become known since is one without.
  void compare(const SupervisorSnapshot& supervisor, const ProcessSnapshot& before,
               const ProcessSnapshot& after) {
    if (&before == &after) {
      return;
    }
    const auto transitions = transitions_since(before, after);
    if (transitions.empty() && !shows_the_same(before, after)) {
      add_process("changed", supervisor, after);
      changes_.back().data["from"] = substrate::to_string(before.detail.state);
      changes_.back().data["transition"] = nullptr;
    }
    for (const monitor::PastTransition& each : transitions) {
      if (is_full()) {
        return;
      }
      add_process("changed", supervisor, after);
      changes_.back().transition = each;
    }
  }

  static std::span<const monitor::PastTransition> transitions_since(const ProcessSnapshot& before,
                                                                    const ProcessSnapshot& after) {
    if (!before.past || !after.past || after.past->count <= before.past->count) {
      return {};
    }
    const auto added = static_cast<std::size_t>(after.past->count - before.past->count);
    const std::span<const monitor::PastTransition> all = after.past->transitions;
    return all.last(std::min(added, all.size()));
  }

  static bool shows_the_same(const ProcessSnapshot& before, const ProcessSnapshot& after) {
    const auto& old = before.detail;
    const auto& current = after.detail;
    return old.state == current.state && old.pid == current.pid &&
           old.start_time == current.start_time && old.spawn_error == current.spawn_error &&
           before.exit_status == after.exit_status && before.exit_signal == after.exit_signal;
  }

  void add_process(std::string_view change, const SupervisorSnapshot& supervisor,
                   const ProcessSnapshot& process) {
    nlohmann::ordered_json data;
    data["change"] = change;
    data["process"] = json::to_json(supervisor, process);
    add({"process", std::move(data), guards::Target{supervisor.name, process.detail.name}});
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
    : clock_(clock),
      state_(
          State{.last_id = first_id(clock), .kept = {}, .subscribers = {}, .snapshot = nullptr}) {}

void EventHub::find_operations(
    std::function<std::vector<control::Operation>(base::SystemTime)> unfinished_at) {
  unfinished_at_ = std::move(unfinished_at);
}

void EventHub::publish(const std::shared_ptr<const monitor::Snapshot>& snapshot) {
  const auto before =
      state_.with([&](State& state) { return std::exchange(state.snapshot, snapshot); });
  if (!before) {
    return;
  }
  std::vector<NewEvent> events;
  const auto changes = SnapshotComparison(max_at_once + 1).compare(*before, *snapshot);
  const bool has_transitions = std::any_of(changes.begin(), changes.end(), [](const Change& each) {
    return each.transition.has_value();
  });
  const auto operations = has_transitions && unfinished_at_
                              ? unfinished_at_(clock_.system_now() - max_delay)
                              : std::vector<control::Operation>();
  events.reserve(changes.size());
  for (const Change& change : changes) {
    events.push_back({.type = change.type,
                      .data = data_of(change, operations),
                      .about = targets_of(change.about)});
  }
  publish_together(events);
}

void EventHub::publish(const control::Operation& operation) {
  const NewEvent event{.type = "operation",
                       .data = json::to_text(json::to_json(operation)),
                       .about = operation.command.targets()};
  state_.with([&](State& state) { state.send(event); });
}

void EventHub::publish(const std::vector<control::AuditEntry>& entries) {
  std::vector<NewEvent> events;
  for (const control::AuditEntry& entry : entries) {
    if (entry.kind == control::AuditKind::decision && events.size() <= max_at_once) {
      events.push_back({.type = "decision",
                        .data = json::to_text(json::to_json(entry)),
                        .about = targets_of(entry.target),
                        .may_be_about_any = !entry.target});
    }
  }
  publish_together(events);
}

void EventHub::publish_together(const std::vector<NewEvent>& events) {
  state_.with([&](State& state) {
    if (events.size() > max_at_once) {
      state.send({.type = "reset", .data = std::string(too_many_events), .about = {}});
      return;
    }
    for (const NewEvent& event : events) {
      state.send(event);
    }
  });
}

http::ResponseStream EventHub::subscribe(std::optional<std::uint64_t> after,
                                         std::function<bool(const guards::Target&)> may_read) {
  http::StreamOptions options;
  options.max_waiting = max_waiting;
  options.heartbeat = ":\n\n";
  http::ResponseStream stream = http::make_stream(options);
  state_.with([&](State& state) {
    auto& subscribers = state.subscribers;
    std::erase_if(subscribers, [](const Subscriber& each) { return !each.writer.is_open(); });
    subscribers.push_back({stream.writer, std::move(may_read)});
    stream.writer.write(state.first_bytes(subscribers.back(), after));
  });
  return stream;
}

void EventHub::State::send(const NewEvent& event) {
  ++last_id;
  kept.push_back({.id = last_id,
                  .text = event_text(last_id, event.type, event.data),
                  .about = event.about,
                  .may_be_about_any = event.may_be_about_any});
  if (kept.size() > max_kept) {
    kept.pop_front();
  }
  for (const Subscriber& subscriber : subscribers) {
    if (subscriber.receives(kept.back())) {
      subscriber.writer.write(kept.back().text);
    }
  }
}

/// An id without data is no event, but the client sends it when it reconnects.
std::string EventHub::State::first_bytes(const Subscriber& subscriber,
                                         std::optional<std::uint64_t> after) const {
  const std::uint64_t before_oldest = last_id - kept.size();
  if (!after) {
    return "id: " + std::to_string(last_id) + "\n\n";
  }
  if (*after < before_oldest || *after > last_id) {
    return event_text(last_id, "reset", missed_events);
  }
  std::string missed = "id: " + std::to_string(*after) + "\n\n";
  for (const KeptEvent& event : kept) {
    if (event.id > *after && subscriber.receives(event)) {
      missed += event.text;
    }
  }
  return missed;
}

EndpointResult stream_events(const RequestContext& context) {
  const auto last = context.request.header("Last-Event-ID");
  // An id that is no number is treated like one that is no longer kept: the client gets a reset.
  const auto after =
      last ? std::optional(base::parse_number<std::uint64_t>(*last).value_or(0)) : std::nullopt;
  http::ResponseStream stream = context.deps.events->subscribe(after, context.reads());
  if (auto placed = context.open_stream(event_streams, stream.writer); !placed) {
    return tl::unexpected(std::move(placed.error()));
  }
  http::Response response = make_response(200, "text/event-stream", "");
  response.body = std::move(stream.reader);
  return response;
}

}  // namespace reeve::api
