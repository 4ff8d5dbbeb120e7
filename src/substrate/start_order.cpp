#include "substrate/start_order.h"

#include <limits>
#include <map>

namespace reeve::substrate {

std::vector<Priority> priorities_of(const std::vector<InstanceName>& names,
                                    const std::vector<ProgramConfig>& programs) {
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
  std::map<InstanceName, Priority> known;
  for (const ProgramConfig& program : programs) {
    known[program.name] = program.priority.value_or(Priority{last, last});
  }
  std::vector<Priority> priorities;
  for (const InstanceName& name : names) {
    const auto found = known.find(name);
    priorities.push_back(found == known.end() ? Priority{last, last} : found->second);
  }
  return priorities;
}

StartOrder start_order(const std::vector<Priority>& priorities) {
  std::map<Priority, std::vector<std::size_t>> by_priority;
  for (std::size_t at = 0; at < priorities.size(); ++at) {
    by_priority[priorities[at]].push_back(at);
  }
  StartOrder order;
  for (auto& [priority, places] : by_priority) {
    order.push_back(std::move(places));
  }
  return order;
}

}  // namespace reeve::substrate
