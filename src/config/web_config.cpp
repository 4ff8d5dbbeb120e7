// exporter-toolkit's web configuration, as far as Reeve has what it configures:
// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
#include <iterator>

#include "base/file.h"
#include "config/parts.h"

namespace reeve::config {
namespace {

enum class ClientAuth { none, if_given, required };

const Choices<ClientAuth> client_auth_types = {
    {"NoClientCert", ClientAuth::none},
    {"VerifyClientCertIfGiven", ClientAuth::if_given},
    {"RequireAndVerifyClientCert", ClientAuth::required},
};
const Choices<std::string> tls_versions = {{"TLS12", "TLS12"}, {"TLS13", "TLS13"}};

http::TlsOptions read_web_tls(const Node& node, Source& source) {
  Section section(node, "tls_server_config", source);
  http::TlsOptions tls;
  ClientAuth auth = ClientAuth::none;
  section.file("cert_file", tls.cert_file);
  section.file("key_file", tls.key_file);
  section.file("client_ca_file", tls.client_ca_file);
  section.choice("client_auth_type", auth, client_auth_types);
  section.choice("min_version", tls.min_version, tls_versions);
  section.finish();
  for (const auto& [key, value] :
       {std::pair("cert_file", &tls.cert_file), std::pair("key_file", &tls.key_file)}) {
    if (value->empty()) {
      section.error(key, "TLS needs a certificate and its key");
    }
  }
  if (auth == ClientAuth::none && !tls.client_ca_file.empty()) {
    section.error("client_ca_file", "needs a client_auth_type that verifies certificates");
  }
  if (auth != ClientAuth::none && tls.client_ca_file.empty()) {
    section.error("client_auth_type", "needs a client_ca_file to verify against");
  }
  tls.client_certificate_required = auth == ClientAuth::required;
  return tls;
}

bool is_bcrypt(const std::string& hash) {
  return hash.size() == 60 && hash.starts_with("$2") && hash[3] == '$' && hash[6] == '$';
}

void read_users(const Node& node, Source& source, std::vector<api::BasicUser>& users) {
  const std::string key = "basic_auth_users";
  const Section section(node, key, source);  // reports what is no map
  for (const Entry& entry : node.entries) {
    if (entry.value.kind == Node::Kind::scalar && is_bcrypt(entry.value.text)) {
      users.push_back({entry.key, base::Secret(entry.value.text)});
    } else {
      source.error(entry.value.place, section.path(entry.key) +
                                          ": expected a bcrypt hash, as `htpasswd -nB` makes it");
    }
  }
}

}  // namespace

void read_web_config(const std::string& path, Source& source, Config& config) {
  const auto text = base::read_file(path, max_file_bytes);
  if (!text) {
    return;  // reported where the file is named
  }
  Source web(path, false);
  YamlDocument document = read_yaml(*text);
  for (YamlError& error : document.errors) {
    web.error(error.place, std::move(error.message));
  }
  Section root(document.root, "", web);
  if (const Node* const tls = root.find("tls_server_config")) {
    config.metrics_listener.tls = read_web_tls(*tls, web);
  }
  if (const Node* const users = root.find("basic_auth_users")) {
    read_users(*users, web, config.metrics_api.users);
  }
  root.finish();
  std::move(web.errors().begin(), web.errors().end(), std::back_inserter(source.errors()));
}

}  // namespace reeve::config
