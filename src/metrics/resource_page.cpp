#include "metrics/resource_page.h"

#include <optional>

namespace reeve::metrics {
namespace {

using procfs::TreeUsage;

double seconds(base::Duration span) {
  return std::chrono::duration<double>(span).count();
}

void write_cpu(TextWriter& out, const Shows& shows) {
  out.begin(family("supervisord_process_cpu_seconds_total"));
  for (const ShownSupervisor& each : shows) {
    for (const auto& usage : each.usages) {
      out.sample({usage.labels, R"(mode="user")"}, seconds(usage.thing->cpu.user));
      out.sample({usage.labels, R"(mode="system")"}, seconds(usage.thing->cpu.system));
    }
  }
}

}  // namespace

void write_resources(TextWriter& out, const Shows& shows) {
  write_cpu(out, shows);
  for_each_usage(out, family("supervisord_process_resident_memory_bytes"), shows,
                 [](const TreeUsage& usage) { return std::optional(usage.resident_bytes); });
  for_each_usage(out, family("supervisord_process_proportional_memory_bytes"), shows,
                 [](const TreeUsage& usage) { return usage.proportional_bytes; });
  for_each_usage(out, family("supervisord_process_open_fds"), shows,
                 [](const TreeUsage& usage) { return usage.open_fds; });
  for_each_usage(out, family("supervisord_process_max_fds"), shows,
                 [](const TreeUsage& usage) { return usage.max_fds; });
  for_each_usage(out, family("supervisord_process_threads"), shows,
                 [](const TreeUsage& usage) { return std::optional(usage.threads); });
  for_each_usage(out, family("supervisord_process_tree_size"), shows,
                 [](const TreeUsage& usage) { return std::optional(usage.processes); });
  for_each_usage(out, family("supervisord_process_read_bytes_total"), shows,
                 [](const TreeUsage& usage) {
                   return usage.io ? std::optional(usage.io->read) : std::nullopt;
                 });
  for_each_usage(out, family("supervisord_process_written_bytes_total"), shows,
                 [](const TreeUsage& usage) {
                   return usage.io ? std::optional(usage.io->written) : std::nullopt;
                 });
}

}  // namespace reeve::metrics
