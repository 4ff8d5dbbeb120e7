#include "json/supervisor.h"

#include "base/text.h"
#include "json/nullable.h"

namespace reeve::json {

nlohmann::ordered_json to_json(const monitor::SupervisorSnapshot& supervisor) {
  using nlohmann::ordered_json;
  const auto& about = supervisor.description;
  const auto& confirmed = supervisor.snapshot_at;
  return {
      {"name", null_if_empty(supervisor.name)},
      {"url", base::to_utf8(supervisor.url)},
      {"up", supervisor.up},
      {"shutting_down", supervisor.shutting_down},
      {"version", about ? null_if_empty(about->version) : ordered_json()},
      {"identification", about ? null_if_empty(about->identification) : ordered_json()},
      {"pid", or_null(supervisor.pid)},
      {"snapshot_at", confirmed ? ordered_json(base::to_rfc3339(*confirmed)) : ordered_json()},
      {"counter_source", monitor::to_string(supervisor.counter_source)},
  };
}

}  // namespace reeve::json
