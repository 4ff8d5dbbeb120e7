#include "api/request_body.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace reeve::api {
namespace {

using Json = nlohmann::json;

using Taken = tl::expected<void, Problem>;

constexpr std::size_t max_depth = 4;
constexpr std::size_t max_reason_bytes = 1024;
constexpr std::size_t max_signal_bytes = 32;
constexpr std::size_t max_name_bytes = 1024;
constexpr std::size_t max_duration_bytes = 32;

tl::unexpected<Problem> malformed(std::string detail) {
  return tl::unexpected(malformed_request(std::move(detail)));
}

tl::unexpected<Problem> invalid(std::string detail) {
  return tl::unexpected(invalid_request(std::move(detail)));
}

/// Where a text stops being JSON.
std::string place_of_error(std::string_view text) {
  try {
    [[maybe_unused]] const Json parsed = Json::parse(text);
    return "";
  } catch (const Json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte == 0 ? 0 : error.byte - 1);
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    return ": see line " + std::to_string(std::count(before.begin(), before.end(), '\n') + 1) +
           ", column " + std::to_string(before.size() - line_begin + 1);
  } catch (const Json::exception&) {
    return "";  // a number that is out of range has no place
  }
}

tl::expected<Json, Problem> read_object(std::string_view text,
                                        std::size_t max_bytes = max_body_bytes) {
  if (text.size() > max_bytes) {
    return tl::unexpected(
        Problem{.status = 413,
                .type = "too_large",
                .detail = "the body is longer than " + std::to_string(max_bytes) + " bytes"});
  }
  if (text.empty()) {
    return Json::object();
  }
  if (base::is_nested_beyond(text, max_depth)) {
    return malformed("the body is nested too deeply");
  }
  std::string repeated;
  std::set<std::string> members;
  const auto inspect = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !members.insert(parsed.get_ref<const std::string&>()).second) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  Json object = Json::parse(text, inspect, false);
  if (object.is_discarded()) {
    return malformed("the body is not JSON" + place_of_error(text));
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

Taken take_texts(const std::string& name, const Json& value, std::size_t max_count,
                 std::vector<std::string>& texts) {
  if (!value.is_array() || value.empty() || value.size() > max_count) {
    return invalid("'" + name + "' is an array of 1 to " + std::to_string(max_count) + " names");
  }
  for (const Json& each : value) {
    if (Taken taken = take_text(name, each, max_name_bytes, texts.emplace_back()); !taken) {
      return taken;
    }
  }
  return {};
}

Taken take_batch_action(const Json& value, guards::Action& action) {
  for (const guards::Action each :
       {guards::Action::start, guards::Action::stop, guards::Action::restart}) {
    if (value.is_string() && value.get_ref<const std::string&>() == to_string(each)) {
      action = each;
      return {};
    }
  }
  return invalid("'action' is start, stop or restart");
}

Taken take_batch_member(const std::string& name, const Json& value, BatchBody& body) {
  if (name == "action") {
    return take_batch_action(value, body.action);
  }
  if (name == "processes") {
    return take_texts(name, value, BatchBody::max_processes, body.processes);
  }
  if (name == "rolling") {
    return take_flag(name, value, body.rolling);
  }
  if (name == "dry_run") {
    return take_flag(name, value, body.dry_run);
  }
  if (name == "reason") {
    return take_text(name, value, max_reason_bytes, body.reason);
  }
  return malformed("'" + name +
                   "' is not known: the members are action, processes, rolling, reason and"
                   " dry_run");
}

Taken take_update_member(const std::string& name, const Json& value, UpdateBody& body) {
  if (name == "groups") {
    return take_texts(name, value, UpdateBody::max_groups, body.groups);
  }
  if (name == "supervisor") {
    return take_text(name, value, max_name_bytes, body.supervisor.emplace());
  }
  if (name == "dry_run") {
    return take_flag(name, value, body.dry_run);
  }
  if (name == "reason") {
    return take_text(name, value, max_reason_bytes, body.reason);
  }
  return malformed("'" + name +
                   "' is not known: the members are groups, supervisor, reason and dry_run");
}

Taken take_duration(const std::string& name, const Json& value, base::Duration& into) {
  if (value.is_number()) {
    return invalid("'" + name + "': expected a duration such as \"2h\", found " + value.dump());
  }
  std::string text;
  if (Taken taken = take_text(name, value, max_duration_bytes, text); !taken) {
    return taken;
  }
  const auto duration = base::parse_duration(text);
  if (!duration) {
    return invalid("'" + name + "': " + duration.error().message);
  }
  into = *duration;
  return {};
}

Taken take_limit_member(const std::string& name, const Json& value, coordination::Limit& limit) {
  if (name == "at_once") {
    if (!value.is_number_unsigned() ||
        value.get<std::uint64_t>() > coordination::Limit::max_count) {
      return invalid("'at_once' is a number from 1 to 1000");
    }
    limit.at_once = value.get<unsigned>();
    return {};
  }
  if (name == "hold_failed") {
    return take_duration(name, value, limit.hold_failed);
  }
  if (name != "budget") {
    return malformed("'" + name +
                     "' is not known: the members are at_once, budget and hold_failed");
  }
  if (value.is_null()) {
    return {};
  }
  std::string text;
  if (Taken taken = take_text(name, value, max_duration_bytes, text); !taken) {
    return taken;
  }
  const auto budget = coordination::parse_budget(text);
  if (!budget) {
    return invalid("'budget': " + budget.error().message);
  }
  limit.budget = *budget;
  return {};
}

Taken take_maintenance_member(const std::string& name, const Json& value, MaintenanceBody& body) {
  if (name == "ttl") {
    return take_duration(name, value, body.ttl);
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

tl::expected<BatchBody, Problem> read_batch_body(std::string_view text) {
  return read_object(text, max_batch_body_bytes)
      .and_then([](const Json& object) -> tl::expected<BatchBody, Problem> {
        for (const char* member : {"action", "processes"}) {
          if (!object.contains(member)) {
            return invalid("'" + std::string(member) + "' is missing");
          }
        }
        return read_members<BatchBody>(object, take_batch_member);
      });
}

tl::expected<UpdateBody, Problem> read_update_body(std::string_view text) {
  return read_object(text, max_batch_body_bytes).and_then([](const Json& object) {
    return read_members<UpdateBody>(object, take_update_member);
  });
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

tl::expected<coordination::Limit, Problem> read_limit_body(std::string_view text) {
  return read_object(text).and_then(
      [](const Json& object) -> tl::expected<coordination::Limit, Problem> {
        if (!object.contains("at_once")) {
          return invalid("'at_once' is missing: how many hosts may act at the same time");
        }
        auto limit = read_members<coordination::Limit>(object, take_limit_member);
        const auto checked = limit ? check(*limit) : base::Result<void>();
        return checked ? std::move(limit) : invalid(checked.error().message);
      });
}

tl::expected<void, Problem> read_reset_body(std::string_view text) {
  return read_object(text).and_then([](const Json& object) -> Taken {
    return object.empty() ? Taken() : malformed("a reset takes no members");
  });
}

}  // namespace reeve::api
