#include "api/recent_decisions.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/process_endpoints.h"
#include "api/routes.h"
#include "json/json.h"

namespace reeve::api {

using control::AuditEntry;

void RecentDecisions::State::add(const AuditEntry& entry) {
  if (!entry.target || entry.target->name.group.empty()) {
    return;
  }
  auto& of_one = entries[*entry.target];
  of_one.push_back(entry);
  ++count;
  if (of_one.size() > max_of_one) {
    of_one.pop_front();
    --count;
  } else if (count > max_entries) {
    drop_one();
  }
}

/// The oldest of the process that has most.
void RecentDecisions::State::drop_one() {
  const auto largest = std::max_element(
      entries.begin(), entries.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  largest->second.pop_front();
  --count;
  if (largest->second.empty()) {
    entries.erase(largest);
  }
}

void RecentDecisions::add(const Entries& entries) {
  state_.with([&](State& state) {
    for (const AuditEntry& each : entries) {
      state.add(each);
    }
  });
}

base::Result<void> RecentDecisions::load(const Read& read, base::SystemTime now) {
  const std::scoped_lock lock(loading_);
  if (loaded_) {
    return {};
  }
  auto earlier = read(now - age, max_entries);
  if (!earlier) {
    return base::failure(std::move(earlier.error()));
  }
  state_.with([&](State& state) {
    // What was recorded since the start is in both; the line tells them apart.
    const State since_start = std::exchange(state, {});
    std::set<std::string> known;
    for (const AuditEntry& each : *earlier) {
      known.insert(to_line(each));
      state.add(each);
    }
    for (const auto& [target, entries] : since_start.entries) {
      for (const AuditEntry& each : entries) {
        if (!known.contains(to_line(each))) {
          state.add(each);
        }
      }
    }
  });
  loaded_ = true;
  return {};
}

RecentDecisions::Entries RecentDecisions::about(const guards::Target& process,
                                                base::SystemTime now) const {
  const guards::Target group{process.supervisor, {process.name.group, ""}};
  Entries found;
  state_.with([&](const State& state) {
    for (const guards::Target& target : {process, group}) {
      if (const auto entries = state.entries.find(target); entries != state.entries.end()) {
        std::copy_if(entries->second.begin(), entries->second.end(), std::back_inserter(found),
                     [&](const AuditEntry& each) { return each.at >= now - age; });
      }
    }
  });
  std::stable_sort(found.begin(), found.end(),
                   [](const AuditEntry& a, const AuditEntry& b) { return a.at < b.at; });
  return found;
}

EndpointResult show_decisions(const RequestContext& context) {
  const auto snapshot = context.deps.snapshot();
  const auto target = readable_process_address(context, *snapshot);
  if (!target) {
    return tl::unexpected(target.error());
  }
  const base::SystemTime now = context.clock.system_now();
  const auto read = [&](base::SystemTime since, std::size_t limit) {
    return context.deps.audit->read(since, limit);
  };
  if (const auto loaded = context.decisions.load(read, now); !loaded) {
    return tl::unexpected(state_problem(loaded.error()));
  }
  const auto may_read = context.reads();
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const AuditEntry& each : context.decisions.about(*target, now)) {
    if (!may_read || may_read(*each.target)) {
      list.push_back(json::to_json(each));
    }
  }
  return json_response(200, list);
}

}  // namespace reeve::api
