#include "cli/agent_session.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/config_file.h"
#include "cli/exit_code.h"
#include "cli/given.h"

namespace reeve::cli {

using base::Endpoint;
using base::ErrorKind;
using base::failure;
using config::ConfigError;

namespace {

constexpr std::uint16_t usual_port = 19002;
constexpr int deepest = 16;

tl::unexpected<SettingsError> usage_error(const std::string& name, const std::string& message) {
  return tl::unexpected(SettingsError{true, {ConfigError{name, 0, 0, message}}});
}

tl::unexpected<SettingsError> config_error(const std::string& file, const std::string& message) {
  return tl::unexpected(SettingsError{false, {ConfigError{file, 0, 0, message}}});
}

Endpoint usual_endpoint() {
  return {Endpoint::Scheme::http, "127.0.0.1", usual_port, "", "/"};
}

/// Where the agent of this configuration listens, if that is on this machine.
tl::expected<Endpoint, SettingsError> configured_endpoint(const CommonOptions& options,
                                                          const Surroundings& surroundings) {
  const FoundConfig found = find_config(options, Purpose::agent, surroundings);
  if (found.path.empty()) {
    return usual_endpoint();
  }
  auto config = config::load(found.path);
  if (!config) {
    config.error().push_back(
        {found.path, 0, 0, "this was read to find the agent: --agent URL says where it is"});
    return tl::unexpected(SettingsError{false, std::move(config.error())});
  }
  if (!config->control_enabled) {
    return config_error(found.path,
                        "control is off, so there is no agent to be asked: set"
                        " control.enabled, or say --agent URL");
  }
  const http::ListenerOptions& listener = config->control_listener;
  const base::ListenAddress& address = listener.address;
  if (!address.socket_path.empty()) {
    return Endpoint{Endpoint::Scheme::unix_socket, "", 0, address.socket_path, "/"};
  }
  if (!address.host.empty() && !address.is_local()) {
    return config_error(found.path, "control.listen is " + address.text() +
                                        ", which is not local: say --agent URL");
  }
  return Endpoint{listener.tls ? Endpoint::Scheme::https : Endpoint::Scheme::http,
                  address.host.empty() ? "localhost" : address.host, address.port, "", "/"};
}

ErrorKind kind_of(int status) {
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

/// What a person can do about a status that the agent's own words do not settle.
std::string advice_on(int status, bool with_token) {
  switch (status) {
    case 401:
      return with_token ? ": it does not know this token, see control.tokens"
                        : ": it wants a token, --token-file FILE or REEVE_TOKEN_FILE";
    case 403:
      return ": use a token that may, see control.tokens";
    case 404:
      return "";
    default:
      return status >= 300 && status < 400 ? ": is this an agent's control listener?" : "";
  }
}

/// Discarded if it is no JSON, or deeper than any answer of an agent.
nlohmann::ordered_json parsed(const std::string& body) {
  bool too_deep = false;
  const auto bounded = [&](int depth, auto, auto&) {
    too_deep = too_deep || depth >= deepest;
    return !too_deep;
  };
  auto json = nlohmann::ordered_json::parse(body, bounded, false);
  return too_deep ? nlohmann::ordered_json(nlohmann::ordered_json::value_t::discarded)
                  : std::move(json);
}

}  // namespace

tl::expected<AgentPeer, SettingsError> find_agent(const AgentOptions& agent,
                                                  const CommonOptions& options,
                                                  const Surroundings& surroundings) {
  AgentPeer peer;
  if (const auto url = given("--agent", agent.url, "REEVE_AGENT", surroundings)) {
    auto endpoint = Endpoint::parse(url->value, "/");
    if (!endpoint) {
      return usage_error(url->name, endpoint.error().message);
    }
    peer.endpoint = *std::move(endpoint);
  } else {
    auto endpoint = configured_endpoint(options, surroundings);
    if (!endpoint) {
      return tl::unexpected(std::move(endpoint.error()));
    }
    peer.endpoint = *std::move(endpoint);
  }
  if (const auto file = given("--token-file", agent.token_file, "REEVE_TOKEN_FILE", surroundings)) {
    auto token = base::read_secret_file(file->value);
    if (!token) {
      return usage_error(file->name, token.error().message);
    }
    peer.token = *std::move(token);
  }
  peer.timeout = options.timeout.value_or(peer.timeout);
  return peer;
}

base::Result<nlohmann::ordered_json> AgentSession::ask(const AgentRequest& request) const {
  const auto answer = surroundings.ask_agent(peer, request, stop);
  if (!answer) {
    return failure(answer.error());
  }
  auto json = parsed(answer->body);
  if (answer->status == 204) {
    return nlohmann::ordered_json();
  }
  if (answer->status == 200) {
    return json.is_discarded()
               ? failure(ErrorKind::malformed,
                         "the agent at " + peer.endpoint.url() + " did not answer as an agent does")
               : base::Result<nlohmann::ordered_json>(std::move(json));
  }
  std::string detail = "it answered " + std::to_string(answer->status);
  if (json.is_object() && json.contains("detail") && json["detail"].is_string()) {
    detail = json["detail"].get<std::string>();
  }
  return failure(kind_of(answer->status), "the agent at " + peer.endpoint.url() +
                                              " refused: " + detail +
                                              advice_on(answer->status, !peer.token.empty()));
}

int AgentSession::report(const base::Error& error) const {
  output.problem({error});
  return exit_code(Verb::ask_agent, error.kind);
}

}  // namespace reeve::cli
