#include "metrics/agent_metrics.h"

#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "metrics/action_page.h"
#include "metrics/alert_page.h"
#include "metrics/guard_page.h"
#include "metrics/own_process.h"
#include "metrics/registry_text.h"

namespace reeve::metrics {
namespace {

constexpr std::size_t usual_size = 32 * 1024;
const std::vector<double> request_duration_bounds = {0.0005, 0.001, 0.005, 0.025, 0.1,
                                                     0.5,    1.0,   5.0,   30.0};

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry,
                                                  const Family& family) {
  return prometheus::BuildCounter()
      .Name(std::string(family.name))
      .Help(std::string(family.help))
      .Register(registry);
}

prometheus::Family<prometheus::Gauge>& gauges(prometheus::Registry& registry,
                                              const Family& family) {
  return prometheus::BuildGauge()
      .Name(std::string(family.name))
      .Help(std::string(family.help))
      .Register(registry);
}

prometheus::Family<prometheus::Histogram>& histograms(prometheus::Registry& registry,
                                                      const Family& family) {
  return prometheus::BuildHistogram()
      .Name(std::string(family.name))
      .Help(std::string(family.help))
      .Register(registry);
}

template <class Number>
void write_one(TextWriter& out, const Family& family, const std::optional<Number>& value) {
  out.begin(family);
  if (value) {
    out.sample({}, *value);
  }
}

void write_own_process(TextWriter& out, const std::optional<std::int64_t>& booted) {
  if (const auto own = read_own_process()) {
    write_one(out, family("process_cpu_seconds_total"), std::optional(own->cpu_seconds));
    write_one(out, family("process_resident_memory_bytes"), std::optional(own->resident_bytes));
    write_one(out, family("process_virtual_memory_bytes"), std::optional(own->virtual_bytes));
    if (booted) {
      write_one(out, family("process_start_time_seconds"),
                std::optional(static_cast<double>(*booted) + own->started_after_boot_seconds));
    }
  }
  write_one(out, family("process_open_fds"), count_open_fds());
  write_one(out, family("process_max_fds"), max_fds());
}

}  // namespace

struct AgentMetrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Gauge>& build_info = gauges(registry, family("reeve_build_info"));
  prometheus::Gauge& reload_successful =
      gauges(registry, family("reeve_config_last_reload_successful")).Add({});
  prometheus::Gauge& reload_timestamp =
      gauges(registry, family("reeve_config_last_reload_success_timestamp_seconds")).Add({});
  prometheus::Family<prometheus::Counter>& requests =
      counters(registry, family("reeve_http_requests_total"));
  prometheus::Family<prometheus::Histogram>& request_durations =
      histograms(registry, family("reeve_http_request_duration_seconds"));
  std::vector<std::function<http::Stats()>> listeners;
  std::function<control::Stats()> controller;
  std::function<alerts::Stats()> responder;
  std::function<guards::GuardStats()> guards;
  const std::optional<std::int64_t> booted = boot_time();
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
  TextWriter out(usual_size);
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
  write_own_process(out, state_->booted);
  return out.take();
}

}  // namespace reeve::metrics
