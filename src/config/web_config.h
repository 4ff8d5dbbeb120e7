#pragma once

// The metrics listener's settings in exporter-toolkit's web configuration, which Prometheus's
// exporters share: TLS, users, headers.
// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

#include <string>
#include <string_view>

#include "config/section.h"

namespace reeve::config {

/// Reads the file into the metrics listener's options. What has no effect here, and keys that are
/// not known, are warnings: the file may be another exporter's too.
void read_web_config(const std::string& path, ConfigFile& file, Config& config);
/// The same for a text; relative file names start from the folder of `path`.
void read_web_config_text(std::string_view text, const std::string& path, ConfigFile& file,
                          Config& config);

}  // namespace reeve::config
