// Whether a manager's pids are ours.

#include <unistd.h>

#include "procfs/folder.h"

namespace reeve::procfs {
namespace {

constexpr std::chrono::seconds tolerance(3);

/// Whether the process was started when its manager says so, as far as both are known.
bool started_then(const Stat& stat, const Program& program,
                  const std::optional<std::chrono::sys_seconds>& boot) {
  static const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  if (!program.start || !boot) {
    return false;
  }
  const auto started = *boot + std::chrono::seconds(stat.start / ticks_per_second);
  const auto apart = started - *program.start;
  return apart <= tolerance && -apart <= tolerance;
}

}  // namespace

Locality locate(ProcessId daemon, const std::vector<Program>& programs, const std::string& path) {
  constexpr ProcessId init{1};
  Folder folder(path, 0);
  const auto text = folder.read("stat");
  const auto boot = text ? parse_boot_time(*text) : std::nullopt;
  Locality locality = Locality::unknown;
  for (const Program& program : programs) {
    const auto stat = folder.stat(program.pid);
    if (!stat) {
      continue;  // it may just have ended
    }
    if (stat->parent != daemon) {
      return Locality::elsewhere;
    }
    if (daemon != init || started_then(*stat, program, boot)) {
      locality = Locality::here;
    }
  }
  return locality;
}

}  // namespace reeve::procfs
