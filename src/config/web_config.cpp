#include "config/web_config.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "base/file.h"
#include "base/text.h"

namespace reeve::config {
namespace {

enum class ClientAuth { none, requested, any_required, if_given, required };

const Choices<ClientAuth> client_auth_types = {
    {"NoClientCert", ClientAuth::none},
    {"RequestClientCert", ClientAuth::requested},
    {"RequireAnyClientCert", ClientAuth::any_required},
    {"VerifyClientCertIfGiven", ClientAuth::if_given},
    {"RequireAndVerifyClientCert", ClientAuth::required},
};

const Choices<std::string> tls_versions = {
    {"TLS10", "TLS10"}, {"TLS11", "TLS11"}, {"TLS12", "TLS12"}, {"TLS13", "TLS13"}};

/// Go's names of curves, and OpenSSL's.
const std::map<std::string, std::string> curves = {
    {"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}};
/// Known to Go, but not to the OpenSSL of every release.
constexpr std::string_view newest_curve = "X25519MLKEM768";

constexpr std::array<std::string_view, 3> tls13_suites = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"};

/// The headers that the toolkit sets.
const std::vector<std::string> header_names = {"Content-Security-Policy", "X-Frame-Options",
                                               "X-Content-Type-Options", "X-XSS-Protection",
                                               "Strict-Transport-Security"};

void warn(Section& section, const std::string& key, const std::string& message) {
  section.config_file().warning(section.position(key), section.path(key) + ": " + message);
}

void read_versions(Section& section, http::TlsOptions& tls) {
  section.choice("min_version", tls.min_version, tls_versions);
  section.choice("max_version", tls.max_version, tls_versions);
  if (tls.min_version < "TLS12") {
    warn(section, "min_version", "TLS12 is the oldest version here");
    tls.min_version = "TLS12";
  }
  if (!tls.max_version.empty() && tls.max_version < tls.min_version) {
    section.error("max_version", "is older than " + tls.min_version + ", the oldest version");
  }
}

void read_ciphers(Section& section, http::TlsOptions& tls) {
  section.each_text("cipher_suites", [&](const std::string& text, Position position) {
    if (std::find(tls13_suites.begin(), tls13_suites.end(), text) != tls13_suites.end()) {
      section.config_file().warning(position, section.path("cipher_suites") + ": " + text +
                                                  " is of TLS 1.3, whose suites are not chosen");
    } else if (text.starts_with("TLS_") && text.find(':') == std::string::npos) {
      tls.cipher_suites.push_back(text);
    } else {
      section.config_file().error(position,
                                  section.path("cipher_suites") + ": '" + text +
                                      "' is no name like TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    }
  });
  section.each_text("curve_preferences", [&](const std::string& text, Position position) {
    const auto found = curves.find(text);
    if (found != curves.end()) {
      tls.curves.push_back(found->second);
    } else if (text == newest_curve) {
      section.config_file().warning(
          position, section.path("curve_preferences") + ": " + text + " has no effect here");
    } else {
      section.config_file().error(
          position, section.path("curve_preferences") + ": '" + text +
                        "' is no curve: expected CurveP256, CurveP384, CurveP521 or X25519");
    }
  });
  section.flag("prefer_server_cipher_suites", tls.prefer_server_ciphers);
}

/// A file, or the same inline; not both.
template <class Pem>
void read_pem(Section& section, const std::string& key, std::string& file, Pem& inline_text) {
  std::string text;
  section.text(key, text);
  if (!file.empty() && !text.empty()) {
    section.error(key, key + "_file is given too: use one of them");
  }
  inline_text = Pem(std::move(text));
}

ClientAuth read_client_auth(Section& section, http::TlsOptions& tls) {
  ClientAuth auth = ClientAuth::none;
  section.choice("client_auth_type", auth, client_auth_types);
  section.file("client_ca_file", tls.client_ca_file);
  read_pem(section, "client_ca", tls.client_ca_file, tls.client_ca_pem);
  section.each_text("client_allowed_sans", [&](const std::string& text, Position) {
    tls.client_allowed_sans.push_back(text);
  });
  const bool has_authority = !tls.client_ca_file.empty() || !tls.client_ca_pem.empty();
  const bool verifies = auth == ClientAuth::if_given || auth == ClientAuth::required;
  if (!verifies && has_authority) {
    const std::string key = tls.client_ca_file.empty() ? "client_ca" : "client_ca_file";
    if (auth == ClientAuth::none) {
      section.error(key, "needs a client_auth_type that verifies certificates");
    } else {
      warn(section, key, "has no effect: this client_auth_type verifies nothing");
      tls.client_ca_file.clear();
      tls.client_ca_pem.clear();
    }
  }
  if (verifies && !has_authority) {
    section.error("client_auth_type", "needs a client_ca_file to verify against");
  }
  if (!verifies && !tls.client_allowed_sans.empty()) {
    section.error("client_allowed_sans", "needs a client_auth_type that verifies certificates");
  }
  if (auth == ClientAuth::requested) {
    warn(section, "client_auth_type",
         "has no effect here: a certificate that is not verified is not asked for");
  }
  return auth;
}

http::TlsOptions read_web_tls(const Node& node, ConfigFile& file) {
  Section section(node, "tls_server_config", file);
  http::TlsOptions tls;
  section.file("cert_file", tls.cert_file);
  section.private_file("key_file", tls.key_file);
  read_pem(section, "cert", tls.cert_file, tls.cert_pem);
  read_pem(section, "key", tls.key_file, tls.key_pem);
  const ClientAuth auth = read_client_auth(section, tls);
  tls.client_certificate_required =
      auth == ClientAuth::required || auth == ClientAuth::any_required;
  tls.any_client_certificate = auth == ClientAuth::any_required;
  read_versions(section, tls);
  read_ciphers(section, tls);
  section.warn_of_unknown_keys();
  if (tls.cert_file.empty() && tls.cert_pem.empty()) {
    section.error("cert_file", "TLS needs a certificate and its key");
  }
  if (tls.key_file.empty() && tls.key_pem.empty()) {
    section.error("key_file", "TLS needs a certificate and its key");
  }
  return tls;
}

bool is_bcrypt(const std::string& hash) {
  return hash.size() == 60 && hash.starts_with("$2") && hash[3] == '$' && hash[6] == '$';
}

void read_users(const Node& node, ConfigFile& file, std::vector<api::BasicUser>& users) {
  const std::string key = "basic_auth_users";
  const Section section(node, key, file);  // reports a node that is not a map
  for (const Entry& entry : node.entries) {
    if (entry.value.kind == Node::Kind::scalar && is_bcrypt(entry.value.text)) {
      users.push_back({entry.key, base::Secret(entry.value.text)});
    } else {
      file.error(entry.value.position,
                 section.path(entry.key) + ": expected a bcrypt hash, as `htpasswd -nB` makes it");
    }
  }
}

void read_headers(Section& section, std::vector<api::ExtraHeader>& headers) {
  for (const std::string& name : header_names) {
    std::string value;
    section.text(name, value);
    const bool plain = std::all_of(value.begin(), value.end(),
                                   [](char c) { return c == '\t' || (c >= ' ' && c != '\x7F'); });
    if (!plain) {
      section.error(name, "a header is one line of ASCII");
    } else if (!value.empty()) {
      headers.push_back({name, value});
    }
  }
  section.warn_of_unknown_keys();
}

void read_http(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "http_server_config", file);
  bool http2 = false;
  section.flag("http2", http2);
  if (http2) {
    warn(section, "http2", "has no effect here: HTTP/1.1 is served");
  }
  if (const Node* const headers = section.find("headers")) {
    Section names(*headers, "http_server_config.headers", file);
    read_headers(names, config.metrics_api.headers);
  }
  section.warn_of_unknown_keys();
}

}  // namespace

void read_web_config_text(std::string_view text, const std::string& path, ConfigFile& file,
                          Config& config) {
  ConfigFile web(path);
  YamlDocument document = read_yaml(text);
  for (YamlError& error : document.errors) {
    web.error(error.position, std::move(error.message));
  }
  Section root(document.root, "", web);
  if (const Node* const tls = root.find("tls_server_config")) {
    config.metrics_listener.tls = read_web_tls(*tls, web);
  }
  if (const Node* const users = root.find("basic_auth_users")) {
    read_users(*users, web, config.metrics_api.users);
  }
  if (const Node* const http = root.find("http_server_config")) {
    read_http(*http, web, config);
  }
  if (root.find("rate_limit") != nullptr) {
    warn(root, "rate_limit", "has no effect here: connections and logins have limits of their own");
  }
  root.warn_of_unknown_keys();
  std::move(web.errors().begin(), web.errors().end(), std::back_inserter(file.errors()));
  std::move(web.warnings().begin(), web.warnings().end(), std::back_inserter(file.warnings()));
}

void read_web_config(const std::string& path, ConfigFile& file, Config& config) {
  if (const auto text = base::read_file(path, max_file_bytes)) {
    read_web_config_text(*text, path, file, config);
  }  // else reported by the key that names the file
}

}  // namespace reeve::config
