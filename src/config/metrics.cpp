#include <algorithm>
#include <array>
#include <iterator>

#include "base/file.h"
#include "base/regular_expression.h"
#include "base/text.h"
#include "config/sections.h"

namespace reeve::config {
namespace {

/// Paths that the metrics listener serves itself.
constexpr std::array<std::string_view, 3> reserved_paths = {"/", "/-/healthy", "/-/ready"};

const Choices<monitor::MeasureResources> resource_choices = {
    {"auto", monitor::MeasureResources::automatic},
    {"on", monitor::MeasureResources::on},
    {"off", monitor::MeasureResources::off},
};

base::Result<std::string> parse_path(std::string_view text) {
  const bool odd = text.find_first_of(" \t\r\n?#%") != std::string_view::npos;
  if (!text.starts_with('/') || odd) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "expected a path like /metrics, without blanks, ?, # and %");
  }
  if (std::find(reserved_paths.begin(), reserved_paths.end(), text) != reserved_paths.end()) {
    return base::failure(base::ErrorKind::invalid_argument,
                         std::string(text) + " is reserved: use another path");
  }
  return std::string(text);
}

void read_expressions(Section& section, const std::string& key,
                      std::vector<std::string>& expressions) {
  section.each_text(key, [&](const std::string& text, Position position) {
    if (const auto expression = base::RegularExpression::parse(text)) {
      expressions.push_back(text);
    } else {
      section.config_file().error(position, section.path(key) +
                                                ": not a regular expression over group:name: " +
                                                expression.error().message);
    }
  });
}

/// Exporters whose metric names are written too.
void read_compatibility(Section& section, metrics::Options& options) {
  static const std::vector<std::string> exporters = {"node_exporter", "supervisord_exporter"};
  section.each_text("compatibility", [&](const std::string& text, Position position) {
    if (text == exporters[0]) {
      options.node_exporter_names = true;
    } else if (text == exporters[1]) {
      options.supervisord_exporter_names = true;
    } else {
      const auto near = base::nearest(text, exporters);
      section.config_file().error(position,
                                  section.path("compatibility") + ": unknown exporter '" + text +
                                      (near ? "': did you mean '" + *near + "'?"
                                            : "': expected " + join_words(exporters, " or ")));
    }
  });
}

enum class ClientAuth { none, if_given, required };

const Choices<ClientAuth> client_auth_types = {
    {"NoClientCert", ClientAuth::none},
    {"VerifyClientCertIfGiven", ClientAuth::if_given},
    {"RequireAndVerifyClientCert", ClientAuth::required},
};
const Choices<std::string> tls_versions = {{"TLS12", "TLS12"}, {"TLS13", "TLS13"}};

http::TlsOptions read_web_tls(const Node& node, ConfigFile& file) {
  Section section(node, "tls_server_config", file);
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

/// TLS and users of the metrics listener, from exporter-toolkit's web configuration file as far as
/// Reeve has its settings:
/// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
void read_web_config(const std::string& path, ConfigFile& file, Config& config) {
  const auto text = base::read_file(path, max_file_bytes);
  if (!text) {
    return;  // reported by the key that names the file
  }
  ConfigFile web(path, false);
  YamlDocument document = read_yaml(*text);
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
  root.finish();
  std::move(web.errors().begin(), web.errors().end(), std::back_inserter(file.errors()));
}

}  // namespace

void read_metrics(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "metrics", file);
  section.parsed<base::ListenAddress>("listen", config.metrics_listener.address,
                                      base::ListenAddress::parse);
  section.parsed<std::string>("path", config.metrics_api.path, parse_path);
  section.choice("resources", config.poll.resources.measure, resource_choices);
  section.flag("proportional_memory", config.poll.resources.proportional_memory);
  section.flag("process_state_set", config.metrics.process_state_set);
  section.flag("transitions", config.metrics.transitions);
  section.flag("group_summary", config.metrics.group_summary);
  read_compatibility(section, config.metrics);
  read_expressions(section, "include", config.metrics.include);
  read_expressions(section, "exclude", config.metrics.exclude);
  std::string web_config;
  section.file("web_config_file", web_config);
  section.finish();
  if (!web_config.empty()) {
    read_web_config(web_config, file, config);
  }
}

}  // namespace reeve::config
