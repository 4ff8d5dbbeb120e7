#include "metrics/own_process.h"

#include <filesystem>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "procfs/stat.h"

namespace reeve::metrics {
namespace {

constexpr std::size_t max_stat_bytes = 4 * 1024;
constexpr std::size_t max_system_stat_bytes = 256 * 1024;

double ticks_to_seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<OwnProcess> parse_own_stat(std::string_view text) {
  const auto stat = procfs::parse_stat(text);
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

std::optional<OwnProcess> read_own_process() {
  const auto text = base::read_file("/proc/self/stat", max_stat_bytes);
  return text ? parse_own_stat(*text) : std::nullopt;
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
  const auto text = base::read_file("/proc/stat", max_system_stat_bytes);
  return text ? procfs::parse_boot_time(*text) : std::nullopt;
}

}  // namespace reeve::metrics
