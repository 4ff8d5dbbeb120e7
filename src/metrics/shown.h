#pragma once

// What a page shows of a snapshot: its supervisords and those of their processes that the filter
// lets through, each with its labels; and the walks over them that write one family. All of it is
// views of one snapshot, on the thread that renders.

#include <string>
#include <vector>

#include "metrics/filter.h"
#include "metrics/text_writer.h"
#include "monitor/snapshot.h"

namespace reeve::metrics {

/// A thing that is shown, with its labels escaped once for all its samples.
template <class Thing>
struct Shown {
  const Thing* thing = nullptr;
  std::string labels;
};

struct ShownSupervisor {
  const monitor::SupervisorSnapshot* seen = nullptr;
  std::string labels;
  std::vector<Shown<monitor::ProcessSnapshot>> processes;
  std::vector<Shown<monitor::ProcessCounters>> counters;  ///< of those, and of the removed ones
  std::vector<Shown<procfs::TreeUsage>> usages;           ///< of the runs that go on, where known
};
using Shows = std::vector<ShownSupervisor>;

/// The snapshot must outlive it.
[[nodiscard]] Shows show(const monitor::Snapshot& snapshot, Filter& filter);

/// A sample of each supervisord for which `value` is not nothing.
template <class Value>
void for_each_supervisor(TextWriter& out, const Family& of, const Shows& shows, Value value) {
  out.begin(of);
  for (const ShownSupervisor& each : shows) {
    if (const auto number = value(*each.seen)) {
      out.sample({each.labels}, *number);
    }
  }
}

/// One sample for each of the enumerators, in their order.
template <class Names, class Value>
void for_each_label(TextWriter& out, const Family& of, const Shows& shows, std::string_view name,
                    const Names& names, Value value) {
  out.begin(of);
  for (const ShownSupervisor& each : shows) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      out.sample({each.labels, label(name, to_string(names[i]))}, value(*each.seen, i));
    }
  }
}

/// A sample of each process for which `value` is not nothing; none while its supervisord is down.
template <class Value>
void for_each_process(TextWriter& out, const Family& of, const Shows& shows, Value value) {
  out.begin(of);
  for (const ShownSupervisor& each : shows) {
    if (!each.seen->up) {
      continue;
    }
    for (const auto& process : each.processes) {
      if (const auto number = value(*process.thing)) {
        out.sample({process.labels}, *number);
      }
    }
  }
}

/// A sample of each process, gone ones too, for which `value` is not nothing.
template <class Value>
void for_each_counter(TextWriter& out, const Family& of, const Shows& shows, Value value) {
  out.begin(of);
  for (const ShownSupervisor& each : shows) {
    for (const auto& counters : each.counters) {
      if (const auto number = value(*counters.thing)) {
        out.sample({counters.labels}, *number);
      }
    }
  }
}

/// A sample of each usage for which `value` is not nothing.
template <class Value>
void for_each_usage(TextWriter& out, const Family& of, const Shows& shows, Value value) {
  out.begin(of);
  for (const ShownSupervisor& each : shows) {
    for (const auto& usage : each.usages) {
      if (const auto number = value(*usage.thing)) {
        out.sample({usage.labels}, *number);
      }
    }
  }
}

}  // namespace reeve::metrics
