#include "config/config.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include <sys/un.h>

#include "base/file.h"
#include "config/sections.h"

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

base::Result<std::string> parse_absolute_path(std::string_view text) {
  return text.starts_with('/') ? base::Result<std::string>(text)
                               : base::failure(base::ErrorKind::invalid_argument,
                                               "expected a path that begins with /");
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
  if (const Node* const alerts = root.find("alerts")) {
    read_alerts(*alerts, file, config);
  }
  if (const Node* const log = root.find("log")) {
    read_log(*log, file, config.log);
  }
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
  Config config = default_config();
  read_root(document.root, file, config);
  if (!file.errors().empty()) {
    sort_errors(file.errors(), file.path());
    return tl::unexpected(std::move(file.errors()));
  }
  sort_errors(file.warnings(), file.path());
  config.warnings = std::move(file.warnings());
  return config;
}

bool others_may_read(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return (status.permissions() & std::filesystem::perms::others_read) !=
         std::filesystem::perms::none;
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
  config.control_listener.name = "control";
  config.control_listener.address = {"127.0.0.1", 19002, ""};
  config.control_listener.workers = 8;
  return config;
}

ConfigResult load(const std::string& path) {
  const auto text = base::read_file(path, max_file_bytes);
  if (!text) {
    return tl::unexpected(std::vector{ConfigError{path, 0, 0, text.error().message}});
  }
  ConfigFile file(path, others_may_read(path));
  return read(*text, file);
}

ConfigResult parse(std::string_view text, const std::string& file_name) {
  ConfigFile file(file_name, false);
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
