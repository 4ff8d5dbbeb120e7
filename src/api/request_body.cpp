#include "api/request_body.h"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace reeve::api {
namespace {

using Json = nlohmann::json;

using Taken = tl::expected<void, Problem>;

constexpr int max_depth = 4;
constexpr std::size_t max_reason_bytes = 1024;
constexpr std::size_t max_signal_bytes = 32;
constexpr std::size_t max_ttl_bytes = 32;

tl::unexpected<Problem> malformed(std::string detail) {
  return tl::unexpected(malformed_request(std::move(detail)));
}

tl::unexpected<Problem> invalid(std::string detail) {
  return tl::unexpected(invalid_request(std::move(detail)));
}

tl::expected<Json, Problem> read_object(std::string_view text) {
  if (text.size() > max_body_bytes) {
    return tl::unexpected(
        Problem{.status = 413,
                .type = "too_large",
                .detail = "the body is longer than " + std::to_string(max_body_bytes) + " bytes"});
  }
  if (text.empty()) {
    return Json::object();
  }
  bool too_deep = false;
  std::string repeated;
  std::set<std::string> members;
  const auto inspect = [&](int depth, Json::parse_event_t event, Json& parsed) {
    too_deep = too_deep || depth > max_depth;
    if (event == Json::parse_event_t::key && depth == 1 &&
        !members.insert(parsed.get_ref<const std::string&>()).second) {
      repeated = parsed.get<std::string>();
    }
    return !too_deep;
  };
  Json object = Json::parse(text, inspect, false);
  if (too_deep) {
    return malformed("the body is nested too deeply");
  }
  if (object.is_discarded()) {
    return malformed("the body is not JSON");
  }
  if (!object.is_object()) {
    return malformed("the body is JSON but not an object");
  }
  if (!repeated.empty()) {
    return malformed("'" + repeated + "' is given twice");
  }
  return object;
}

/// The object's members, each taken by `take(name, value, body)`.
template <class Body, class Take>
tl::expected<Body, Problem> read_members(const Json& object, const Take& take) {
  Body body;
  for (const auto& [name, value] : object.items()) {
    if (const Taken taken = take(name, value, body); !taken) {
      return tl::unexpected(taken.error());
    }
  }
  return body;
}

Taken take_flag(const std::string& name, const Json& value, bool& flag) {
  if (!value.is_boolean()) {
    return invalid("'" + name + "' is true or false");
  }
  flag = value.get<bool>();
  return {};
}

Taken take_text(const std::string& name, const Json& value, std::size_t max_bytes,
                std::string& text) {
  if (!value.is_string() || value.get_ref<const std::string&>().size() > max_bytes) {
    return invalid("'" + name + "' is a text of at most " + std::to_string(max_bytes) + " bytes");
  }
  text = value.get<std::string>();
  return {};
}

Taken take_incarnation(const Json& value, ActionBody& body) {
  const auto incarnation = value.is_string()
                               ? substrate::Incarnation::parse(value.get_ref<const std::string&>())
                               : base::failure(base::ErrorKind::invalid_argument,
                                               "an incarnation is a text \"pid:start\"");
  if (!incarnation) {
    return invalid("'if_incarnation': " + incarnation.error().message);
  }
  body.if_incarnation = *incarnation;
  return {};
}

Taken take_action_member(const std::string& name, const Json& value, ActionBody& body) {
  if (name == "wait") {
    return take_flag(name, value, body.wait);
  }
  if (name == "dry_run") {
    return take_flag(name, value, body.dry_run);
  }
  if (name == "rolling") {
    return take_flag(name, value, body.rolling.emplace());
  }
  if (name == "reason") {
    return take_text(name, value, max_reason_bytes, body.reason);
  }
  if (name == "signal") {
    return take_text(name, value, max_signal_bytes, body.signal);
  }
  if (name == "if_incarnation") {
    return take_incarnation(value, body);
  }
  return malformed("'" + name +
                   "' is not known: the members are wait, signal, reason, dry_run,"
                   " if_incarnation and rolling");
}

tl::expected<ActionBody, Problem> check_for_process(ActionBody body, guards::Action action) {
  const bool is_signal = action == guards::Action::signal;
  if (is_signal && body.signal.empty()) {
    return invalid("'signal' is missing: the name of the signal to send, like HUP");
  }
  if (!is_signal && !body.signal.empty()) {
    return invalid("'signal' goes with the action signal alone");
  }
  if (!body.wait && action != guards::Action::stop) {
    return invalid("'wait' can be false for a stop alone");
  }
  if (body.rolling) {
    return invalid("'rolling' goes with a group alone");
  }
  return body;
}

tl::expected<ActionBody, Problem> check_for_group(ActionBody body) {
  if (!body.wait || !body.signal.empty() || body.if_incarnation) {
    return invalid("'wait', 'signal' and 'if_incarnation' go with one process alone");
  }
  return body;
}

tl::expected<ActionBody, Problem> read_action_members(std::string_view text) {
  return read_object(text).and_then(
      [](const Json& object) { return read_members<ActionBody>(object, take_action_member); });
}

Taken take_ttl(const Json& value, base::Duration& ttl) {
  std::string text;
  if (const Taken taken = take_text("ttl", value, max_ttl_bytes, text); !taken) {
    return taken;
  }
  const auto duration = base::parse_duration(text);
  if (!duration) {
    return invalid("'ttl': " + duration.error().message);
  }
  ttl = *duration;
  return {};
}

Taken take_maintenance_member(const std::string& name, const Json& value, MaintenanceBody& body) {
  if (name == "ttl") {
    return take_ttl(value, body.ttl);
  }
  if (name == "reason") {
    return take_text(name, value, max_reason_bytes, body.reason);
  }
  return malformed("'" + name + "' is not known: the members are ttl and reason");
}

}  // namespace

tl::expected<ActionBody, Problem> read_action_body(std::string_view text, guards::Action action) {
  return read_action_members(text).and_then(
      [&](ActionBody body) { return check_for_process(std::move(body), action); });
}

tl::expected<ActionBody, Problem> read_group_body(std::string_view text) {
  return read_action_members(text).and_then(check_for_group);
}

tl::expected<MaintenanceBody, Problem> read_maintenance_body(std::string_view text) {
  return read_object(text).and_then(
      [](const Json& object) -> tl::expected<MaintenanceBody, Problem> {
        if (!object.contains("ttl")) {
          return invalid("'ttl' is missing: maintenance ends by itself, after a span like 2h");
        }
        return read_members<MaintenanceBody>(object, take_maintenance_member);
      });
}

tl::expected<void, Problem> read_reset_body(std::string_view text) {
  return read_object(text).and_then([](const Json& object) -> Taken {
    return object.empty() ? Taken() : malformed("a reset takes no members");
  });
}

}  // namespace reeve::api
