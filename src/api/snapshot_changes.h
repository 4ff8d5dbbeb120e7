#pragma once

// What somebody who watches is told of between two snapshots: processes that came, went, changed
// their state or their run, supervisords that came, went or were replaced. Pure.

#include <cstddef>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "monitor/snapshot.h"

namespace reeve::api {

struct Change {
  std::string_view type;  ///< "supervisor" or "process"
  nlohmann::ordered_json data;
};

/// At most `limit`. Of a supervisord that is read for the first time the processes are not told:
/// they did not come then. While one is away, nothing is known of its processes.
[[nodiscard]] std::vector<Change> changes_between(const monitor::Snapshot& before,
                                                  const monitor::Snapshot& after,
                                                  std::size_t limit);

}  // namespace reeve::api
