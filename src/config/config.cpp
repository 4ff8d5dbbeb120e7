#include "config/config.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/file.h"
#include "config/parts.h"

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

void read_poll(const Node& node, Source& source, monitor::PollOptions& poll) {
  Section section(node, "poll", source);
  section.duration("interval", poll.interval, {milliseconds(100), hours(1)});
  if (section.find("interval") != nullptr) {
    poll.interval_with_events = poll.interval;
  }
  section.duration("timeout", poll.timeout, {milliseconds(10), hours(1)});
  section.finish();
}

void read_log(const Node& node, Source& source, base::LogOptions& log) {
  Section section(node, "log", source);
  section.choice("level", log.level, log_levels);
  section.choice("format", log.format, log_formats);
  section.finish();
}

base::Result<std::string> parse_absolute_path(std::string_view text) {
  return text.starts_with('/') ? base::Result<std::string>(text)
                               : base::failure(base::ErrorKind::invalid_argument,
                                               "expected a path that begins with /");
}

void read_root(const Node& node, Source& source, Config& config) {
  Section root(node, "", source);
  read_supervisors(root, config);
  root.parsed<std::string>("state_dir", config.state_dir, parse_absolute_path);
  if (const Node* const poll = root.find("poll")) {
    read_poll(*poll, source, config.poll);
  }
  if (const Node* const events = root.find("events")) {
    read_events(*events, source, config);
  }
  if (const Node* const metrics = root.find("metrics")) {
    read_metrics(*metrics, source, config);
  }
  if (const Node* const control = root.find("control")) {
    read_control(*control, source, config);
  }
  if (const Node* const alerts = root.find("alerts")) {
    read_alerts(*alerts, source, config);
  }
  if (const Node* const log = root.find("log")) {
    read_log(*log, source, config.log);
  }
  root.finish();
}

/// By place, the configuration's own file before those that it names.
void sort_errors(std::vector<ConfigError>& errors, const std::string& own_file) {
  std::stable_sort(errors.begin(), errors.end(), [&](const auto& a, const auto& b) {
    const bool a_other = a.file != own_file;
    const bool b_other = b.file != own_file;
    return std::tie(a_other, a.file, a.line, a.column) <
           std::tie(b_other, b.file, b.line, b.column);
  });
}

ConfigResult read(std::string_view text, Source& source) {
  YamlDocument document = read_yaml(text);
  for (YamlError& error : document.errors) {
    source.error(error.place, std::move(error.message));
  }
  Config config = default_config();
  read_root(document.root, source, config);
  if (!source.errors().empty()) {
    sort_errors(source.errors(), source.file());
    return tl::unexpected(std::move(source.errors()));
  }
  sort_errors(source.warnings(), source.file());
  config.warnings = std::move(source.warnings());
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
  const std::string place =
      error.line == 0 ? "" : ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
  return error.file + place + ": " + error.message;
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
  Source source(path, others_may_read(path));
  return read(*text, source);
}

ConfigResult parse(std::string_view text, const std::string& file_name) {
  Source source(file_name, false);
  return read(text, source);
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
