#include "metrics/shown.h"

#include <optional>
#include <unordered_set>

#include "base/text.h"

namespace reeve::metrics {
namespace {

/// Labels of processes. Names that are not UTF-8 may become equal, and two samples with equal
/// labels make Prometheus refuse the page: the first of them is shown.
class ProcessLabels {
 public:
  explicit ProcessLabels(const std::string& supervisor) : supervisor_(supervisor) {}

  [[nodiscard]] std::optional<std::string> of(const substrate::InstanceName& name) {
    std::string labels =
        join_labels(supervisor_, join_labels(label("group", name.group), label("name", name.name)));
    const bool changed = !base::is_utf8(name.group) || !base::is_utf8(name.name);
    if (changed && !changed_.insert(labels).second) {
      return std::nullopt;
    }
    return labels;
  }

 private:
  const std::string& supervisor_;
  std::unordered_set<std::string> changed_;
};

/// Hands out, process by process in the order of names, what each one's present run uses.
class UsageFinder {
 public:
  explicit UsageFinder(const monitor::SupervisorSnapshot& seen) {
    if (seen.up && seen.usages) {
      next_ = seen.usages->data();
      end_ = next_ + seen.usages->size();
    }
  }

  /// Null if it is not known.
  [[nodiscard]] const procfs::TreeUsage* of(const substrate::InstanceDetail& process) {
    while (next_ != end_ && next_->name < process.name) {
      ++next_;
    }
    const bool known = next_ != end_ && next_->name == process.name && next_->pid == process.pid;
    return known ? &next_->tree : nullptr;
  }

 private:
  const monitor::ProcessUsage* next_ = nullptr;
  const monitor::ProcessUsage* end_ = nullptr;
};

ShownSupervisor show_one(const monitor::SupervisorSnapshot& seen, Filter& filter) {
  ShownSupervisor shown;
  shown.seen = &seen;
  shown.labels = seen.name.empty() ? "" : label("supervisor", seen.name);
  shown.processes.reserve(seen.processes.size());
  shown.counters.reserve(seen.processes.size() + seen.removed.size());
  shown.usages.reserve(seen.usages ? seen.usages->size() : 0);
  UsageFinder usages(seen);
  ProcessLabels labels(shown.labels);
  const auto labels_of = [&](const substrate::InstanceName& name) {
    return filter.shows(name) ? labels.of(name) : std::nullopt;
  };
  for (const monitor::ProcessSnapshot& process : seen.processes) {
    if (auto text = labels_of(process.detail.name)) {
      shown.counters.push_back({&process.counters, *text});
      if (const auto* const usage = usages.of(process.detail)) {
        shown.usages.push_back({usage, *text});
      }
      shown.processes.push_back({&process, std::move(*text)});
    }
  }
  for (const monitor::RemovedProcess& removed : seen.removed) {
    if (auto text = labels_of(removed.name)) {
      shown.counters.push_back({&removed.counters, std::move(*text)});
    }
  }
  return shown;
}

}  // namespace

Shows show(const monitor::Snapshot& snapshot, Filter& filter) {
  Shows shows;
  shows.reserve(snapshot.supervisors.size());
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    shows.push_back(show_one(supervisor, filter));
  }
  return shows;
}

}  // namespace reeve::metrics
