#include "reeve/fleet/snapshot.h"

#include <algorithm>

namespace reeve::fleet {

const ProcessSnapshot* ProcessList::find(const substrate::InstanceName& name) const {
  const auto* const found = std::lower_bound(
      begin(), end(), name, [](const ProcessSnapshot& process, const auto& wanted) {
        return process.detail.name < wanted;
      });
  return found != end() && found->detail.name == name ? found : nullptr;
}

bool operator==(const ProcessList& a, const ProcessList& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

const SupervisorSnapshot* FleetSnapshot::find(std::string_view supervisor) const {
  const auto found = std::find_if(supervisors.begin(), supervisors.end(),
                                  [&](const auto& each) { return each.name == supervisor; });
  return found == supervisors.end() ? nullptr : &*found;
}

std::string_view to_string(PollFailure failure) {
  switch (failure) {
    case PollFailure::unreachable:
      return "unreachable";
    case PollFailure::timeout:
      return "timeout";
    case PollFailure::denied:
      return "denied";
    case PollFailure::malformed:
      return "malformed";
    case PollFailure::fault:
      return "fault";
    case PollFailure::shutting_down:
      return "shutting_down";
  }
  return "fault";
}

std::string_view to_string(CounterSource source) {
  switch (source) {
    case CounterSource::events:
      return "events";
    case CounterSource::log:
      return "log";
    case CounterSource::polls:
      return "polls";
  }
  return "polls";
}

}  // namespace reeve::fleet
