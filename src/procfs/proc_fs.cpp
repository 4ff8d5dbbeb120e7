#include "procfs/proc_fs.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

namespace reeve::procfs {
namespace {

struct CloseDirectory {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenDirectory = std::unique_ptr<DIR, CloseDirectory>;

OpenDirectory open_directory(int parent, const char* name) {
  base::Descriptor descriptor(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  OpenDirectory folder(descriptor.valid() ? ::fdopendir(descriptor.get()) : nullptr);
  if (folder) {
    descriptor.release();
  }
  return folder;
}

/// Where they are counted one by one.
constexpr std::uint64_t max_counted_fds = 100'000;

/// The next entry's name; null at the end, and on an error, with errno set.
const char* next_name(DIR* folder) {
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this thread's alone
  const dirent* const entry = ::readdir(folder);
  return entry == nullptr ? nullptr : &entry->d_name[0];
}

/// Long enough for a pid and the name of a file that we read.
using Path = std::array<char, 64>;

Path path_of(ProcessId process, const char* file) {
  Path path{};
  std::snprintf(path.data(), path.size(), "%lld/%s", static_cast<long long>(process.value), file);
  return path;
}

const char* name_of(File file) {
  constexpr std::array names = {"stat", "io", "limits", "smaps_rollup"};
  return names.at(static_cast<std::size_t>(file));
}

ReadFailure failure_of(int error_number) {
  if (error_number == ENOENT || error_number == ESRCH || error_number == ENOTDIR) {
    return ReadFailure::vanished;
  }
  return error_number == EACCES || error_number == EPERM ? ReadFailure::hidden
                                                         : ReadFailure::failed;
}

using base::parse_number;

std::string_view next_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  const std::size_t end = std::min(text.find_first_of(" \t\n", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

/// The number after `label` at the beginning of a line.
std::optional<std::uint64_t> labelled(std::string_view text, std::string_view label) {
  std::size_t at = text.starts_with(label) ? 0 : std::string_view::npos;
  for (std::size_t newline = text.find('\n');
       at == std::string_view::npos && newline != std::string_view::npos;
       newline = text.find('\n', newline + 1)) {
    at = text.substr(newline + 1).starts_with(label) ? newline + 1 : at;
  }
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(at + label.size());
  return parse_number<std::uint64_t>(next_word(rest));
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  // The name is in parentheses and may hold any; only numbers follow the last.
  const std::size_t name_end = text.rfind(") ");
  const auto pid =
      parse_number<std::int64_t>(text.substr(0, std::min(text.find(' '), text.size())));
  if (name_end == std::string_view::npos || !pid) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(name_end + 1);
  constexpr std::size_t first_field = 3;  // as proc(5) counts
  constexpr std::size_t last_field = 24;
  std::array<std::uint64_t, last_field + 1> fields{};
  Stat stat;
  stat.pid = {*pid};
  const std::string_view state = next_word(rest);
  if (state.size() != 1) {
    return std::nullopt;
  }
  stat.state = state.front();
  for (std::size_t field = first_field + 1; field <= last_field; ++field) {
    // Some of the fields that are not used are negative.
    const auto number = parse_number<std::int64_t>(next_word(rest));
    const bool wanted_unsigned = field == 4 || field >= 14;
    if (!number) {
      return std::nullopt;
    }
    fields.at(field) =
        wanted_unsigned ? static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0)) : 0;
  }
  stat.parent = {static_cast<std::int64_t>(fields[4])};
  stat.user = fields[14];
  stat.system = fields[15];
  stat.children_user = fields[16];
  stat.children_system = fields[17];
  stat.threads = fields[20];
  stat.start = fields[22];
  stat.virtual_bytes = fields[23];
  stat.resident_pages = fields[24];
  return stat;
}

std::optional<IoBytes> parse_io(std::string_view text) {
  const auto read = labelled(text, "read_bytes:");
  const auto written = labelled(text, "write_bytes:");
  return read && written ? std::optional(IoBytes{*read, *written}) : std::nullopt;
}

std::optional<std::uint64_t> parse_max_fds(std::string_view text) {
  return labelled(text, "Max open files");
}

std::optional<std::uint64_t> parse_proportional(std::string_view text) {
  const auto kilobytes = labelled(text, "Pss:");
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

std::optional<std::chrono::sys_seconds> parse_boot_time(std::string_view text) {
  const auto seconds = labelled(text, "btime");
  constexpr std::uint64_t latest = std::uint64_t{1} << 40U;
  return seconds && *seconds < latest
             ? std::optional(std::chrono::sys_seconds(std::chrono::seconds(*seconds)))
             : std::nullopt;
}

ProcFs::ProcFs(const std::string& path, std::size_t max_kept)
    : root_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  struct statfs status {};
  is_real_ =
      root_.valid() && ::fstatfs(root_.get(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
  const auto self = is_real_ ? read("self/stat") : std::nullopt;
  const auto self_stat = self ? parse_stat(*self) : std::nullopt;
  is_own_namespace_ = self_stat && self_stat->pid.value == ::getpid();
  max_kept_ = is_real_ ? max_kept : 0;
}

std::optional<std::vector<ProcessId>> ProcFs::processes() const {
  const OpenDirectory directory = open_directory(root_.get(), ".");
  if (!directory) {
    return std::nullopt;
  }
  std::vector<ProcessId> processes;
  while (const char* const name = next_name(directory.get())) {
    if (const auto pid = base::parse_number<std::int64_t>(name); pid && *pid > 0) {
      processes.push_back({*pid});
    }
  }
  return errno == 0 ? std::optional(std::move(processes)) : std::nullopt;
}

std::optional<std::string_view> ProcFs::read(ProcessId process, File file) {
  base::Descriptor* const place = kept_file(process, file);
  if (place != nullptr && place->valid()) {
    const auto text = read_open(place->get());
    if (text || failure_ != ReadFailure::vanished) {
      return text;
    }
    // That process has ended; the pid may be another's by now.
    kept_.erase(process.value);
    return read(path_of(process, name_of(file)).data());
  }
  base::Descriptor open(
      ::openat(root_.get(), path_of(process, name_of(file)).data(), O_RDONLY | O_CLOEXEC));
  if (!open.valid()) {
    failure_ = failure_of(errno);
    return std::nullopt;
  }
  const auto text = read_open(open.get());
  if (place != nullptr && text) {
    *place = std::move(open);
  }
  return text;
}

std::optional<std::string_view> ProcFs::read(const char* file) {
  const base::Descriptor open(::openat(root_.get(), file, O_RDONLY | O_CLOEXEC));
  if (!open.valid()) {
    failure_ = failure_of(errno);
    return std::nullopt;
  }
  return read_open(open.get());
}

std::optional<std::string_view> ProcFs::read_open(int descriptor) {
  // The kernel gives such a file whole in one read.
  const ssize_t got = ::pread(descriptor, buffer_.data(), buffer_.size(), 0);
  if (got < 0) {
    failure_ = failure_of(errno);
    return std::nullopt;
  }
  return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
}

/// Null if this file is not to be kept.
base::Descriptor* ProcFs::kept_file(ProcessId process, File file) {
  const auto found = kept_.find(process.value);
  const bool keepable = file == File::stat || file == File::io;
  return found == kept_.end() || !keepable ? nullptr : &found->second.at(file == File::io ? 1 : 0);
}

void ProcFs::keep(const std::vector<ProcessId>& processes) {
  std::unordered_map<std::int64_t, Kept> next;
  for (const ProcessId process : processes) {
    if (2 * next.size() + 2 > max_kept_) {
      break;
    }
    const auto before = kept_.find(process.value);
    next.emplace(process.value, before == kept_.end() ? Kept{} : std::move(before->second));
  }
  kept_ = std::move(next);
}

std::optional<Stat> ProcFs::stat(ProcessId process) {
  const auto text = read(process, File::stat);
  if (text) {
    failure_ = ReadFailure::vanished;  // should the kernel ever write what is no stat
  }
  return text ? parse_stat(*text) : std::nullopt;
}

std::optional<std::uint64_t> ProcFs::open_fds(ProcessId process) {
  const Path path = path_of(process, "fd");
  struct stat status {};
  // Since Linux 6.2 the size of the folder is their number.
  if (is_real_ && ::fstatat(root_.get(), path.data(), &status, 0) == 0 && status.st_size > 0) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  const OpenDirectory directory = open_directory(root_.get(), path.data());
  if (!directory) {
    return std::nullopt;
  }
  std::uint64_t count = 0;
  while (const char* const name = next_name(directory.get())) {
    count += *name == '.' ? 0 : 1;
    if (count > max_counted_fds) {
      return std::nullopt;
    }
  }
  return errno == 0 ? std::optional(count) : std::nullopt;
}

std::optional<std::uint64_t> ProcFs::max_fds(ProcessId process) {
  struct rlimit limit {};
  if (is_own_namespace_ &&
      ::prlimit(static_cast<pid_t>(process.value), RLIMIT_NOFILE, nullptr, &limit) == 0) {
    return limit.rlim_cur == RLIM_INFINITY ? std::nullopt : std::optional(limit.rlim_cur);
  }
  const auto text = read(process, File::limits);
  return text ? parse_max_fds(*text) : std::nullopt;
}

namespace {

constexpr std::size_t max_stat_bytes = std::size_t{4} * 1024;
constexpr std::size_t max_system_stat_bytes = std::size_t{256} * 1024;

std::optional<Stat> read_stat_of(const std::string& process) {
  const auto text = base::read_file("/proc/" + process + "/stat", max_stat_bytes);
  return text ? parse_stat(*text) : std::nullopt;
}

}  // namespace

std::optional<Stat> read_stat(ProcessId process) {
  return read_stat_of(std::to_string(process.value));
}

std::optional<Stat> read_own_stat() {
  return read_stat_of("self");
}

std::optional<std::chrono::sys_seconds> read_boot_time() {
  const auto text = base::read_file("/proc/stat", max_system_stat_bytes);
  return text ? parse_boot_time(*text) : std::nullopt;
}

}  // namespace reeve::procfs
