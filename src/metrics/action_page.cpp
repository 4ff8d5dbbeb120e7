#include "metrics/action_page.h"

#include <chrono>

#include "metrics/target_labels.h"

namespace reeve::metrics {
namespace {

using control::ActionCounters;
using guards::Action;
using guards::Source;

template <class Write>
void for_each_door(const control::Stats& stats, Write write) {
  for (const Action action : guards::all_actions) {
    for (const Source source : guards::all_sources) {
      write(join_labels(label("action", to_string(action)), label("source", to_string(source))),
            stats.of(action, source));
    }
  }
}

template <class Reasons, class Counts>
void write_reasons(TextWriter& out, const control::Stats& stats, const Reasons& reasons,
                   Counts counts) {
  for_each_door(stats, [&](const std::string& labels, const ActionCounters& counters) {
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      out.sample({labels, label("reason", to_string(reasons[i]))}, (counters.*counts)[i]);
    }
  });
}

void write_last_actions(TextWriter& out, const control::Stats& stats) {
  out.begin(family("reeve_last_action_timestamp_seconds"));
  for (const auto& [what, at] : stats.last_actions) {
    const auto& [target, action] = what;
    out.sample({target_labels(target), label("action", to_string(action))},
               std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  }
}

}  // namespace

void write_actions(TextWriter& out, const control::Stats& stats) {
  out.begin(family("reeve_actions_total"));
  for_each_door(stats, [&](const std::string& labels, const ActionCounters& counters) {
    out.sample({labels}, counters.finished);
  });
  out.begin(family("reeve_action_failures_total"));
  write_reasons(out, stats, control::all_failure_reasons, &ActionCounters::failures);
  out.begin(family("reeve_action_duration_seconds"));
  for (std::size_t i = 0; i < guards::all_actions.size(); ++i) {
    const control::ActionDurations& durations = stats.durations.at(i);
    out.histogram(label("action", to_string(guards::all_actions.at(i))),
                  {control::action_duration_bounds, durations.counts, durations.sum_seconds});
  }
  out.begin(family("reeve_actions_refused_total"));
  write_reasons(out, stats, guards::all_refusal_reasons, &ActionCounters::refused);
  write_last_actions(out, stats);
}

}  // namespace reeve::metrics
