#include "config/config.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include <sys/un.h>

#include "base/file.h"
#include "config/parts.h"
#include "config/sections.h"
#include "reeve/base/endpoint.h"

namespace reeve::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

const Choices<base::LogLevel> log_levels = {
    {"debug", base::LogLevel::debug},
    {"info", base::LogLevel::info},
    {"warn", base::LogLevel::warning},
    {"error", base::LogLevel::error},
};
const Choices<base::LogFormat> log_formats = {
    {"logfmt", base::LogFormat::logfmt},
    {"json", base::LogFormat::json},
};

using Stream = events::Options::Stream;

const Choices<Stream> streams = {
    {"auto", Stream::automatic},
    {"on", Stream::on},
    {"off", Stream::off},
};

const Choices<monitor::MainLog> main_log_choices = {
    {"auto", monitor::MainLog::automatic},
    {"on", monitor::MainLog::on},
    {"off", monitor::MainLog::off},
};

base::Result<std::string> parse_socket(std::string_view text) {
  if (!text.empty() && (!text.starts_with('/') || text.size() >= sizeof(sockaddr_un::sun_path))) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "expected the path of a unix socket like /run/reeve/events.sock, of at "
                         "most " +
                             std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " characters");
  }
  return std::string(text);
}

void read_poll(const Node& node, ConfigFile& file, monitor::PollOptions& poll) {
  Section section(node, "poll", file);
  section.duration("interval", poll.interval, {milliseconds(100), hours(1)});
  if (section.find("interval") != nullptr) {
    poll.interval_with_events = poll.interval;
  }
  section.duration("timeout", poll.timeout, {milliseconds(10), hours(1)});
  section.finish();
}

void read_events(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "events", file);
  section.choice("stream", config.events.stream, streams);
  section.parsed<std::string>("socket", config.events.socket, parse_socket);
  section.choice("main_log", config.poll.main_log, main_log_choices);
  section.finish();
}

void read_log(const Node& node, ConfigFile& file, base::LogOptions& log) {
  Section section(node, "log", file);
  section.choice("level", log.level, log_levels);
  section.choice("format", log.format, log_formats);
  section.finish();
}

base::Result<std::string> parse_agent_url(std::string_view text) {
  return base::Endpoint::parse(text, "/").map(
      [&](const base::Endpoint&) { return std::string(text); });
}

/// `agent: URL`, or a map.
void read_agent(Section& root, ConfigFile& file, AgentReference& agent) {
  const Node* const node = root.find("agent");
  if (node == nullptr) {
    return;
  }
  if (node->kind == Node::Kind::scalar) {
    root.parsed<std::string>("agent", agent.url, parse_agent_url);
    return;
  }
  Section section(*node, "agent", file);
  section.parsed<std::string>("url", agent.url, parse_agent_url);
  section.each_text("trusted_hosts", [&](const std::string& host, Position) {
    agent.trusted_hosts.push_back(host);
  });
  // Read by the command line, for its user: the agent itself need not be able to.
  section.text("token_file", agent.token_file);
  if (!agent.token_file.empty()) {
    agent.token_file = file.resolve(agent.token_file);
  }
  section.finish();
}

base::Result<std::string> parse_absolute_path(std::string_view text) {
  return text.starts_with('/') ? base::Result<std::string>(text)
                               : base::failure(base::ErrorKind::invalid_argument,
                                               "expected a path that begins with /");
}

void add_alert_senders(Config& config) {
  const auto may_post = [](const auto& credential) {
    return std::find(credential.scopes.begin(), credential.scopes.end(), api::Scope::alerts) !=
           credential.scopes.end();
  };
  for (const api::TokenOptions& token : config.control_api.tokens) {
    if (may_post(token)) {
      config.alerts.senders.push_back({token.name, token.allow});
    }
  }
  for (const api::ClientOptions& client : config.control_api.clients) {
    if (may_post(client)) {
      config.alerts.senders.push_back({client.san, client.allow});
    }
  }
}

void read_root(const Node& node, ConfigFile& file, Config& config) {
  Section root(node, "", file);
  read_supervisors(root, config);
  root.parsed<std::string>("state_dir", config.state_dir, parse_absolute_path);
  if (const Node* const poll = root.find("poll")) {
    read_poll(*poll, file, config.poll);
  }
  if (const Node* const events = root.find("events")) {
    read_events(*events, file, config);
  }
  if (const Node* const metrics = root.find("metrics")) {
    read_metrics(*metrics, file, config);
  }
  if (const Node* const control = root.find("control")) {
    read_control(*control, file, config);
  }
  if (const Node* const coordination = root.find("coordination")) {
    read_coordination(*coordination, file, config);
  }
  if (const Node* const alerts = root.find("alerts")) {
    read_alerts(*alerts, file, config);
  }
  add_alert_senders(config);
  if (const Node* const log = root.find("log")) {
    read_log(*log, file, config.log);
  }
  read_agent(root, file, config.agent);
  root.finish();
}

/// By position, the configuration's own file before those that it names.
void sort_errors(std::vector<ConfigError>& errors, const std::string& own_file) {
  std::stable_sort(errors.begin(), errors.end(), [&](const auto& a, const auto& b) {
    const bool a_other = a.file != own_file;
    const bool b_other = b.file != own_file;
    return std::tie(a_other, a.file, a.line, a.column) <
           std::tie(b_other, b.file, b.line, b.column);
  });
}

ConfigResult read(std::string_view text, ConfigFile& file) {
  YamlDocument document = read_yaml(text);
  for (YamlError& error : document.errors) {
    file.error(error.position, std::move(error.message));
  }
  const bool in_part = file.options().part != Part::everything;
  const bool cut_off = in_part && document.before_error.kind == Node::Kind::map;
  const Node& root = cut_off ? document.before_error : document.root;
  Config config = default_config();
  if (file.options().trusted || gives_urls_alone(root, file)) {
    read_root(root, file, config);
    if (in_part) {
      warn_of_other_parts(root, cut_off, file);
    }
  }
  if (!file.errors().empty()) {
    sort_errors(file.errors(), file.path());
    return tl::unexpected(std::move(file.errors()));
  }
  sort_errors(file.warnings(), file.path());
  config.warnings = std::move(file.warnings());
  return config;
}

}  // namespace

std::string to_string(const ConfigError& error) {
  const std::string position =
      error.line == 0 ? "" : ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
  return error.file + position + ": " + error.message;
}

Config default_config() {
  Config config;
  config.metrics_listener.name = "metrics";
  config.metrics_listener.address.port = 19001;
  config.metrics_listener.max_body_bytes = 0;
  config.control_listener.name = "control";
  config.control_listener.address = {"127.0.0.1", 19002, ""};
  config.control_listener.workers = {api::lane_workers.begin(), api::lane_workers.end()};
  return config;
}

ConfigResult load(const std::string& path, const LoadOptions& options) {
  const auto text = base::read_file(path, max_file_bytes);
  if (!text) {
    return tl::unexpected(std::vector{ConfigError{path, 0, 0, text.error().message}});
  }
  ConfigFile file(path, options);
  return read(*text, file);
}

ConfigResult parse(std::string_view text, const std::string& file_name) {
  ConfigFile file(file_name);
  return read(text, file);
}

bool names_supervisor(const std::string& path) {
  const auto text = base::read_file(path, max_file_bytes);
  const YamlDocument document = read_yaml(text ? *text : "");
  const auto& entries = document.root.entries;
  return std::any_of(entries.begin(), entries.end(), [](const Entry& entry) {
    return entry.key == "supervisor" || entry.key == "supervisors";
  });
}

}  // namespace reeve::config
