#include "metrics/agent_metrics.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/text_writer.h"
#include "procfs/proc_fs.h"

namespace reeve::metrics {

namespace {

double ticks_to_seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<OwnProcess> to_own_process(const std::optional<procfs::Stat>& stat) {
  if (!stat) {
    return std::nullopt;
  }
  OwnProcess own;
  own.cpu_seconds = ticks_to_seconds(stat->user + stat->system);
  own.resident_bytes = stat->resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  own.virtual_bytes = stat->virtual_bytes;
  own.started_after_boot_seconds = ticks_to_seconds(stat->start);
  return own;
}

}  // namespace

std::optional<OwnProcess> parse_own_stat(std::string_view text) {
  return to_own_process(procfs::parse_stat(text));
}

std::optional<OwnProcess> read_own_process() {
  return to_own_process(procfs::read_own_stat());
}

std::optional<std::uint64_t> count_open_fds() {
  struct stat folder {};
  if (::stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {  // from Linux 6.2 on
    return static_cast<std::uint64_t>(folder.st_size);
  }
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator fds("/proc/self/fd", error), end; !error && fds != end;
       fds.increment(error)) {
    ++count;
  }
  if (error || count == 0) {
    return std::nullopt;
  }
  return count - 1;  // without the one that reads the folder
}

std::optional<std::uint64_t> max_fds() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::nullopt;
  }
  return limit.rlim_cur;
}

std::optional<std::chrono::sys_seconds> boot_time() {
  return procfs::read_boot_time();
}

namespace {

constexpr std::size_t usual_page_bytes = std::size_t{32} * 1024;
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
  for (const auto& [target_and_action, last] : stats.last_actions) {
    const auto& [target, action] = target_and_action;
    out.sample({target_labels(target), label("action", to_string(action))},
               std::chrono::floor<std::chrono::seconds>(last.at).time_since_epoch().count());
  }
  out.begin(family("reeve_last_action_failed"));
  for (const auto& [target_and_action, last] : stats.last_actions) {
    const auto& [target, action] = target_and_action;
    const std::string owner =
        join_labels(target_labels(target), label("action", to_string(action)));
    const std::string cause =
        join_labels(label("source", to_string(last.source)),
                    label("reason", last.failure ? to_string(*last.failure) : ""));
    out.sample({owner, cause}, last.failure.has_value());
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
  out.begin(family("reeve_alerts_pending"));
  for (const auto& [rule_and_reason, count] : stats.pending) {
    const auto& [rule, reason] = rule_and_reason;
    out.sample({label("rule", rule), label("reason", to_string(reason))}, count);
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

void write_limits(TextWriter& out, const coordination::Stats& stats) {
  const auto write = [&](const Family& family, const auto& value_of) {
    out.begin(family);
    for (const auto& [limit, state] : stats.limits) {
      if (const auto value = value_of(state)) {
        out.sample({label("limit", limit)}, *value);
      }
    }
  };
  using State = coordination::LimitState;
  write(family("reeve_limit_slots"),
        [](const State& each) { return std::optional(each.limit.at_once); });
  write(family("reeve_limit_slots_held"),
        [](const State& each) { return std::optional(each.held.size()); });
  write(family("reeve_limit_budget_left"), [](const State& each) -> std::optional<unsigned> {
    const auto& budget = each.limit.budget;
    return budget ? std::optional(budget->count - std::min(each.budget_used, budget->count))
                  : std::nullopt;
  });
  out.begin(family("reeve_limit_claims_total"));
  for (const auto& [limit_and_outcome, count] : stats.claims) {
    const auto& [limit, outcome] = limit_and_outcome;
    out.sample({label("limit", limit), label("result", to_string(outcome))}, count);
  }
  out.begin(family("reeve_limit_wait_seconds"));
  for (const auto& [limit, waits] : stats.waits) {
    out.histogram(label("limit", limit),
                  {coordination::wait_bounds, waits.counts, waits.sum_seconds});
  }
}

void write_coordination(TextWriter& out, const coordination::Stats& stats) {
  out.begin(family("reeve_coordination_up"));
  out.sample({}, stats.up);
  out.begin(family("reeve_coordination_last_contact_timestamp_seconds"));
  if (stats.last_contact) {
    out.sample(
        {},
        std::chrono::floor<std::chrono::seconds>(*stats.last_contact).time_since_epoch().count());
  }
  out.begin(family("reeve_coordination_requests_total"));
  for (const auto& [call_and_result, count] : stats.requests) {
    const auto& [call, result] = call_and_result;
    out.sample({label("call", call), label("result", result)}, count);
  }
  out.begin(family("reeve_coordination_members"));
  out.sample({label("alive", "true")}, stats.members_alive);
  out.sample({label("alive", "false")}, stats.members_not_alive);
  write_limits(out, stats);
}

void write_listeners(TextWriter& out, const std::vector<std::function<http::Stats()>>& listeners) {
  std::vector<http::Stats> stats;
  stats.reserve(listeners.size());
  for (const auto& read : listeners) {
    stats.push_back(read());
  }
  const auto write = [&](const Family& family, const auto& causes, auto counts) {
    out.begin(family);
    for (const http::Stats& listener : stats) {
      for (const auto cause : causes) {
        out.sample({label("listener", listener.listener), label("cause", to_string(cause))},
                   (listener.*counts).at(static_cast<std::size_t>(cause)));
      }
    }
  };
  write(family("reeve_http_rejected_connections_total"), http::all_rejection_causes,
        &http::Stats::rejected);
  write(family("reeve_http_evicted_connections_total"), http::all_eviction_causes,
        &http::Stats::evicted);
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
  std::function<coordination::Stats()> coordinator;
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

void AgentMetrics::set_coordinator(std::function<coordination::Stats()> stats) {
  state_->coordinator = std::move(stats);
}

std::string AgentMetrics::render() const {
  TextWriter out(usual_page_bytes);
  write_families(out, state_->registry.Collect());
  write_listeners(out, state_->listeners);
  if (state_->controller) {
    write_actions(out, state_->controller());
  }
  if (state_->responder) {
    write_alert_decisions(out, state_->responder());
  }
  if (state_->guards) {
    write_guards(out, state_->guards());
  }
  if (state_->coordinator) {
    write_coordination(out, state_->coordinator());
  }
  write_own_process(out, state_->boot);
  return out.take();
}

}  // namespace reeve::metrics
