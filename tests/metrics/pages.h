#pragma once

// Rendered pages, and what stands on them.

#include <string>

#include "metrics/exposition.h"
#include "metrics/fleet_page.h"

namespace reeve::metrics {

inline std::string page(const monitor::Snapshot& snapshot, const Options& options = {}) {
  Filter filter(options);
  return render_fleet(snapshot, options, filter, 0);
}

/// The whole page of an agent that has done something of each kind, with every option that shows
/// more.
inline std::string whole_page(std::vector<monitor::SupervisorSnapshot> supervisors,
                              Options options = {}) {
  AgentMetrics agent({"0.1.0", "abc", "g++"});
  agent.observe_request("/metrics", 200, std::chrono::milliseconds(1));
  agent.add_listener([] { return http::Stats{"metrics", 0, 0, 0}; });
  agent.set_controller([] {
    control::Stats stats;
    stats.last_actions[{{"", {"a", "b"}}, guards::Action::stop}] = {};
    return stats;
  });
  agent.set_responder([] { return alerts::Stats{{{"none", {}}}}; });
  agent.set_guards([] {
    guards::GuardStats stats;
    stats.guards.emplace_back().target = {"", {"a", "b"}};
    stats.maintenance = {{"*", {}, "", "ops"}};
    return stats;
  });
  options.transitions = true;
  options.node_exporter_names = true;
  options.supervisord_exporter_names = true;
  Exposition exposition(options, agent);
  exposition.publish(std::make_shared<const monitor::Snapshot>(
      monitor::Snapshot{1, std::move(supervisors), true}));
  const auto page = exposition.page(Encoding::plain);
  return *page[0] + *page[1];
}

inline bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace reeve::metrics
