#include <algorithm>
#include <array>

#include "base/regular_expression.h"
#include "base/text.h"
#include "config/parts.h"

namespace reeve::config {
namespace {

/// What the listener serves beside the metrics.
constexpr std::array<std::string_view, 3> taken_paths = {"/", "/-/healthy", "/-/ready"};

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
  if (std::find(taken_paths.begin(), taken_paths.end(), text) != taken_paths.end()) {
    return base::failure(base::ErrorKind::invalid_argument,
                         std::string(text) + " is served already: use another path");
  }
  return std::string(text);
}

void read_expressions(Section& section, const std::string& key,
                      std::vector<std::string>& expressions) {
  section.each_text(key, [&](const std::string& text, Place place) {
    if (const auto expression = base::RegularExpression::parse(text)) {
      expressions.push_back(text);
    } else {
      section.source().error(
          place, section.path(key) +
                     ": not a regular expression over group:name: " + expression.error().message);
    }
  });
}

/// Whose names are shown too.
void read_compatibility(Section& section, metrics::Options& options) {
  static const std::vector<std::string> exporters = {"node_exporter", "supervisord_exporter"};
  section.each_text("compatibility", [&](const std::string& text, Place place) {
    if (text == exporters[0]) {
      options.node_exporter_names = true;
    } else if (text == exporters[1]) {
      options.supervisord_exporter_names = true;
    } else {
      const auto near = base::nearest(text, exporters);
      section.source().error(place, section.path("compatibility") + ": unknown exporter '" + text +
                                        (near ? "': did you mean '" + *near + "'?"
                                              : "': expected " + join_words(exporters, " or ")));
    }
  });
}

}  // namespace

void read_metrics(const Node& node, Source& source, Config& config) {
  Section section(node, "metrics", source);
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
    read_web_config(web_config, source, config);
  }
}

}  // namespace reeve::config
