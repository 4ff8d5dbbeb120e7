#include "cli/agent_commands.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/agent_api.h"
#include "cli/agent_substrate.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "http/grammar.h"
#include "json/json.h"

namespace reeve::cli {
namespace {

using base::Endpoint;
using base::ErrorKind;
using config::SettingsError;
using http::percent_encode;
using nlohmann::ordered_json;
using Method = AgentRequest::Method;

constexpr std::uint16_t default_port = 19002;
constexpr base::Duration health_timeout = std::chrono::seconds(5);

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
  auto config = config::load(found.path, {.part = config::Part::control});
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

/// The configuration has been checked.
tl::expected<Endpoint, SettingsError> endpoint_of(const config::AgentReference& reference) {
  return Endpoint::parse(reference.url, "/").map_error([](const base::Error& error) {
    return SettingsError{.errors = {{.file = "agent.url", .message = error.message}}};
  });
}

/// What an action cannot have without an agent.
tl::expected<void, SettingsError> check_direct(const ActionOptions& action) {
  if (action.reason) {
    return config::usage_error("--reason", "is recorded by an agent: name it with --agent URL");
  }
  if (action.agent.token_file) {
    return config::usage_error("--token-file", "is for an agent: name it with --agent URL");
  }
  return {};
}

Supervisord behind_agent(const AgentSession& session, AgentTarget target) {
  Supervisord supervisord;
  supervisord.options.name = target.supervisor;
  supervisord.options.endpoint = target.address.endpoint;
  supervisord.options.timeout =
      session.options.settings.timeout.value_or(supervisord.options.timeout);
  const auto agent = std::make_shared<AgentSubstrate>(std::move(target), session.environment);
  supervisord.substrate = agent;
  supervisord.administration = agent;
  supervisord.agent = agent;
  return supervisord;
}

std::string path_of_scope(const std::string& scope, bool all_hosts) {
  return (all_hosts ? "/api/v1/fleet/maintenance/" : "/api/v1/maintenance/") +
         percent_encode(scope);
}

std::vector<Row> maintenance_rows(const ordered_json& windows) {
  std::vector<Row> rows = {{{"SCOPE"}, {"UNTIL"}, {"BY"}, {"REASON"}}};
  for (const ordered_json& window : windows) {
    const std::string where = is_true(window, "fleet") ? " (all hosts)" : "";
    rows.push_back({{text_of(window, "scope") + where},
                    {text_of(window, "until")},
                    {text_of(window, "actor")},
                    {text_of(window, "reason")}});
  }
  return rows;
}

std::size_t waiting_alerts(const ordered_json& guard) {
  const auto pending = guard.is_object() ? guard.find("pending") : guard.end();
  return guard.is_object() && pending != guard.end() && pending->is_array() ? pending->size() : 0;
}

/// What the first of the alerts waits for, and until when.
std::string pending_reason(const ordered_json& guard) {
  if (waiting_alerts(guard) == 0) {
    return "";
  }
  const ordered_json& first = guard.at("pending").front();
  return "pending: " + text_of(first, "reason") + ", next try " + text_of(first, "retry_at");
}

std::string breaker_text(const ordered_json& guard) {
  const std::string until = text_of(guard, "breaker_until");
  const std::size_t waiting = waiting_alerts(guard);
  const std::string alerts = waiting == 0   ? ""
                             : waiting == 1 ? ", 1 alert waits"
                                            : ", " + std::to_string(waiting) + " alerts wait";
  return "breaker open" + (until.empty() ? "" : " until " + until) + alerts;
}

/// Empty where no rule has acted on the process.
std::string budget_text(const ordered_json& guard) {
  const std::string limit = text_of(guard, "budget_limit");
  return limit == "0" ? "" : text_of(guard, "budget_used") + "/" + limit;
}

std::vector<Row> guard_rows(const ordered_json& guards) {
  std::vector<Row> rows = {{{"NAME"}, {"STATE"}, {"COOLDOWN UNTIL"}, {"ATTEMPTS"}, {"BUDGET"}}};
  for (const ordered_json& guard : guards) {
    const std::string until = text_of(guard, "cooldown_until");
    Cell state = {"ready", Style::good};
    if (is_true(guard, "gave_up")) {
      state = {"gave up", Style::bad};
    } else if (is_true(guard, "breaker_open")) {
      state = {breaker_text(guard), Style::bad};
    } else if (const std::string pending = pending_reason(guard); !pending.empty()) {
      state = {pending, Style::changing};
    } else if (!until.empty()) {
      state = {"cooling down", Style::changing};
    }
    rows.push_back(
        {{process_of(guard)}, state, {until}, {text_of(guard, "attempts")}, {budget_text(guard)}});
  }
  return rows;
}

}  // namespace

tl::expected<config::AgentReference, SettingsError> configured_agent(
    const config::SettingsOptions& options, const config::SettingsSources& sources) {
  const auto found = config::find_config(options, config::Purpose::completion, sources);
  if (found.path.empty()) {
    return config::AgentReference();
  }
  auto config = config::load(found.path, {.part = config::Part::agent});
  if (!config) {
    return tl::unexpected(SettingsError{.errors = std::move(config.error())});
  }
  return std::move(config->agent);
}

tl::expected<std::optional<AgentAddress>, SettingsError> agent_for_action(
    const ActionOptions& action, const config::SettingsOptions& options,
    const config::SettingsSources& sources) {
  const auto url = config::option_or_env("--url", options.url, "REEVE_URL", sources);
  const auto agent = config::option_or_env("--agent", action.agent.url, "REEVE_AGENT", sources);
  if (url && agent && options.url.has_value() == action.agent.url.has_value()) {
    return config::usage_error(agent->name,
                               "and " + url->name +
                                   " exclude each other: the agent acts, or supervisord is called"
                                   " directly; --agent and --url override variables");
  }
  bool through_agent = action.agent.url || (agent && !options.url);
  if (!url && !agent) {
    auto reference = configured_agent(options, sources);
    if (!reference) {
      return tl::unexpected(std::move(reference.error()));
    }
    through_agent = !reference->url.empty();
  }
  if (!through_agent) {
    return check_direct(action).map([] { return std::optional<AgentAddress>(); });
  }
  if (options.username || options.password_file) {
    return config::usage_error(options.username ? "--username" : "--password-file",
                               "is for supervisord itself: an agent takes --token-file");
  }
  return find_agent(action.agent, options, sources).map([](AgentAddress address) {
    return std::optional(std::move(address));
  });
}

tl::expected<AgentAddress, SettingsError> find_agent(const AgentOptions& agent,
                                                     const config::SettingsOptions& options,
                                                     const config::SettingsSources& sources) {
  AgentAddress address;
  std::string configured_token_file;
  if (const auto url = config::option_or_env("--agent", agent.url, "REEVE_AGENT", sources)) {
    auto endpoint = Endpoint::parse(url->value, "/");
    if (!endpoint) {
      return config::usage_error(url->name, endpoint.error().message);
    }
    address.endpoint = *std::move(endpoint);
  } else {
    auto reference = configured_agent(options, sources);
    auto endpoint = reference && !reference->url.empty() ? endpoint_of(*reference)
                                                         : configured_endpoint(options, sources);
    if (!reference || !endpoint) {
      return tl::unexpected(std::move(reference ? endpoint.error() : reference.error()));
    }
    address.endpoint = *std::move(endpoint);
    configured_token_file = reference->token_file;
  }
  auto file = config::option_or_env("--token-file", agent.token_file, "REEVE_TOKEN_FILE", sources);
  if (!file && !configured_token_file.empty()) {
    file = config::OptionValue{"agent.token_file", configured_token_file};
  }
  if (file) {
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
  return call_agent(environment, address, request, stop)
      .map_error([this](const AgentRefusal& refusal) { return error_of(refusal); });
}

base::Error AgentSession::error_of(const AgentRefusal& refusal) const {
  base::Error error = refusal.error;
  if (refusal.status != 0) {
    error.message = "the agent at " + address.endpoint.url() + " refused: " + error.message;
  }
  return error;
}

int AgentSession::report(const base::Error& error) const {
  output.problem({error});
  return exit_code(Verb::agent_request, error.kind);
}

tl::expected<std::vector<Supervisord>, int> supervisords_of(const AgentSession& session,
                                                            const std::string& reason) {
  const auto& wanted = session.options.settings.supervisor;
  const auto list = call_agent(session.environment, session.address,
                               {Method::get, "/api/v1/supervisors"}, session.stop);
  std::vector<std::string> names;
  if (list) {
    std::transform(list->begin(), list->end(), std::back_inserter(names),
                   [](const ordered_json& each) { return text_of(each, "name"); });
  } else if (list.error().word == "missing_scope") {
    names.push_back(wanted.value_or(""));
  } else {
    return tl::unexpected(session.report(session.error_of(list.error())));
  }
  std::vector<Supervisord> supervisords;
  for (const std::string& name : names) {
    if (!wanted || *wanted == name) {
      supervisords.push_back(behind_agent(session, {session.address, name, reason}));
    }
  }
  if (supervisords.empty()) {
    session.output.settings_error(
        {.file = "--supervisor",
         .message = "the agent has none of this name; it has " + base::join(names, ", ")});
    return tl::unexpected(exit_usage);
  }
  return supervisords;
}

int print_list(const AgentSession& session, const std::string& target, const std::string& none,
               RowsOf rows) {
  const auto response = session.send({Method::get, target, ""});
  if (!response) {
    return session.report(response.error());
  }
  if (session.output.json()) {
    session.output.write(json::to_text(*response) + '\n');
  } else if (response->empty()) {
    session.output.message(none);
  } else {
    session.output.write(render_table(rows(*response), session.output.colored()));
  }
  return exit_success;
}

int send_change(const AgentSession& session, const AgentRequest& request, const std::string& done) {
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

int run(AgentSession& session, const ShowMaintenance&) {
  return print_list(session, "/api/v1/maintenance", "nothing is under maintenance",
                    maintenance_rows);
}

int run(AgentSession& session, const SetMaintenance& command) {
  const std::string span = base::format_duration(command.ttl);
  ordered_json body = {{"ttl", span}};
  if (!command.reason.empty()) {
    body["reason"] = command.reason;
  }
  return send_change(
      session, {Method::put, path_of_scope(command.scope, command.all_hosts), json::to_text(body)},
      escaped(command.scope) + ": under maintenance for " + span);
}

int run(AgentSession& session, const ClearMaintenance& command) {
  return send_change(session, {Method::del, path_of_scope(command.scope, command.all_hosts), ""},
                     escaped(command.scope) + ": no longer under maintenance");
}

int run(AgentSession& session, const ShowGuards&) {
  return print_list(session, "/api/v1/guards", "no process was acted on for an alert", guard_rows);
}

int run(AgentSession& session, const ResetGuards& command) {
  std::string name = command.name;
  std::string supervisor = session.options.settings.supervisor.value_or("");
  if (const std::size_t slash = name.find('/'); slash != std::string::npos) {
    supervisor = name.substr(0, slash);
    name = name.substr(slash + 1);
  }
  const std::string query = supervisor.empty() ? "" : "?supervisor=" + percent_encode(supervisor);
  return send_change(
      session, {Method::post, "/api/v1/guards/" + percent_encode(name) + "/reset" + query, ""},
      escaped(command.name) +
          (name == "*" ? ": reset; all alerts that waited are decided anew now" : ": reset"));
}

int run(AgentSession& session, const CheckAgent&) {
  AgentAddress address = session.address;
  address.timeout = session.options.settings.timeout.value_or(health_timeout);
  const auto response =
      session.environment.send_to_agent(address, {Method::get, "/-/healthy"}, session.stop);
  if (!response) {
    return session.report(response.error());
  }
  const bool healthy = response->status == 200;
  const std::string agent = "the agent at " + session.address.endpoint.url();
  if (session.output.json()) {
    session.output.write(std::string(R"({"healthy":)") + (healthy ? "true" : "false") + "}\n");
  } else if (healthy) {
    session.output.message(agent + " is healthy");
  } else {
    session.output.problem({{ErrorKind::internal, agent + " is not healthy: status " +
                                                      std::to_string(response->status)}});
  }
  return healthy ? exit_success : exit_failure;
}

}  // namespace reeve::cli
