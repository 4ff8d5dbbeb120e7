#include "reeve/substrate/instance.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "reeve/substrate/substrate.h"

namespace reeve::substrate {

using base::ErrorKind;
using base::failure;
using base::Result;

Result<InstanceName> InstanceName::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view group = text.substr(0, colon);
  const std::string_view name = colon == std::string_view::npos ? group : text.substr(colon + 1);
  if (group.empty() || name.empty() || name.find(':') != std::string_view::npos) {
    return failure(ErrorKind::invalid_argument,
                   "'" + std::string(text) + "' is no process name: use name or group:name");
  }
  return InstanceName{std::string(group), std::string(name)};
}

std::string InstanceName::text() const {
  return group == name ? name : full();
}

std::string InstanceName::full() const {
  return group + ":" + name;
}

std::string_view to_string(InstanceState state) {
  return base::name_of<all_instance_states>(state, {"STOPPED", "STARTING", "RUNNING", "BACKOFF",
                                                    "STOPPING", "EXITED", "FATAL", "UNKNOWN"});
}

int state_code(InstanceState state) {
  constexpr std::array<int, all_instance_states.size()> codes{0, 10, 20, 30, 40, 100, 200, 1000};
  return codes.at(static_cast<std::size_t>(state));
}

std::optional<InstanceState> state_from_code(std::int64_t code) {
  const auto* const found =
      std::find_if(all_instance_states.begin(), all_instance_states.end(),
                   [&](InstanceState state) { return state_code(state) == code; });
  return found == all_instance_states.end() ? std::nullopt : std::optional(*found);
}

bool is_active(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::running ||
         state == InstanceState::backoff || state == InstanceState::stopping;
}

Result<Incarnation> Incarnation::parse(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto pid = base::parse_number<std::int64_t>(text.substr(0, colon));
  const auto start = colon == text.size()
                         ? std::nullopt
                         : base::parse_number<std::int64_t>(text.substr(colon + 1));
  if (!pid || !start || *pid <= 0) {
    return failure(ErrorKind::invalid_argument,
                   "an incarnation is \"pid:start\", like \"4711:1700000000\"");
  }
  return Incarnation{{*pid}, ManagerTime(std::chrono::seconds(*start))};
}

std::string Incarnation::text() const {
  return std::to_string(pid.value) + ":" + std::to_string(start.time_since_epoch().count());
}

std::optional<std::chrono::seconds> InstanceDetail::uptime() const {
  if (!pid || !start_time) {
    return std::nullopt;
  }
  return std::max(std::chrono::seconds(0), now - *start_time);
}

std::optional<Incarnation> InstanceDetail::incarnation() const {
  if (!pid || !start_time) {
    return std::nullopt;
  }
  return Incarnation{*pid, *start_time};
}

std::optional<bool> InstanceDetail::exit_expected() const {
  return state == InstanceState::exited ? std::optional(spawn_error.empty()) : std::nullopt;
}

base::Result<Outcome> Substrate::restart_instance(const InstanceName& name,
                                                  const base::Deadline& deadline) {
  return stop_instance(name, StopMode::graceful, deadline).and_then([&](Outcome) {
    return start_instance(name, deadline);
  });
}

}  // namespace reeve::substrate
