#include "monitor/resource_meter.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/stat.h>

namespace reeve::monitor {
namespace {

/// Symbolic links are followed one by one: those in /dev and /proc, as /dev/stdout is, lead to what
/// the agent has open, not to what supervisord has.
std::optional<std::uint64_t> log_size(std::string path) {
  constexpr int max_links = 8;
  for (int links = 0; links < max_links && path.starts_with('/'); ++links) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      return std::nullopt;
    }
    if (S_ISREG(status.st_mode)) {
      return static_cast<std::uint64_t>(status.st_size);
    }
    if (!S_ISLNK(status.st_mode) || path.starts_with("/dev/") || path.starts_with("/proc/")) {
      return std::nullopt;
    }
    std::error_code error;
    const std::filesystem::path link(path);
    const std::filesystem::path target = std::filesystem::read_symlink(link, error);
    path = (link.parent_path() / target).lexically_normal().string();
  }
  return std::nullopt;
}

/// A killed daemon leaves programs behind, which the next poll no longer lists: only so many
/// refutations in a row are logged.
constexpr int refutations_to_log = 3;

procfs::ProcessId kernel_id(substrate::Pid pid) {
  return {pid.value};
}

}  // namespace

std::vector<LogSizes> measure_logs(const std::vector<substrate::InstanceDetail>& instances) {
  std::vector<LogSizes> sizes;
  sizes.reserve(instances.size());
  for (const substrate::InstanceDetail& instance : instances) {
    sizes.push_back({.standard_output = log_size(instance.stdout_log),
                     .standard_error = log_size(instance.stderr_log)});
  }
  return sizes;
}

ResourceMeter::ResourceMeter(bool looks_local, procfs::TreeOptions options, base::Log log)
    : looks_local_(looks_local), tree_options_(std::move(options)), log_(std::move(log)) {}

Usages ResourceMeter::measure(const SupervisorSnapshot& snapshot, const ResourceOptions& options,
                              const base::Deadline& deadline) {
  const bool wanted = options.measure == MeasureResources::on ||
                      (options.measure == MeasureResources::automatic && looks_local_);
  if (!wanted) {
    trees_.reset();
    return nullptr;
  }
  if (!snapshot.up || !snapshot.pid || !is_proven_local(snapshot)) {
    return nullptr;
  }
  if (!trees_) {
    trees_.emplace(tree_options_);
  }
  trees_->measure_proportional_memory(options.proportional_memory);
  return measure_trees(snapshot, deadline);
}

bool ResourceMeter::is_proven_local(const SupervisorSnapshot& snapshot) {
  const Daemon daemon{.pid = *snapshot.pid, .restarts = snapshot.restarts};
  if (daemon_ != daemon) {
    daemon_ = daemon;
    proven_ = false;
    refutations_ = 0;
  }
  if (proven_) {
    return true;
  }
  std::vector<procfs::Program> programs;
  for (const ProcessSnapshot& process : snapshot.processes) {
    if (const auto& pid = process.detail.pid) {
      programs.push_back({.pid = kernel_id(*pid), .start = process.detail.start_time});
    }
  }
  const auto locality = procfs::locate(kernel_id(daemon.pid), programs, tree_options_.folder);
  proven_ = locality == procfs::Locality::here;
  if (locality == procfs::Locality::elsewhere && ++refutations_ == refutations_to_log) {
    log_.info("no resources are measured: the programs of this supervisord do not run here",
              {{"url", snapshot.url}, {"pid", std::to_string(daemon.pid.value)}});
  }
  return proven_;
}

Usages ResourceMeter::measure_trees(const SupervisorSnapshot& snapshot,
                                    const base::Deadline& deadline) {
  std::vector<const ProcessSnapshot*> running;
  std::vector<procfs::ProcessId> roots;
  for (const ProcessSnapshot& process : snapshot.processes) {
    if (process.detail.pid) {
      running.push_back(&process);
      roots.push_back(kernel_id(*process.detail.pid));
    }
  }
  const auto trees = trees_->measure(roots, deadline);
  std::vector<ProcessUsage> usages;
  usages.reserve(trees.size());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    // The pid of a process that has ended since the poll may have been reused.
    if (trees[i] && trees[i]->root_parent == kernel_id(*snapshot.pid)) {
      usages.push_back(
          {.name = running[i]->detail.name, .pid = *running[i]->detail.pid, .tree = *trees[i]});
    }
  }
  return std::make_shared<const std::vector<ProcessUsage>>(std::move(usages));
}

}  // namespace reeve::monitor
