#include "monitor/log_files.h"

#include <string>

#include <sys/stat.h>

namespace reeve::monitor {
namespace {

std::optional<std::uint64_t> size_of(const std::string& path) {
  struct stat status {};
  if (!path.starts_with('/') || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

std::vector<LogSizes> measure_logs(const std::vector<substrate::InstanceDetail>& instances) {
  std::vector<LogSizes> sizes;
  sizes.reserve(instances.size());
  for (const substrate::InstanceDetail& instance : instances) {
    sizes.push_back({size_of(instance.stdout_log), size_of(instance.stderr_log)});
  }
  return sizes;
}

}  // namespace reeve::monitor
