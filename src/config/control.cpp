#include <algorithm>

#include "base/file.h"
#include "base/signal_name.h"
#include "config/sections.h"

namespace reeve::config {
namespace {

constexpr std::size_t min_token_bytes = 32;

void read_scopes(Section& section, std::vector<api::Scope>& scopes) {
  std::vector<std::string> names;
  std::transform(api::all_scopes.begin(), api::all_scopes.end(), std::back_inserter(names),
                 [](api::Scope scope) { return std::string(api::to_string(scope)); });
  bool all_known = true;
  section.each_text("scopes", [&](const std::string& text, Position position) {
    if (const auto scope = api::scope_from_string(text)) {
      scopes.push_back(*scope);
    } else {
      all_known = false;
      section.config_file().error(position, section.path("scopes") + ": expected " +
                                                join_words(names, " or ") + ", found '" + text +
                                                "'");
    }
  });
  if (scopes.empty() && all_known) {
    section.error("scopes", "at least one of " + join_words(names, " and ") + " is needed");
  }
}

/// Empty if the token is valid.
std::string token_error(const std::string& token) {
  const bool sendable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (sendable && token.size() >= min_token_bytes) {
    return {};
  }
  const std::string hint = ": make one with `openssl rand -base64 32`";
  return sendable ? "the token is shorter than " + std::to_string(min_token_bytes) + " bytes" + hint
                  : "the token must be printable ASCII without blanks" + hint;
}

/// All zero if there is no valid token.
api::Digest read_token_file(Section& section, bool enabled) {
  std::string file;
  section.text("file", file);
  if (file.empty()) {
    section.error("file", "expected a file that contains the token");
    return {};
  }
  if (!enabled || !section.config_file().opens_files()) {
    return {};  // the file may not be there yet
  }
  const auto secret = section.secret("file", file);
  if (!secret) {
    return {};
  }
  const std::string problem = token_error(secret->reveal());
  if (!problem.empty()) {
    section.error("file", section.config_file().resolve(file) + ": " + problem);
  }
  return api::digest_of(secret->reveal());
}

constexpr api::Digest unread_token{};

void read_tokens(Section& control, Config& config) {
  auto& tokens = config.control_api.tokens;
  control.each_map("tokens", [&](Section& section) {
    api::TokenOptions token;
    section.text("name", token.name);
    token.digest = read_token_file(section, config.control_enabled);
    read_scopes(section, token.scopes);
    read_selectors(section, "allow", token.allow);
    section.flag("read_all", token.read_all);
    const auto same = std::find_if(tokens.begin(), tokens.end(), [&](const auto& other) {
      return other.name == token.name ||
             (token.digest != unread_token && other.digest == token.digest);
    });
    if (token.name.empty()) {
      section.error("name", "a token needs a name, which the audit shows");
    } else if (same != tokens.end()) {
      section.error(same->name == token.name ? "name" : "file",
                    "the same as that of another token, '" + same->name + "'");
    }
    tokens.push_back(std::move(token));
  });
}

void read_clients(Section& control, Config& config) {
  control.each_map("clients", [&](Section& section) {
    api::ClientOptions client;
    section.text("san", client.san);
    if (client.san.empty()) {
      section.error("san", "expected a subject alternative name of the client's certificate");
    }
    read_scopes(section, client.scopes);
    read_selectors(section, "allow", client.allow);
    section.flag("read_all", client.read_all);
    config.control_api.clients.push_back(std::move(client));
  });
}

std::optional<http::TlsOptions> read_tls(const Node& node, ConfigFile& file) {
  Section section(node, "control.tls", file);
  http::TlsOptions tls;
  section.file("cert_file", tls.cert_file);
  section.private_file("key_file", tls.key_file);
  section.file("client_ca_file", tls.client_ca_file);
  section.finish();
  if (tls.cert_file.empty() && tls.key_file.empty() && tls.client_ca_file.empty()) {
    return std::nullopt;
  }
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    file.error(section.position(), "control.tls: needs both cert_file and key_file");
  }
  return tls;
}

void read_signals(Section& section, std::vector<std::string>& signals) {
  if (section.find("signals") == nullptr) {
    return;
  }
  signals.clear();
  section.each_text("signals", [&](const std::string& text, Position position) {
    if (base::signal_name(text)) {
      signals.push_back(text);
    } else {
      section.config_file().error(
          position, "control.signals: '" + text + "' is not the name of a signal, like HUP");
    }
  });
}

void read_hosts(Section& section, std::vector<std::string>& hosts) {
  section.each_text("allowed_hosts", [&](const std::string& text, Position position) {
    if (!api::allowed_host(text)) {
      section.config_file().error(position,
                                  "control.allowed_hosts: '" + text + "' is not a host name");
    }
    hosts.push_back(text);
  });
}

void check_access(Section& section, const Config& config, bool plaintext) {
  const http::ListenerOptions& listener = config.control_listener;
  if (config.control_api.tokens.empty() && config.control_api.clients.empty()) {
    section.error(
        "enabled",
        "no token and no client is configured, so every request would be refused: add one to"
        " control.tokens");
  }
  if (!config.control_api.clients.empty() &&
      (!listener.tls || listener.tls->client_ca_file.empty())) {
    section.error("clients",
                  "mutual TLS needs control.tls with cert_file, key_file and"
                  " client_ca_file");
  }
  if (!listener.tls && !plaintext && !listener.address.is_local()) {
    section.error("listen",
                  "tokens would cross the network unencrypted: set control.tls, or"
                  " plaintext: true if a proxy encrypts");
  }
  const auto& further = config.further_metrics_addresses;
  const bool same = listener.address == config.metrics_listener.address ||
                    std::find(further.begin(), further.end(), listener.address) != further.end();
  if (same && (listener.address.port != 0 || !listener.address.socket_path.empty())) {
    section.error("listen", "metrics.listen is the same address");
  }
}

}  // namespace

void read_selectors(Section& section, const std::string& key,
                    std::vector<substrate::Selector>& selectors) {
  if (section.find(key) == nullptr) {
    return;
  }
  selectors.clear();
  section.each_text(key, [&](const std::string& text, Position position) {
    auto selector = substrate::Selector::parse(text);
    if (selector) {
      selectors.push_back(*std::move(selector));
    } else {
      section.config_file().error(position, section.path(key) + ": " + selector.error().message);
    }
  });
}

void read_control(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "control", file);
  bool plaintext = false;
  section.flag("enabled", config.control_enabled);
  section.flag("plaintext", plaintext);
  section.parsed<base::ListenAddress>("listen", config.control_listener.address,
                                      base::ListenAddress::parse);
  if (const Node* const tls = section.find("tls")) {
    config.control_listener.tls = read_tls(*tls, file);
  }
  read_tokens(section, config);
  read_clients(section, config);
  read_hosts(section, config.control_api.allowed_hosts);
  read_selectors(section, "allow", config.control.allow);
  read_selectors(section, "deny", config.control.deny);
  read_signals(section, config.control.signals);
  section.duration("resume_within", config.control.resume_within,
                   {std::chrono::seconds(0), std::chrono::hours(24)});
  section.finish();
  if (config.control_enabled) {
    check_access(section, config, plaintext);
  }
}

}  // namespace reeve::config
