#pragma once

// This agent as a member of its cluster: under which name and address the others know it, and what
// it tells them of its processes. Pure, apart from the host's name and the configuration file.

#include <cstddef>
#include <string>
#include <vector>

#include "config/settings.h"
#include "coordination/coordinator.h"
#include "monitor/snapshot.h"

namespace reeve::app {

/// The section `coordination`, which must be there, with what it leaves out: the member's name is
/// the host's, its metrics are at that name and the port of the metrics listener. An error says
/// what to set.
[[nodiscard]] base::Result<coordination::Options> member_options(const config::Config& config);

/// `guards`: processes on which one stands.
[[nodiscard]] coordination::MemberReport report_of(const monitor::Snapshot& snapshot,
                                                   std::size_t guards,
                                                   const std::string& configuration_revision);

/// Changes when the file does; empty without a file.
[[nodiscard]] std::string configuration_revision(const std::string& file);

}  // namespace reeve::app
