#pragma once

// The sections of the configuration, one function for each: from a node of the YAML tree to the
// options, with all errors collected in the ConfigFile.

#include "config/config.h"
#include "config/section.h"
#include "config/yaml.h"

namespace reeve::config {

/// `supervisor` and `supervisors` of the root.
void read_supervisors(Section& root, Config& config);
void read_metrics(const Node& node, ConfigFile& file, Config& config);
/// No addresses: they stay as they are.
void set_metrics_addresses(const std::vector<base::ListenAddress>& addresses, Config& config);
void read_control(const Node& node, ConfigFile& file, Config& config);
/// After read_control(), whose tokens and clients it checks.
void read_alerts(const Node& node, ConfigFile& file, Config& config);
/// Before read_alerts(), whose rules may name limits.
void read_coordination(const Node& node, ConfigFile& file, Config& config);
/// A list of process patterns; leaves `selectors` as it is if the key is absent.
void read_selectors(Section& section, const std::string& key,
                    std::vector<substrate::Selector>& selectors);

}  // namespace reeve::config
