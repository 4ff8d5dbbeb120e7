#pragma once

// The one JSON form of a process, for the API and the command line alike: members as in the
// documentation of the HTTP API, in that order; times are Unix seconds of supervisord's clock;
// what is not known is null.

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "monitor/snapshot.h"
#include "reeve/substrate/instance.h"

namespace reeve::json {

/// `supervisor` is null where it is empty: the single, unnamed supervisord.
[[nodiscard]] nlohmann::ordered_json to_json(std::string_view supervisor,
                                             const substrate::InstanceDetail& detail);
[[nodiscard]] nlohmann::ordered_json to_json(std::string_view supervisor,
                                             const monitor::ProcessSnapshot& process);

}  // namespace reeve::json
