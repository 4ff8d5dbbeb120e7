#include "metrics/agent_metrics.h"

#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "metrics/own_process.h"
#include "metrics/text_writer.h"

namespace reeve::metrics {
namespace {

constexpr std::size_t usual_page_bytes = 32 * 1024;
const std::vector<double> request_duration_bounds = {0.0005, 0.001, 0.005, 0.025, 0.1,
                                                     0.5,    1.0,   5.0,   30.0};

/// A new family of the registry: `build` is prometheus-cpp's builder for its type.
template <class Builder>
auto& add_family(Builder build, prometheus::Registry& registry, const Family& family) {
  return build.Name(std::string(family.name)).Help(std::string(family.help)).Register(registry);
}

/// group and name, with supervisor before them where it has a name.
std::string target_labels(const guards::Target& target) {
  return join_labels(
      target.supervisor.empty() ? "" : label("supervisor", target.supervisor),
      join_labels(label("group", target.name.group), label("name", target.name.name)));
}

template <class Write>
void for_each_action_and_source(const control::Stats& stats, Write write) {
  for (const guards::Action action : guards::all_actions) {
    for (const guards::Source source : guards::all_sources) {
      write(join_labels(label("action", to_string(action)), label("source", to_string(source))),
            stats.of(action, source));
    }
  }
}

/// Several reasons have the same label.
void write_refused(TextWriter& out, const control::Stats& stats) {
  for_each_action_and_source(stats, [&](const std::string& labels, const auto& counters) {
    for (const std::string_view refused : guards::refused_labels) {
      std::uint64_t count = 0;
      for (const guards::Reason reason : guards::all_reasons) {
        const bool counts = refused_label(reason) == refused;
        count += counts ? counters.refused.at(static_cast<std::size_t>(reason)) : 0;
      }
      out.sample({labels, label("reason", refused)}, count);
    }
  });
}

void write_actions(TextWriter& out, const control::Stats& stats) {
  out.begin(family("reeve_actions_total"));
  for_each_action_and_source(stats, [&](const std::string& labels, const auto& counters) {
    out.sample({labels}, counters.finished);
  });
  out.begin(family("reeve_action_failures_total"));
  for_each_action_and_source(stats, [&](const std::string& labels, const auto& counters) {
    for (std::size_t i = 0; i < control::all_failure_reasons.size(); ++i) {
      out.sample({labels, label("reason", to_string(control::all_failure_reasons[i]))},
                 counters.failures[i]);
    }
  });
  out.begin(family("reeve_action_duration_seconds"));
  for (std::size_t i = 0; i < guards::all_actions.size(); ++i) {
    const control::ActionDurations& durations = stats.durations.at(i);
    out.histogram(label("action", to_string(guards::all_actions.at(i))),
                  {control::action_duration_bounds, durations.counts, durations.sum_seconds});
  }
  out.begin(family("reeve_actions_refused_total"));
  write_refused(out, stats);
  out.begin(family("reeve_last_action_timestamp_seconds"));
  for (const auto& [target_and_action, at] : stats.last_actions) {
    const auto& [target, action] = target_and_action;
    out.sample({target_labels(target), label("action", to_string(action))},
               std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  }
}

void write_alert_decisions(TextWriter& out, const alerts::Stats& stats) {
  out.begin(family("reeve_alert_decisions_total"));
  for (const auto& [rule, counts] : stats.decisions) {
    for (const guards::Reason verdict : guards::all_verdicts) {
      out.sample({label("rule", rule), label("decision", to_string(verdict))},
                 counts.at(static_cast<std::size_t>(verdict)));
    }
  }
}

void write_guards(TextWriter& out, const guards::GuardStats& stats) {
  out.begin(family("reeve_guard_gave_up"));
  for (const guards::GuardState& guard : stats.guards) {
    out.sample({target_labels(guard.target)}, guard.gave_up);
  }
  out.begin(family("reeve_guard_breaker_open"));
  out.sample({}, stats.breaker_open);
  out.begin(family("reeve_maintenance"));
  for (const guards::MaintenanceWindow& window : stats.maintenance) {
    out.sample({label("scope", window.scope)}, 1);
  }
}

void write_own_process(TextWriter& out, const std::optional<std::chrono::sys_seconds>& boot) {
  const auto write = [&](const Family& family, const auto& value) {
    out.begin(family);
    out.sample({}, value);
  };
  if (const auto own = read_own_process()) {
    write(family("process_cpu_seconds_total"), own->cpu_seconds);
    write(family("process_resident_memory_bytes"), own->resident_bytes);
    write(family("process_virtual_memory_bytes"), own->virtual_bytes);
    if (boot) {
      write(
          family("process_start_time_seconds"),
          static_cast<double>(boot->time_since_epoch().count()) + own->started_after_boot_seconds);
    }
  }
  write(family("process_open_fds"), count_open_fds());
  write(family("process_max_fds"), max_fds());
}

}  // namespace

struct AgentMetrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Gauge>& build_info =
      add_family(prometheus::BuildGauge(), registry, family("reeve_build_info"));
  prometheus::Gauge& reload_successful =
      add_family(prometheus::BuildGauge(), registry, family("reeve_config_last_reload_successful"))
          .Add({});
  prometheus::Gauge& reload_timestamp =
      add_family(prometheus::BuildGauge(), registry,
                 family("reeve_config_last_reload_success_timestamp_seconds"))
          .Add({});
  prometheus::Family<prometheus::Counter>& requests =
      add_family(prometheus::BuildCounter(), registry, family("reeve_http_requests_total"));
  prometheus::Family<prometheus::Histogram>& request_durations = add_family(
      prometheus::BuildHistogram(), registry, family("reeve_http_request_duration_seconds"));
  std::vector<std::function<http::Stats()>> listeners;
  std::function<control::Stats()> controller;
  std::function<alerts::Stats()> responder;
  std::function<guards::GuardStats()> guards;
  const std::optional<std::chrono::sys_seconds> boot = boot_time();
};

AgentMetrics::AgentMetrics(const base::BuildInfo& build) : state_(std::make_unique<State>()) {
  state_->build_info
      .Add({{"version", std::string(build.version)},
            {"revision", std::string(build.revision)},
            {"compiler", std::string(build.compiler)}})
      .Set(1);
}

AgentMetrics::~AgentMetrics() = default;

void AgentMetrics::observe_request(std::string_view handler, int status,
                                   std::chrono::nanoseconds duration) {
  const std::string name(handler);
  state_->requests.Add({{"handler", name}, {"code", std::to_string(status)}}).Increment();
  state_->request_durations.Add({{"handler", name}}, request_duration_bounds)
      .Observe(std::chrono::duration<double>(duration).count());
}

void AgentMetrics::observe_reload(bool successful, std::chrono::system_clock::time_point at) {
  state_->reload_successful.Set(successful ? 1 : 0);
  if (successful) {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch());
    state_->reload_timestamp.Set(std::chrono::duration<double>(since).count());
  }
}

void AgentMetrics::add_listener(std::function<http::Stats()> stats) {
  state_->listeners.push_back(std::move(stats));
}

void AgentMetrics::set_controller(std::function<control::Stats()> stats) {
  state_->controller = std::move(stats);
}

void AgentMetrics::set_responder(std::function<alerts::Stats()> stats) {
  state_->responder = std::move(stats);
}

void AgentMetrics::set_guards(std::function<guards::GuardStats()> stats) {
  state_->guards = std::move(stats);
}

std::string AgentMetrics::render() const {
  TextWriter out(usual_page_bytes);
  write_families(out, state_->registry.Collect());
  out.begin(family("reeve_http_rejected_connections_total"));
  for (const auto& stats : state_->listeners) {
    const http::Stats listener = stats();
    out.sample({label("listener", listener.listener)}, listener.rejected_connections);
  }
  if (state_->controller) {
    write_actions(out, state_->controller());
  }
  if (state_->responder) {
    write_alert_decisions(out, state_->responder());
  }
  if (state_->guards) {
    write_guards(out, state_->guards());
  }
  write_own_process(out, state_->boot);
  return out.take();
}

}  // namespace reeve::metrics
