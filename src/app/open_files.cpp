#include "app/open_files.h"

#include <algorithm>

#include <sys/resource.h>

namespace reeve::app {
namespace {

constexpr rlim_t useful = 65536;
/// Of all supervisords: two for each process, 4096 processes.
constexpr std::size_t most_kept = 8192;

}  // namespace

std::size_t raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  const rlimit raised{std::max(limit.rlim_cur, std::min(limit.rlim_max, useful)), limit.rlim_max};
  // prlimit, not setrlimit: the unit's filter of system calls has no room for that one.
  const rlimit& now = ::prlimit(0, RLIMIT_NOFILE, &raised, nullptr) == 0 ? raised : limit;
  return static_cast<std::size_t>(now.rlim_cur);
}

std::size_t kept_files(std::size_t limit, std::size_t supervisors) {
  // Half of them stay for connections and all else.
  return std::min(limit / 2, most_kept) / std::max<std::size_t>(supervisors, 1);
}

}  // namespace reeve::app
