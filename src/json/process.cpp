#include "json/process.h"

#include "json/nullable.h"

namespace reeve::json {

using nlohmann::ordered_json;

ordered_json to_json(std::string_view supervisor, const substrate::InstanceDetail& detail) {
  const auto uptime = detail.uptime();
  return {
      {"supervisor", null_if_empty(supervisor)},
      {"group", base::to_utf8(detail.name.group)},
      {"name", base::to_utf8(detail.name.name)},
      {"state", substrate::to_string(detail.state)},
      {"state_code", substrate::state_code(detail.state)},
      {"pid", or_null(detail.pid)},
      {"description", base::to_utf8(detail.description)},
      {"start_time", or_null(detail.start_time)},
      {"stop_time", or_null(detail.stop_time)},
      {"now", detail.now.time_since_epoch().count()},
      {"uptime_seconds", uptime ? ordered_json(uptime->count()) : ordered_json()},
      {"exit_status", or_null(detail.exit_status)},
      {"exit_signal", nullptr},
      {"last_exit_expected", or_null(detail.exit_expected())},
      {"spawn_error", base::to_utf8(detail.spawn_error)},
      {"starts", nullptr},
      {"restarts", nullptr},
      {"stdout_logfile", base::to_utf8(detail.stdout_log)},
      {"stderr_logfile", base::to_utf8(detail.stderr_log)},
  };
}

ordered_json to_json(std::string_view supervisor, const monitor::ProcessSnapshot& process) {
  ordered_json object = to_json(supervisor, process.detail);
  object["exit_status"] = or_null(process.exit_status);
  object["exit_signal"] = or_null(process.exit_signal);
  object["last_exit_expected"] = or_null(process.last_exit_expected);
  object["starts"] = process.counters.starts;
  object["restarts"] = process.counters.restarts;
  return object;
}

}  // namespace reeve::json
