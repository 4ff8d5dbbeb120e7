#include <algorithm>

#include "base/text.h"
#include "config/sections.h"

namespace reeve::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Below it, an etcd that is slow for a moment would make members that are alive look dead.
constexpr int timeouts_in_a_lease = 10;

bool is_local(const base::Endpoint& endpoint) {
  return base::ListenAddress{endpoint.host, endpoint.port, ""}.is_local();
}

void read_endpoints(Section& section, std::vector<base::Endpoint>& endpoints) {
  section.each_text("endpoints", [&](const std::string& text, Position position) {
    const auto endpoint = base::Endpoint::parse(text, "/");
    const std::string where = section.path("endpoints") + ": ";
    if (!endpoint) {
      section.config_file().error(position, where + endpoint.error().message);
    } else if (endpoint->scheme == base::Endpoint::Scheme::unix_socket || endpoint->path != "/") {
      section.config_file().error(position, where + "expected a URL like http://127.0.0.1:2379");
    } else {
      endpoints.push_back(*endpoint);
    }
  });
  if (section.find("endpoints") == nullptr) {
    section.error("endpoints", "expected the URLs of etcd, like [\"http://127.0.0.1:2379\"]");
  }
}

void read_tls(Section& etcd, http::ClientTls& tls) {
  const Node* const node = etcd.find("tls");
  if (node == nullptr) {
    return;
  }
  Section section(*node, etcd.path("tls"), etcd.config_file());
  section.file("ca_file", tls.ca_file);
  section.file("cert_file", tls.cert_file);
  section.private_file("key_file", tls.key_file);
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    section.error("cert_file", "a certificate and its key belong together: set both");
  }
  section.finish();
}

void read_user(Section& section, coordination::EtcdOptions& etcd) {
  section.text("username", etcd.username);
  std::string file;
  section.text("password_file", file);
  if (!file.empty() && section.config_file().opens_files()) {
    etcd.password = section.secret("password_file", file).value_or(base::Secret());
  }
  if (etcd.username.empty() != file.empty()) {
    section.error(file.empty() ? "username" : "password_file",
                  "username and password_file belong together: set both");
  }
  bool plaintext = false;
  section.flag("plaintext", plaintext);
  const bool is_exposed =
      std::any_of(etcd.endpoints.begin(), etcd.endpoints.end(), [](const auto& endpoint) {
        return endpoint.scheme == base::Endpoint::Scheme::http && !is_local(endpoint);
      });
  if (!etcd.username.empty() && is_exposed && !plaintext) {
    section.error("username",
                  "its password would be sent over http: use https, or say `plaintext: true`");
  }
}

void read_etcd(Section& section, coordination::EtcdOptions& etcd) {
  static const Node none;
  const Node* const node = section.find("etcd");
  Section inner(node == nullptr ? none : *node, section.path("etcd"), section.config_file());
  if (node == nullptr) {
    section.error("etcd", "expected where etcd is: {endpoints: [\"http://127.0.0.1:2379\"]}");
    return;
  }
  read_endpoints(inner, etcd.endpoints);
  read_user(inner, etcd);
  read_tls(inner, etcd.tls);
  inner.duration("timeout", etcd.timeout, {milliseconds(10), minutes(1)});
  inner.finish();
}

base::Result<std::string> parse_name(std::string_view text, std::size_t max_bytes) {
  return coordination::is_name(text, max_bytes)
             ? base::Result<std::string>(text)
             : base::failure(base::ErrorKind::invalid_argument,
                             "expected at most " + std::to_string(max_bytes) +
                                 " letters, digits, '-', '_' and '.'");
}

/// `HOST:PORT`, which Prometheus takes for a target.
base::Result<std::string> parse_target(std::string_view text) {
  const auto address = base::ListenAddress::parse(text);
  return address && !address->host.empty()
             ? base::Result<std::string>(address->text())
             : base::failure(base::ErrorKind::invalid_argument,
                             "expected HOST:PORT, as Prometheus reaches it");
}

base::Result<std::string> parse_control_url(std::string_view text) {
  const auto endpoint = base::Endpoint::parse(text, "/");
  return endpoint && endpoint->scheme != base::Endpoint::Scheme::unix_socket
             ? base::Result<std::string>(text)
             : base::failure(base::ErrorKind::invalid_argument,
                             "expected a URL like https://host7:19002");
}

void read_labels(Section& member, std::map<std::string, std::string>& labels) {
  constexpr std::size_t max_labels = 64;
  constexpr std::size_t max_value_bytes = 1024;
  const Node* const node = member.find("labels");
  if (node == nullptr) {
    return;
  }
  Section section(*node, member.path("labels"), member.config_file());
  section.each_pair([&](const std::string& name, const std::string& value) {
    if (!coordination::is_label_name(name)) {
      section.error(name, "not a valid label name: letters, digits and '_', at most 64");
    } else if (value.size() > max_value_bytes || labels.size() == max_labels) {
      section.error(name, "at most 64 labels, each of at most 1024 bytes");
    }
    labels.emplace(name, value);
  });
  section.finish();
}

void read_member(Section& section, coordination::MemberInfo& member) {
  const Node* const node = section.find("member");
  if (node == nullptr) {
    return;
  }
  Section inner(*node, section.path("member"), section.config_file());
  inner.parsed<std::string>("name", member.name, [](std::string_view text) {
    return parse_name(text, coordination::max_member_name_bytes);
  });
  inner.parsed<std::string>("metrics", member.metrics, parse_target);
  inner.parsed<std::string>("control", member.control, parse_control_url);
  read_labels(inner, member.labels);
  inner.finish();
}

}  // namespace

void read_coordination(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "coordination", file);
  coordination::Options options;
  read_etcd(section, options.etcd);
  section.parsed<std::string>("cluster", options.cluster, [](std::string_view text) {
    return parse_name(text, coordination::max_name_bytes);
  });
  read_member(section, options.member);
  section.duration("lease", options.lease, {seconds(10), hours(1)});
  if (options.lease < timeouts_in_a_lease * options.etcd.timeout) {
    section.error("lease", "expected at least ten times etcd.timeout, which is " +
                               base::format_duration(options.etcd.timeout));
  }
  section.finish();
  config.coordination = std::move(options);
}

}  // namespace reeve::config
