#include "monitor/snapshot.h"

#include <algorithm>

namespace reeve::monitor {

substrate::InstanceDetail ProcessSnapshot::detail_at(base::SteadyTime now) const {
  substrate::InstanceDetail moved = detail;
  if (read_at && now > *read_at) {
    moved.now += std::chrono::floor<std::chrono::seconds>(now - *read_at);
  }
  return moved;
}

ProcessList::ProcessList(std::vector<ProcessSnapshot> processes) {
  std::vector<Record> records;
  records.reserve(processes.size());
  for (ProcessSnapshot& process : processes) {
    records.push_back(std::make_shared<const ProcessSnapshot>(std::move(process)));
  }
  records_ = std::make_shared<const std::vector<Record>>(std::move(records));
}

ProcessList::ProcessList(std::vector<Record> records)
    : records_(std::make_shared<const std::vector<Record>>(std::move(records))) {}

const ProcessSnapshot* ProcessList::find(const substrate::InstanceName& name) const {
  if (empty()) {
    return nullptr;
  }
  const auto* const found = find_by_name(
      *records_, name, [](const Record& each) -> const auto& { return each->detail.name; });
  return found != nullptr ? found->get() : nullptr;
}

std::vector<ProcessList::Record> ProcessList::records() const {
  return records_ ? *records_ : std::vector<Record>();
}

bool operator==(const ProcessList& a, const ProcessList& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

const procfs::TreeUsage* SupervisorSnapshot::usage_of(const ProcessSnapshot& process) const {
  if (!up || !usages) {
    return nullptr;
  }
  const ProcessUsage* const found = find_by_name(
      *usages, process.detail.name,
      [](const ProcessUsage& each) -> const auto& { return each.name; });
  return found != nullptr && found->pid == process.detail.pid ? &found->tree : nullptr;
}

const SupervisorSnapshot* Snapshot::find(std::string_view supervisor) const {
  const auto found = std::find_if(supervisors.begin(), supervisors.end(),
                                  [&](const auto& each) { return each.name == supervisor; });
  return found == supervisors.end() ? nullptr : &*found;
}

std::string_view to_string(PollFailure failure) {
  return base::name_of<all_poll_failures>(
      failure, {"unreachable", "timeout", "denied", "malformed", "fault", "shutting_down"});
}

std::string_view to_string(CounterSource source) {
  return base::name_of<all_counter_sources>(source, {"events", "log", "polls"});
}

}  // namespace reeve::monitor
