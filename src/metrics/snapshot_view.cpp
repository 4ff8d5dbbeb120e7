#include "metrics/snapshot_view.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "metrics/text_writer.h"

namespace reeve::metrics {
namespace {

/// Labels of processes. Names that are not UTF-8 may become equal, and Prometheus refuses a page
/// with two equal samples: only the first of such names gets labels.
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

/// Finds the usage of each process's present run, when asked in the order of names.
class UsageFinder {
 public:
  explicit UsageFinder(const monitor::SupervisorSnapshot& supervisor) {
    if (supervisor.up && supervisor.usages) {
      next_ = supervisor.usages->data();
      end_ = next_ + supervisor.usages->size();
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

SupervisorView make_view(const monitor::SupervisorSnapshot& supervisor, const Filter& filter) {
  SupervisorView view;
  view.snapshot = &supervisor;
  view.labels = supervisor.name.empty() ? "" : label("supervisor", supervisor.name);
  view.processes.reserve(supervisor.processes.size());
  view.counters.reserve(supervisor.processes.size() + supervisor.removed.size());
  view.usages.reserve(supervisor.usages ? supervisor.usages->size() : 0);
  UsageFinder usages(supervisor);
  ProcessLabels labels(view.labels);
  const auto labels_of = [&](const substrate::InstanceName& name) {
    return filter.admits(name) ? labels.of(name) : std::nullopt;
  };
  for (const monitor::ProcessSnapshot& process : supervisor.processes) {
    if (auto text = labels_of(process.detail.name)) {
      view.counters.push_back({&process.counters, *text});
      if (const auto* const usage = usages.of(process.detail)) {
        view.usages.push_back({usage, *text});
      }
      if (supervisor.up) {
        view.processes.push_back({&process, std::move(*text)});
      }
    }
  }
  for (const monitor::RemovedProcess& removed : supervisor.removed) {
    if (auto text = labels_of(removed.name)) {
      view.counters.push_back({&removed.counters, std::move(*text)});
    }
  }
  return view;
}

}  // namespace

Filter::Filter(const Options& options)
    : include_(parse(options.include)), exclude_(parse(options.exclude)) {}

Filter::Expressions Filter::parse(const std::vector<std::string>& texts) {
  Expressions expressions;
  std::transform(texts.begin(), texts.end(), std::back_inserter(expressions),
                 base::RegularExpression::parse);
  return expressions;
}

bool Filter::admits(const substrate::InstanceName& name) const {
  if (include_.empty() && exclude_.empty()) {
    return true;
  }
  const std::string full = name.full();
  const auto matches = [&](const auto& expression) {
    return expression && expression->full_match(full);
  };
  return (include_.empty() || std::any_of(include_.begin(), include_.end(), matches)) &&
         std::none_of(exclude_.begin(), exclude_.end(), matches);
}

SnapshotView make_view(const monitor::Snapshot& snapshot, const Filter& filter) {
  SnapshotView view;
  view.reserve(snapshot.supervisors.size());
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    view.push_back(make_view(supervisor, filter));
  }
  return view;
}

}  // namespace reeve::metrics
