#include "metrics/own_process.h"

#include <filesystem>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

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

}  // namespace reeve::metrics
