#include "events/event.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace reeve::events {

using base::ErrorKind;
using base::failure;
using base::parse_number;
using base::Result;
using substrate::InstanceState;

namespace {

constexpr std::string_view state_prefix = "PROCESS_STATE_";
constexpr std::string_view tick_prefix = "TICK_";

/// More than an agent's mark has; the rest of a remote communication is not used.
constexpr std::size_t max_remote_bytes = 1024;

constexpr std::array labels = {
    std::string_view("PROCESS_STATE_STARTING"),
    std::string_view("PROCESS_STATE_RUNNING"),
    std::string_view("PROCESS_STATE_BACKOFF"),
    std::string_view("PROCESS_STATE_STOPPING"),
    std::string_view("PROCESS_STATE_STOPPED"),
    std::string_view("PROCESS_STATE_EXITED"),
    std::string_view("PROCESS_STATE_FATAL"),
    std::string_view("PROCESS_STATE_UNKNOWN"),
    std::string_view("PROCESS_GROUP_ADDED"),
    std::string_view("PROCESS_GROUP_REMOVED"),
    std::string_view("SUPERVISOR_STATE_CHANGE_RUNNING"),
    std::string_view("SUPERVISOR_STATE_CHANGE_STOPPING"),
    std::string_view("TICK_5"),
    std::string_view("TICK_60"),
    std::string_view("TICK_3600"),
    std::string_view("REMOTE_COMMUNICATION"),
    std::string_view("PROCESS_LOG_STDOUT"),
    std::string_view("PROCESS_LOG_STDERR"),
    std::string_view("PROCESS_COMMUNICATION_STDOUT"),
    std::string_view("PROCESS_COMMUNICATION_STDERR"),
    std::string_view("other"),
};

tl::unexpected<base::Error> broken_header(std::string_view line) {
  return failure(ErrorKind::malformed, "supervisord sent a malformed event header: '" +
                                           base::to_utf8(line.substr(0, 200)) + "'");
}

tl::unexpected<base::Error> broken_payload(const EventHeader& header) {
  return failure(ErrorKind::malformed, "the payload of event " +
                                           std::to_string(header.serials.serial) +
                                           " is not what a " + header.type + " has");
}

/// Removes the last `label` and the value after it from `rest`; the value, or nothing.
std::optional<std::string_view> cut_last(std::string_view& rest, std::string_view label) {
  const std::size_t at = rest.rfind(label);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view value = rest.substr(at + label.size());
  rest = rest.substr(0, at);
  return value;
}

/// The `key:value` words of a payload. Names may hold a tab and other blanks, but no space.
class PayloadFields {
 public:
  explicit PayloadFields(std::string_view payload) : text_(payload) {}

  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const {
    for (std::size_t begin = 0; begin <= text_.size();) {
      const std::size_t end = std::min(text_.find(' ', begin), text_.size());
      const std::string_view word = text_.substr(begin, end - begin);
      if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == ':') {
        return word.substr(key.size() + 1);
      }
      begin = end + 1;
    }
    return std::nullopt;
  }

  template <class Number>
  [[nodiscard]] std::optional<Number> number(std::string_view key) const {
    const auto word = find(key);
    return word ? parse_number<Number>(*word) : std::nullopt;
  }

 private:
  std::string_view text_;
};

std::optional<InstanceState> state_from_name(std::string_view name) {
  const auto* const found =
      std::find_if(substrate::all_instance_states.begin(), substrate::all_instance_states.end(),
                   [&](InstanceState state) { return substrate::to_string(state) == name; });
  return found == substrate::all_instance_states.end() ? std::nullopt : std::optional(*found);
}

std::optional<StateChange> parse_state_change(InstanceState to, std::string_view payload) {
  const PayloadFields fields(payload);
  const auto name = fields.find("processname");
  const auto group = fields.find("groupname");
  const auto from = state_from_name(fields.find("from_state").value_or(""));
  if (!name || !group || !from || name->empty() || group->empty()) {
    return std::nullopt;
  }
  StateChange change;
  change.name = {std::string(*group), std::string(*name)};
  change.to = to;
  change.from = *from;
  change.tries = fields.number<std::int64_t>("tries");
  if (const auto pid = fields.number<std::int64_t>("pid"); pid && *pid > 0) {
    change.pid = substrate::Pid{*pid};
  }
  if (const auto expected = fields.number<int>("expected")) {
    change.expected = *expected != 0;
  }
  return change;
}

std::optional<GroupChange> parse_group_change(GroupChange::Kind kind, std::string_view payload) {
  constexpr std::string_view key = "groupname:";
  if (payload.ends_with('\n')) {
    payload.remove_suffix(1);
  }
  if (!payload.starts_with(key) || payload.size() == key.size()) {
    return std::nullopt;
  }
  return GroupChange{kind, std::string(payload.substr(key.size()))};
}

std::optional<Tick> parse_tick(std::chrono::seconds period, std::string_view payload) {
  // Far from the ends of what a time can hold; supervisord does not cap it at 2038.
  constexpr std::int64_t latest = std::int64_t{1} << 40U;
  const auto when = PayloadFields(payload).number<std::int64_t>("when");
  if (!when || *when < 0 || *when > latest) {
    return std::nullopt;
  }
  return Tick{period, substrate::ManagerTime(std::chrono::seconds(*when))};
}

std::optional<RemoteCommunication> parse_remote_communication(std::string_view payload) {
  constexpr std::string_view key = "type:";
  const std::size_t newline = payload.find('\n');
  if (!payload.starts_with(key) || newline == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view type = payload.substr(key.size(), newline - key.size());
  return RemoteCommunication{std::string(type.substr(0, max_remote_bytes)),
                             std::string(payload.substr(newline + 1, max_remote_bytes))};
}

template <class What>
Result<void> set(Event& event, std::optional<What> what, const EventHeader& header) {
  if (!what) {
    return broken_payload(header);
  }
  event.what = std::move(*what);
  return {};
}

Result<void> parse_payload(Event& event, const EventHeader& header, std::string_view payload) {
  const std::string_view type = header.type;
  if (type.starts_with(state_prefix)) {
    const auto to = state_from_name(type.substr(state_prefix.size()));
    return to ? set(event, parse_state_change(*to, payload), header) : Result<void>{};
  }
  if (type == "PROCESS_GROUP_ADDED" || type == "PROCESS_GROUP_REMOVED") {
    const auto kind =
        type.ends_with("ADDED") ? GroupChange::Kind::added : GroupChange::Kind::removed;
    return set(event, parse_group_change(kind, payload), header);
  }
  if (type == "REMOTE_COMMUNICATION") {
    return set(event, parse_remote_communication(payload), header);
  }
  if (type == "SUPERVISOR_STATE_CHANGE_RUNNING") {
    event.what = ManagerChange{ManagerChange::Kind::running};
  } else if (type == "SUPERVISOR_STATE_CHANGE_STOPPING") {
    event.what = ManagerChange{ManagerChange::Kind::stopping};
  } else if (type.starts_with(tick_prefix)) {
    const auto period = parse_number<std::int32_t>(type.substr(tick_prefix.size()));
    return period ? set(event, parse_tick(std::chrono::seconds(*period), payload), header)
                  : Result<void>{};
  }
  return {};
}

}  // namespace

Result<EventHeader> parse_header(std::string_view line) {
  std::string_view rest = line;
  const auto length = cut_last(rest, " len:");
  const auto type = cut_last(rest, " eventname:");
  const auto pool_serial = cut_last(rest, " poolserial:");
  const auto pool = cut_last(rest, " pool:");
  const auto serial = cut_last(rest, " serial:");
  const std::size_t server = rest.find(" server:");
  if (!length || !type || !pool_serial || !pool || !serial || type->empty() ||
      !rest.starts_with("ver:") || server == std::string_view::npos) {
    return broken_header(line);
  }
  const auto length_number = parse_number<std::uint64_t>(*length);
  const auto pool_serial_number = parse_number<std::uint64_t>(*pool_serial);
  const auto serial_number = parse_number<std::uint64_t>(*serial);
  if (!length_number || !pool_serial_number || !serial_number) {
    return broken_header(line);
  }
  EventHeader header;
  header.server = rest.substr(server + std::string_view(" server:").size());
  header.pool = *pool;
  header.type = *type;
  header.serials = {*serial_number, *pool_serial_number};
  header.length = *length_number;
  return header;
}

Result<Event> parse_event(EventHeader header, std::string_view payload) {
  Event event;
  event.serials = header.serials;
  event.what = OtherEvent{};
  if (const auto parsed = parse_payload(event, header, payload); !parsed) {
    return failure(parsed.error());
  }
  event.server = std::move(header.server);
  event.pool = std::move(header.pool);
  event.type = std::move(header.type);
  return event;
}

std::span<const std::string_view> type_labels() {
  return labels;
}

std::string_view type_label(std::string_view type) {
  const auto* const found = std::find(labels.begin(), labels.end(), type);
  return found == labels.end() ? labels.back() : *found;
}

}  // namespace reeve::events
