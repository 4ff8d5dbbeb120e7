#include "monitor/earlier_exits.h"

#include <algorithm>
#include <variant>

namespace reeve::monitor {

namespace {

constexpr std::size_t max_names = 10000;

/// The log has the local time of a zone that it does not name.
bool is_same_moment(std::chrono::local_time<std::chrono::milliseconds> local,
                    substrate::ManagerTime time) {
  using std::chrono::milliseconds;
  constexpr std::chrono::minutes zone_step{15};
  constexpr std::chrono::hours furthest_west{-12};
  constexpr std::chrono::hours furthest_east{14};
  /// Both are made when supervisord notices the end; one of them is cut to a second.
  constexpr std::chrono::seconds tolerance{2};
  const milliseconds ahead = local.time_since_epoch() - time.time_since_epoch();
  const milliseconds zone =
      std::chrono::round<std::chrono::minutes>(ahead / zone_step.count()) * zone_step.count();
  return std::chrono::abs(ahead - zone) <= tolerance && zone >= furthest_west &&
         zone <= furthest_east;
}

}  // namespace

void EarlierExits::add_end(const std::string& name, const End& end) {
  if (ends_.size() < max_names || ends_.contains(name)) {
    ends_.insert_or_assign(name, end);
  }
}

void EarlierExits::add(const std::vector<events::LogLine>& lines) {
  for (const events::LogLine& line : lines) {
    if (std::holds_alternative<events::ManagerStarted>(line.what)) {
      ends_.clear();  // the runs of another daemon
    } else if (const auto* const exited = std::get_if<events::Exited>(&line.what)) {
      add_end(exited->name, {exit_of(exited->end, exited->expected), line.at, {}});
    } else if (const auto* const stopped = std::get_if<events::Stopped>(&line.what)) {
      add_end(stopped->name, {exit_of(stopped->end, std::nullopt), line.at, {}});
    } else if (const auto* const spawned = std::get_if<events::Spawned>(&line.what)) {
      if (const auto end = ends_.find(spawned->name); end != ends_.end()) {
        end->second.next_run = spawned->pid;
      }
    }
  }
}

bool EarlierExits::belongs_to(const End& end, const substrate::InstanceDetail& detail) {
  if (detail.pid) {
    return end.next_run == detail.pid;
  }
  return !end.next_run && detail.stop_time && is_same_moment(end.at, *detail.stop_time);
}

void EarlierExits::apply(std::span<const substrate::InstanceDetail> instances,
                         ProcessHistories& histories) const {
  for (const auto& [name, end] : ends_) {
    const auto is_its = [&name = name, &end = end](const substrate::InstanceDetail& detail) {
      return detail.name.name == name && belongs_to(end, detail);
    };
    const auto first = std::find_if(instances.begin(), instances.end(), is_its);
    const bool is_only =
        first != instances.end() && std::none_of(first + 1, instances.end(), is_its);
    if (is_only) {
      histories[first->name].log.set_earlier_exit(end.exit);
    }
  }
}

}  // namespace reeve::monitor
