#include "monitor/resource_meter.h"

#include <utility>

namespace reeve::monitor {
namespace {

/// A daemon that was killed leaves programs behind, which the next poll no longer lists: only what
/// is refuted so many times in a row is worth a line in the log.
constexpr int refutations_to_be_sure = 3;

procfs::ProcessId kernel_id(substrate::Pid pid) {
  return {pid.value};
}

}  // namespace

ResourceMeter::ResourceMeter(bool looks_local, procfs::TreeOptions options, base::Log log)
    : looks_local_(looks_local), tree_options_(std::move(options)), log_(std::move(log)) {}

Usages ResourceMeter::measure(const SupervisorSnapshot& seen, const ResourceOptions& options,
                              const base::Deadline& deadline) {
  const bool wanted = options.measure == MeasureResources::on ||
                      (options.measure == MeasureResources::automatic && looks_local_);
  if (!wanted) {
    trees_.reset();
    return nullptr;
  }
  if (!seen.up || !seen.pid || !is_proven_local(seen)) {
    return nullptr;
  }
  if (!trees_) {
    trees_.emplace(tree_options_);
  }
  trees_->measure_proportional_memory(options.proportional_memory);
  return pass(seen, deadline);
}

bool ResourceMeter::is_proven_local(const SupervisorSnapshot& seen) {
  const Daemon daemon{*seen.pid, seen.restarts};
  if (daemon_ != daemon) {
    daemon_ = daemon;
    proven_ = false;
    refutations_ = 0;
  }
  if (proven_) {
    return true;
  }
  std::vector<procfs::Program> programs;
  for (const ProcessSnapshot& process : seen.processes) {
    if (const auto& pid = process.detail.pid) {
      programs.push_back({kernel_id(*pid), process.detail.start_time});
    }
  }
  const auto locality = procfs::locate(kernel_id(daemon.pid), programs, tree_options_.folder);
  proven_ = locality == procfs::Locality::here;
  if (locality == procfs::Locality::elsewhere && ++refutations_ == refutations_to_be_sure) {
    log_.info("no resources are measured: the programs of this supervisord do not run here",
              {{"url", seen.url}, {"pid", std::to_string(daemon.pid.value)}});
  }
  return proven_;
}

Usages ResourceMeter::pass(const SupervisorSnapshot& seen, const base::Deadline& deadline) {
  std::vector<const ProcessSnapshot*> running;
  std::vector<procfs::ProcessId> roots;
  for (const ProcessSnapshot& process : seen.processes) {
    if (process.detail.pid) {
      running.push_back(&process);
      roots.push_back(kernel_id(*process.detail.pid));
    }
  }
  const auto trees = trees_->measure(roots, deadline);
  std::vector<ProcessUsage> usages;
  usages.reserve(trees.size());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    // The pid of a process that has ended since the poll may be another's by now.
    if (trees[i] && trees[i]->root_parent == kernel_id(*seen.pid)) {
      usages.push_back({running[i]->detail.name, *running[i]->detail.pid, *trees[i]});
    }
  }
  return std::make_shared<const std::vector<ProcessUsage>>(std::move(usages));
}

}  // namespace reeve::monitor
