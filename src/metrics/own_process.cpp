#include "metrics/own_process.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

namespace reeve::metrics {
namespace {

constexpr std::size_t longest_stat = 4 * 1024;
constexpr std::size_t longest_system_stat = 256 * 1024;

// The 14th and further fields of proc(5)'s stat, counted from the state, the third.
constexpr std::size_t utime = 11;
constexpr std::size_t stime = 12;
constexpr std::size_t starttime = 19;
constexpr std::size_t vsize = 20;
constexpr std::size_t rss = 21;
constexpr std::size_t wanted_fields = rss + 1;

double per_tick(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<OwnProcess> parse_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(name_end + 2);
  std::array<std::uint64_t, wanted_fields> fields{};
  for (std::size_t i = 0; i < wanted_fields; ++i) {
    const std::string_view field = text.substr(0, text.find(' '));
    const bool is_wanted = i == utime || i == stime || i >= starttime;
    const auto number = base::parse_number<std::uint64_t>(field);
    if (is_wanted && !number) {
      return std::nullopt;
    }
    fields.at(i) = number.value_or(0);
    text.remove_prefix(std::min(text.size(), field.size() + 1));
  }
  return OwnProcess{per_tick(fields[utime] + fields[stime]),
                    fields[rss] * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
                    fields[vsize], per_tick(fields[starttime])};
}

std::optional<OwnProcess> read_own_process() {
  const auto text = base::read_file("/proc/self/stat", longest_stat);
  return text ? parse_stat(*text) : std::nullopt;
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
  return count - 1;  // without the one that looks
}

std::optional<std::uint64_t> max_fds() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::nullopt;
  }
  return limit.rlim_cur;
}

std::optional<std::int64_t> boot_time() {
  constexpr std::string_view key = "\nbtime ";
  const auto text = base::read_file("/proc/stat", longest_system_stat);
  const std::size_t at = text ? text->find(key) : std::string::npos;
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const std::string_view rest = std::string_view(*text).substr(at + key.size());
  return base::parse_number<std::int64_t>(rest.substr(0, rest.find('\n')));
}

}  // namespace reeve::metrics
