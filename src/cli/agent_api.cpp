#include "cli/agent_api.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "http/grammar.h"

namespace reeve::cli {
namespace {

using base::ErrorKind;
using nlohmann::ordered_json;

constexpr std::size_t max_depth = 16;
constexpr std::string_view type_prefix = "urn:reeve:problem:";

/// Where the problem's type says no more.
ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 409:
    case 421:
    case 429:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 400:
    case 413:
    case 415:
    case 422:
      return ErrorKind::invalid_argument;
    case 412:
      return ErrorKind::stale;
    case 501:
      return ErrorKind::not_implemented;
    case 503:
      return ErrorKind::fault;
    case 504:
      return ErrorKind::timeout;
    default:
      return ErrorKind::internal;
  }
}

/// The words of supervisord's errors are the kinds' own.
std::optional<ErrorKind> kind_of_word(std::string_view word) {
  const auto found = std::find_if(base::all_error_kinds.begin(), base::all_error_kinds.end(),
                                  [&](ErrorKind kind) { return to_string(kind) == word; });
  return found == base::all_error_kinds.end() ? std::nullopt : std::optional(*found);
}

/// What to do about a status, where the agent's own message does not say it. `is_problem`: the
/// answer is of a control listener.
std::string hint_for(int status, const std::string& word, bool is_problem, bool with_token) {
  switch (status) {
    case 401:
      return with_token ? ": this token is not in its control.tokens"
                        : ": it needs a token, --token-file FILE or REEVE_TOKEN_FILE";
    case 403:  // other words' messages name what stands in the way: control.deny, control.signals
      return word.empty() || word == "missing_scope" ? ": use another token, see control.tokens"
                                                     : "";
    case 404:
    case 405:
      return is_problem ? ""
                        : ": is this the metrics listener? The control listener is control.listen, "
                          "19002 by default";
    default:
      return status >= 300 && status < 400 ? ": is this an agent's control listener?" : "";
  }
}

/// A discarded value if the body is not JSON or is nested deeper than an agent's responses.
ordered_json parse_body(const std::string& body) {
  return base::is_nested_beyond(body, max_depth) ? ordered_json(ordered_json::value_t::discarded)
                                                 : ordered_json::parse(body, nullptr, false);
}

std::optional<std::int64_t> number_of(const ordered_json& object, const char* member) {
  const auto value = object.find(member);
  return value != object.end() && value->is_number_integer()
             ? std::optional(value->get<std::int64_t>())
             : std::nullopt;
}

std::optional<substrate::ManagerTime> time_of(const ordered_json& object, const char* member) {
  const auto seconds = number_of(object, member);
  return seconds ? std::optional(substrate::ManagerTime(std::chrono::seconds(*seconds)))
                 : std::nullopt;
}

AgentRefusal refusal_of(int status, const ordered_json& problem, bool with_token) {
  AgentRefusal refusal;
  refusal.status = status;
  const std::string type = text_of(problem, "type");
  if (type.starts_with(type_prefix)) {
    refusal.word = type.substr(type_prefix.size());
  }
  refusal.error.kind =
      refusal.is_of_supervisord() ? *kind_of_word(refusal.word) : kind_of_status(status);
  const std::string detail = text_of(problem, "detail");
  refusal.error.message =
      (detail.empty() ? "it answered with status " + std::to_string(status) : detail) +
      hint_for(status, refusal.word, !detail.empty(), with_token);
  if (const auto code = problem.is_object() ? number_of(problem, "fault_code") : std::nullopt) {
    refusal.error.fault = {static_cast<int>(*code), text_of(problem, "fault_string")};
  }
  return refusal;
}

}  // namespace

bool AgentRefusal::is_of_supervisord() const {
  return status != 401 && status != 403 && kind_of_word(word).has_value();
}

tl::expected<ordered_json, AgentRefusal> call_agent(const Environment& environment,
                                                    const AgentAddress& address,
                                                    const AgentRequest& request,
                                                    const std::stop_token& stop) {
  const auto response = environment.send_to_agent(address, request, stop);
  if (!response) {
    return tl::unexpected(AgentRefusal{response.error(), "", 0});
  }
  if (response->status == 204) {
    return ordered_json();
  }
  auto content = parse_body(response->body);
  if (response->status != 200 && response->status != 202) {
    return tl::unexpected(refusal_of(response->status, content, !address.token.empty()));
  }
  if (content.is_discarded()) {
    const std::string message =
        "the agent at " + address.endpoint.url() + " did not send an agent's response";
    return tl::unexpected(AgentRefusal{{ErrorKind::malformed, message}, "", 0});
  }
  return content;
}

std::string text_of(const ordered_json& object, const char* member) {
  const auto value = object.is_object() ? object.find(member) : object.end();
  if (!object.is_object() || value == object.end() || value->is_null()) {
    return "";
  }
  return value->is_string() ? value->get<std::string>() : value->dump();
}

bool is_true(const ordered_json& object, const char* member) {
  return text_of(object, member) == "true";
}

std::optional<substrate::InstanceDetail> process_from(const ordered_json& object) {
  if (!object.is_object()) {
    return std::nullopt;
  }
  substrate::InstanceDetail detail;
  detail.name = {text_of(object, "group"), text_of(object, "name")};
  const std::string state = text_of(object, "state");
  const auto now = time_of(object, "now");
  if (detail.name.group.empty() || detail.name.name.empty() || (!now && !state.empty())) {
    return std::nullopt;
  }
  for (const substrate::InstanceState each : substrate::all_instance_states) {
    if (to_string(each) == state) {
      detail.state = each;
    }
  }
  if (const auto pid = number_of(object, "pid")) {
    detail.pid = substrate::Pid{*pid};
  }
  detail.now = now.value_or(substrate::ManagerTime());
  detail.description = text_of(object, "description");
  detail.start_time = time_of(object, "start_time");
  detail.stop_time = time_of(object, "stop_time");
  if (const auto status = number_of(object, "exit_status")) {
    detail.exit_status = static_cast<int>(*status);
  }
  detail.spawn_error = text_of(object, "spawn_error");
  detail.stdout_log = text_of(object, "stdout_logfile");
  detail.stderr_log = text_of(object, "stderr_logfile");
  return detail;
}

base::Error unanswered(const ordered_json& entry) {
  return {ErrorKind::unreachable,
          "supervisord at " + text_of(entry, "url") + " does not answer the agent"};
}

std::string process_of(const ordered_json& object) {
  const std::string supervisor = text_of(object, "supervisor");
  const std::string group = text_of(object, "group");
  const std::string name = text_of(object, "name");
  if (group.empty()) {
    return "";
  }
  const std::string prefix = supervisor.empty() ? "" : supervisor + "/";
  return prefix + (group == name ? name : group + ":" + (name.empty() ? "*" : name));
}

std::string supervisor_query(const std::string& supervisor, char separator) {
  return supervisor.empty() ? "" : separator + ("supervisor=" + http::percent_encode(supervisor));
}

}  // namespace reeve::cli
