#include "api/action_body.h"

#include <utility>

#include "api/json_body.h"

namespace reeve::api {
namespace {

using nlohmann::json;

constexpr std::size_t max_reason_bytes = 1024;
constexpr std::size_t max_signal_bytes = 32;

tl::unexpected<Problem> malformed(std::string detail) {
  return tl::unexpected(malformed_request(std::move(detail)));
}

tl::unexpected<Problem> senseless(std::string detail) {
  return tl::unexpected(senseless_request(std::move(detail)));
}

tl::expected<void, Problem> take_flag(const std::string& name, const json& value, bool& flag) {
  if (!value.is_boolean()) {
    return senseless("'" + name + "' is true or false");
  }
  flag = value.get<bool>();
  return {};
}

tl::expected<void, Problem> take_text(const std::string& name, const json& value,
                                      std::size_t max_bytes, std::string& text) {
  return text_member(name, value, max_bytes).map([&](std::string given) {
    text = std::move(given);
  });
}

tl::expected<void, Problem> take_incarnation(const json& value, ActionBody& body) {
  const auto incarnation = value.is_string()
                               ? substrate::Incarnation::parse(value.get_ref<const std::string&>())
                               : base::failure(base::ErrorKind::invalid_argument,
                                               "an incarnation is a text \"pid:start\"");
  if (!incarnation) {
    return senseless("'if_incarnation': " + incarnation.error().message);
  }
  body.if_incarnation = *incarnation;
  return {};
}

tl::expected<void, Problem> take(const std::string& name, const json& value, ActionBody& body) {
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

tl::expected<ActionBody, Problem> checked(ActionBody body, guards::Action action) {
  const bool signals = action == guards::Action::signal;
  if (signals && body.signal.empty()) {
    return senseless("'signal' is missing: the name of the signal to send, like HUP");
  }
  if (!signals && !body.signal.empty()) {
    return senseless("'signal' goes with the action signal alone");
  }
  if (!body.wait && action != guards::Action::stop) {
    return senseless("'wait' can be false for a stop alone");
  }
  if (body.rolling) {
    return senseless("'rolling' goes with a group alone");
  }
  return body;
}

tl::expected<ActionBody, Problem> checked_for_group(ActionBody body) {
  if (!body.wait || !body.signal.empty() || body.if_incarnation) {
    return senseless("'wait', 'signal' and 'if_incarnation' go with one process alone");
  }
  return body;
}

tl::expected<ActionBody, Problem> read_body(std::string_view text) {
  ActionBody body;
  const auto object = read_json_object(text);
  if (!object) {
    return tl::unexpected(object.error());
  }
  for (const auto& [name, value] : object->items()) {
    if (const auto taken = take(name, value, body); !taken) {
      return tl::unexpected(taken.error());
    }
  }
  return body;
}

}  // namespace

tl::expected<ActionBody, Problem> read_action_body(std::string_view text, guards::Action action) {
  return read_body(text).and_then(
      [&](ActionBody body) { return checked(std::move(body), action); });
}

tl::expected<ActionBody, Problem> read_group_body(std::string_view text) {
  return read_body(text).and_then(checked_for_group);
}

}  // namespace reeve::api
