#include "cli/agent_commands.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "http/grammar.h"
#include "json/json.h"

namespace reeve::cli {
namespace {

using base::Endpoint;
using base::ErrorKind;
using base::failure;
using config::SettingsError;
using http::percent_encode;
using nlohmann::ordered_json;
using Method = AgentRequest::Method;

constexpr std::uint16_t default_port = 19002;
constexpr int max_depth = 16;

tl::unexpected<SettingsError> config_error(const std::string& file, const std::string& message) {
  return tl::unexpected(SettingsError{.errors = {{.file = file, .message = message}}});
}

Endpoint default_endpoint() {
  return {Endpoint::Scheme::http, "127.0.0.1", default_port, "", "/"};
}

/// Where the agent of this configuration listens, if that is on this machine.
tl::expected<Endpoint, SettingsError> configured_endpoint(const config::SettingsOptions& options,
                                                          const config::SettingsSources& sources) {
  const config::FoundConfig found = config::find_config(options, config::Purpose::agent, sources);
  if (found.path.empty()) {
    return default_endpoint();
  }
  auto config = config::load(found.path);
  if (!config) {
    config.error().push_back(
        {.file = found.path,
         .message = "the agent's address comes from this file: --agent URL overrides it"});
    return tl::unexpected(SettingsError{.errors = std::move(config.error())});
  }
  if (!config->control_enabled) {
    return config_error(found.path,
                        "control is off, so the agent has no control listener: set"
                        " control.enabled, or name an agent with --agent URL");
  }
  const http::ListenerOptions& listener = config->control_listener;
  const base::ListenAddress& address = listener.address;
  if (!address.socket_path.empty()) {
    return Endpoint{Endpoint::Scheme::unix_socket, "", 0, address.socket_path, "/"};
  }
  if (!address.host.empty() && !address.is_local()) {
    return config_error(found.path,
                        "control.listen is " + address.text() +
                            ", which is not on this machine: name the agent with --agent URL");
  }
  return Endpoint{listener.tls ? Endpoint::Scheme::https : Endpoint::Scheme::http,
                  address.host.empty() ? "localhost" : address.host, address.port, "", "/"};
}

ErrorKind error_kind(int status) {
  switch (status) {
    case 401:
    case 403:
    case 421:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 400:
    case 413:
    case 415:
    case 422:
      return ErrorKind::invalid_argument;
    case 503:
      return ErrorKind::conflict;
    default:
      return ErrorKind::internal;
  }
}

/// What to do about a status, where the agent's own message does not say it.
std::string hint_for(int status, bool with_token) {
  switch (status) {
    case 401:
      return with_token ? ": this token is not in its control.tokens"
                        : ": it needs a token, --token-file FILE or REEVE_TOKEN_FILE";
    case 403:
      return ": use another token, see control.tokens";
    case 404:
      return "";
    default:
      return status >= 300 && status < 400 ? ": is this an agent's control listener?" : "";
  }
}

/// A discarded value if the body is not JSON or is nested deeper than an agent's responses.
ordered_json parse_body(const std::string& body) {
  bool too_deep = false;
  const auto bounded = [&](int depth, auto, auto&) {
    too_deep = too_deep || depth >= max_depth;
    return !too_deep;
  };
  auto value = ordered_json::parse(body, bounded, false);
  return too_deep ? ordered_json(ordered_json::value_t::discarded) : std::move(value);
}

/// A member's value as text; empty for null and for a member that this version of the agent lacks.
std::string text_of(const ordered_json& object, const char* member) {
  const auto value = object.is_object() ? object.find(member) : object.end();
  if (value == object.end() || value->is_null()) {
    return "";
  }
  return value->is_string() ? value->get<std::string>() : value->dump();
}

bool is_true(const ordered_json& object, const char* member) {
  return text_of(object, member) == "true";
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

/// Prints the response as JSON or as the rows of `table`, or `none` if it is empty.
template <class Table>
int print_response(const AgentSession& session, const std::string& target, const std::string& none,
                   const Table& table) {
  const auto response = session.send({Method::get, target, ""});
  if (!response) {
    return session.report(response.error());
  }
  if (session.output.json()) {
    session.output.write(json::to_text(*response) + '\n');
  } else if (response->empty()) {
    session.output.message(none);
  } else {
    session.output.write(render_table(table(*response), session.output.colored()));
  }
  return exit_success;
}

/// Sends the request and prints the response as JSON, or `done`.
int send_action(const AgentSession& session, const AgentRequest& request, const std::string& done) {
  const auto response = session.send(request);
  if (!response) {
    return session.report(response.error());
  }
  if (!session.output.json()) {
    session.output.message(done);
  } else if (!response->is_null()) {
    session.output.write(json::to_text(*response) + '\n');
  }
  return exit_success;
}

std::string path_of_scope(const std::string& scope) {
  return "/api/v1/maintenance/" + percent_encode(scope);
}

std::vector<Row> maintenance_rows(const ordered_json& windows) {
  std::vector<Row> rows = {{{"SCOPE"}, {"UNTIL"}, {"BY"}, {"REASON"}}};
  for (const ordered_json& window : windows) {
    rows.push_back({{text_of(window, "scope")},
                    {text_of(window, "until")},
                    {text_of(window, "actor")},
                    {text_of(window, "reason")}});
  }
  return rows;
}

std::vector<Row> guard_rows(const ordered_json& guards) {
  std::vector<Row> rows = {{{"NAME"}, {"STATE"}, {"COOLDOWN UNTIL"}, {"ATTEMPTS"}, {"BUDGET"}}};
  for (const ordered_json& guard : guards) {
    const std::string until = text_of(guard, "cooldown_until");
    Cell state = {"ready", Style::good};
    if (is_true(guard, "gave_up")) {
      state = {"gave up", Style::bad};
    } else if (is_true(guard, "breaker_open")) {
      state = {"breaker open", Style::bad};
    } else if (!until.empty()) {
      state = {"cooling down", Style::changing};
    }
    rows.push_back({{process_of(guard)},
                    state,
                    {until},
                    {text_of(guard, "attempts")},
                    {text_of(guard, "budget_used") + "/" + text_of(guard, "budget_limit")}});
  }
  return rows;
}

std::vector<Row> audit_rows(const ordered_json& entries) {
  std::vector<Row> rows = {
      {{"AT"}, {"KIND"}, {"BY"}, {"ACTION"}, {"PROCESS"}, {"OUTCOME"}, {"REASON"}}};
  for (const ordered_json& entry : entries) {
    const std::string actor = text_of(entry, "actor");
    const std::string rule = text_of(entry, "rule");
    const std::string result = text_of(entry, "result");
    rows.push_back({{text_of(entry, "at")},
                    {text_of(entry, "kind")},
                    {rule.empty() ? actor : "rule " + rule},
                    {text_of(entry, "action")},
                    {process_of(entry)},
                    {result.empty() ? text_of(entry, "decision") : result},
                    {text_of(entry, "reason")}});
  }
  return rows;
}

}  // namespace

tl::expected<AgentAddress, SettingsError> find_agent(const AgentOptions& agent,
                                                     const config::SettingsOptions& options,
                                                     const config::SettingsSources& sources) {
  AgentAddress address;
  if (const auto url = config::option_or_env("--agent", agent.url, "REEVE_AGENT", sources)) {
    auto endpoint = Endpoint::parse(url->value, "/");
    if (!endpoint) {
      return config::usage_error(url->name, endpoint.error().message);
    }
    address.endpoint = *std::move(endpoint);
  } else {
    auto endpoint = configured_endpoint(options, sources);
    if (!endpoint) {
      return tl::unexpected(std::move(endpoint.error()));
    }
    address.endpoint = *std::move(endpoint);
  }
  if (const auto file =
          config::option_or_env("--token-file", agent.token_file, "REEVE_TOKEN_FILE", sources)) {
    auto token = base::read_secret_file(file->value);
    if (!token) {
      return config::usage_error(file->name, token.error().message);
    }
    address.token = *std::move(token);
  }
  address.timeout = options.timeout.value_or(address.timeout);
  return address;
}

base::Result<ordered_json> AgentSession::send(const AgentRequest& request) const {
  const auto response = environment.send_to_agent(address, request, stop);
  if (!response) {
    return failure(response.error());
  }
  auto content = parse_body(response->body);
  if (response->status == 204) {
    return ordered_json();
  }
  if (response->status == 200) {
    return content.is_discarded()
               ? failure(ErrorKind::malformed, "the agent at " + address.endpoint.url() +
                                                   " did not send an agent's response")
               : base::Result<ordered_json>(std::move(content));
  }
  std::string detail = "it answered with status " + std::to_string(response->status);
  if (content.is_object() && content.contains("detail") && content["detail"].is_string()) {
    detail = content["detail"].get<std::string>();
  }
  return failure(error_kind(response->status),
                 "the agent at " + address.endpoint.url() + " refused: " + detail +
                     hint_for(response->status, !address.token.empty()));
}

int AgentSession::report(const base::Error& error) const {
  output.problem({error});
  return exit_code(Verb::agent_request, error.kind);
}

int run(AgentSession& session, const ShowMaintenance&) {
  return print_response(session, "/api/v1/maintenance", "nothing is under maintenance",
                        maintenance_rows);
}

int run(AgentSession& session, const SetMaintenance& command) {
  const std::string span = base::format_duration(command.ttl);
  ordered_json body = {{"ttl", span}};
  if (!command.reason.empty()) {
    body["reason"] = command.reason;
  }
  return send_action(session, {Method::put, path_of_scope(command.scope), json::to_text(body)},
                     escaped(command.scope) + ": under maintenance for " + span);
}

int run(AgentSession& session, const ClearMaintenance& command) {
  return send_action(session, {Method::del, path_of_scope(command.scope), ""},
                     escaped(command.scope) + ": no longer under maintenance");
}

int run(AgentSession& session, const ShowGuards&) {
  return print_response(session, "/api/v1/guards", "no process was acted on for an alert",
                        guard_rows);
}

int run(AgentSession& session, const ResetGuards& command) {
  std::string name = command.name;
  std::string supervisor = session.options.settings.supervisor.value_or("");
  if (const std::size_t slash = name.find('/'); slash != std::string::npos) {
    supervisor = name.substr(0, slash);
    name = name.substr(slash + 1);
  }
  const std::string query = supervisor.empty() ? "" : "?supervisor=" + percent_encode(supervisor);
  return send_action(
      session, {Method::post, "/api/v1/guards/" + percent_encode(name) + "/reset" + query, ""},
      escaped(command.name) + ": reset");
}

int run(AgentSession& session, const ShowAudit& command) {
  std::string query;
  for (const auto& [name, value] :
       {std::pair("since", &command.since), std::pair("limit", &command.limit)}) {
    if (*value) {
      query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encode(**value);
    }
  }
  return print_response(session, "/api/v1/audit" + query, "nothing was recorded", audit_rows);
}

}  // namespace reeve::cli
