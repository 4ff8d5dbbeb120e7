#pragma once

// The parts of the configuration, one function for each: from a node of the tree to the options,
// with all errors left in the source.

#include "config/config.h"
#include "config/section.h"
#include "config/yaml.h"

namespace reeve::config {

/// `supervisor` and `supervisors` of the root.
void read_supervisors(Section& root, Config& config);
void read_events(const Node& node, Source& source, Config& config);
void read_metrics(const Node& node, Source& source, Config& config);
void read_control(const Node& node, Source& source, Config& config);
/// After read_control(): rules need it.
void read_alerts(const Node& node, Source& source, Config& config);
/// A list of process patterns, where the key is there at all.
void read_selectors(Section& section, const std::string& key,
                    std::vector<substrate::Selector>& selectors);
/// TLS and users of the metrics listener, in exporter-toolkit's format, from a file of its own.
void read_web_config(const std::string& path, Source& source, Config& config);

}  // namespace reeve::config
