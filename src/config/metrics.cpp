#include <algorithm>
#include <array>
#include <iterator>

#include "base/file.h"
#include "base/regular_expression.h"
#include "base/text.h"
#include "config/sections.h"
#include "config/web_config.h"

namespace reeve::config {
namespace {

/// Paths that the metrics listener serves itself.
constexpr std::array<std::string_view, 4> reserved_paths = {"/", "/-/healthy", "/-/ready",
                                                            "/fleet/targets"};

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

/// One address, or a list of them.
void read_listen(Section& section, Config& config) {
  const Node* const listen = section.find("listen");
  if (listen == nullptr || listen->kind != Node::Kind::list) {
    section.parsed<base::ListenAddress>("listen", config.metrics_listener.address,
                                        base::ListenAddress::parse);
    return;
  }
  std::vector<base::ListenAddress> addresses;
  section.each_text("listen", [&](const std::string& text, Position position) {
    const auto address = base::ListenAddress::parse(text);
    if (!address) {
      section.config_file().error(position,
                                  section.path("listen") + ": " + address.error().message);
    } else if (std::find(addresses.begin(), addresses.end(), *address) != addresses.end()) {
      section.config_file().error(position, section.path("listen") + ": " + text + " stands twice");
    } else {
      addresses.push_back(*address);
    }
  });
  if (listen->items.empty()) {
    section.error("listen", "the list is empty");
  }
  set_metrics_addresses(addresses, config);
}

}  // namespace

void read_metrics(const Node& node, ConfigFile& file, Config& config) {
  Section section(node, "metrics", file);
  read_listen(section, config);
  section.parsed<std::string>("path", config.metrics_api.path, parse_path);
  section.choice("resources", config.poll.resources.measure, resource_choices);
  section.flag("proportional_memory", config.poll.resources.proportional_memory);
  section.flag("process_state_set", config.metrics.process_state_set);
  section.flag("transitions", config.metrics.transitions);
  section.flag("group_summary", config.metrics.group_summary);
  read_compatibility(section, config.metrics);
  read_expressions(section, "include", config.metrics.include);
  read_expressions(section, "exclude", config.metrics.exclude);
  section.file("web_config_file", config.web_config_file);
  section.finish();
  if (!config.web_config_file.empty() && file.opens_files()) {
    read_web_config(config.web_config_file, file, config);
  }
}

void set_metrics_addresses(const std::vector<base::ListenAddress>& addresses, Config& config) {
  if (!addresses.empty()) {
    config.metrics_listener.address = addresses.front();
    config.further_metrics_addresses.assign(addresses.begin() + 1, addresses.end());
  }
}

tl::expected<void, std::vector<ConfigError>> apply_overrides(const AgentOverrides& overrides,
                                                             Config& config) {
  std::vector<ConfigError> errors;
  const auto fail = [&](const std::string& option, const std::string& message) {
    errors.push_back({.file = option, .message = message});
  };
  std::vector<base::ListenAddress> addresses;
  for (const std::string& text : overrides.listen_addresses) {
    const auto address = base::ListenAddress::parse(text);
    address ? addresses.push_back(*address) : fail("--web.listen-address", address.error().message);
  }
  set_metrics_addresses(addresses, config);
  if (overrides.telemetry_path) {
    const auto path = parse_path(*overrides.telemetry_path);
    path ? void(config.metrics_api.path = *path)
         : fail("--web.telemetry-path", path.error().message);
  }
  config.systemd_socket = overrides.systemd_socket;
  config.log.level = overrides.log_level.value_or(config.log.level);
  config.log.format = overrides.log_format.value_or(config.log.format);
  if (!overrides.web_config_file.value_or("").empty()) {
    config.web_config_file = *overrides.web_config_file;
    auto reread = reread_web_config(config);
    std::move(reread.begin(), reread.end(), std::back_inserter(errors));
  }
  return errors.empty() ? tl::expected<void, std::vector<ConfigError>>()
                        : tl::unexpected(std::move(errors));
}

std::vector<ConfigError> reread_web_config(Config& config) {
  ConfigFile file(config.web_config_file);
  config.metrics_listener.tls.reset();
  config.metrics_api.users.clear();
  config.metrics_api.headers.clear();
  const auto text = base::read_file(config.web_config_file, max_file_bytes);
  if (!text) {
    return {{.file = config.web_config_file, .message = text.error().message}};
  }
  read_web_config_text(*text, config.web_config_file, file, config);
  std::move(file.warnings().begin(), file.warnings().end(), std::back_inserter(config.warnings));
  return std::move(file.errors());
}

}  // namespace reeve::config
