#include "procfs/folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/text.h"

namespace reeve::procfs {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

OpenFolder open_folder(int parent, const char* name) {
  base::Descriptor descriptor(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  OpenFolder folder(descriptor.valid() ? ::fdopendir(descriptor.get()) : nullptr);
  if (folder) {
    descriptor.release();
  }
  return folder;
}

/// Where each must be counted by itself.
constexpr std::uint64_t most_open_fds = 100'000;

/// The next name in it; null at the end, and on an error, which errno tells then.
const char* next_name(DIR* folder) {
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream
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
  switch (file) {
    case File::stat:
      return "stat";
    case File::io:
      return "io";
    case File::limits:
      return "limits";
    case File::smaps_rollup:
      return "smaps_rollup";
  }
  return "";
}

Absence absence_of(int error_number) {
  if (error_number == ENOENT || error_number == ESRCH || error_number == ENOTDIR) {
    return Absence::vanished;
  }
  return error_number == EACCES || error_number == EPERM ? Absence::hidden : Absence::failed;
}

}  // namespace

Folder::Folder(const std::string& path, std::size_t max_kept)
    : folder_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  struct statfs status {};
  is_kernels_ = folder_.valid() && ::fstatfs(folder_.get(), &status) == 0 &&
                status.f_type == PROC_SUPER_MAGIC;
  const auto self = is_kernels_ ? read("self/stat") : std::nullopt;
  const auto self_stat = self ? parse_stat(*self) : std::nullopt;
  is_ours_ = self_stat && self_stat->pid.value == ::getpid();
  max_kept_ = is_kernels_ ? max_kept : 0;
}

std::optional<std::vector<ProcessId>> Folder::processes() const {
  const OpenFolder folder = open_folder(folder_.get(), ".");
  if (!folder) {
    return std::nullopt;
  }
  std::vector<ProcessId> processes;
  while (const char* const name = next_name(folder.get())) {
    if (const auto pid = base::parse_number<std::int64_t>(name); pid && *pid > 0) {
      processes.push_back({*pid});
    }
  }
  return errno == 0 ? std::optional(std::move(processes)) : std::nullopt;
}

std::optional<std::string_view> Folder::read(ProcessId process, File file) {
  base::Descriptor* const place = place_for(process, file);
  if (place != nullptr && place->valid()) {
    const auto text = read_open(place->get());
    if (text || absence_ != Absence::vanished) {
      return text;
    }
    // That process has ended; the pid may be another's by now.
    kept_.erase(process.value);
    return read(path_of(process, name_of(file)).data());
  }
  base::Descriptor open(
      ::openat(folder_.get(), path_of(process, name_of(file)).data(), O_RDONLY | O_CLOEXEC));
  if (!open.valid()) {
    absence_ = absence_of(errno);
    return std::nullopt;
  }
  const auto text = read_open(open.get());
  if (place != nullptr && text) {
    *place = std::move(open);
  }
  return text;
}

std::optional<std::string_view> Folder::read(const char* file) {
  const base::Descriptor open(::openat(folder_.get(), file, O_RDONLY | O_CLOEXEC));
  if (!open.valid()) {
    absence_ = absence_of(errno);
    return std::nullopt;
  }
  return read_open(open.get());
}

std::optional<std::string_view> Folder::read_open(int descriptor) {
  // The kernel gives such a file whole in one read.
  const ssize_t got = ::pread(descriptor, buffer_.data(), buffer_.size(), 0);
  if (got < 0) {
    absence_ = absence_of(errno);
    return std::nullopt;
  }
  return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
}

/// Null if this file is not to be kept.
base::Descriptor* Folder::place_for(ProcessId process, File file) {
  const auto found = kept_.find(process.value);
  const bool keepable = file == File::stat || file == File::io;
  return found == kept_.end() || !keepable ? nullptr : &found->second.at(file == File::io ? 1 : 0);
}

void Folder::keep(const std::vector<ProcessId>& processes) {
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

std::optional<Stat> Folder::stat(ProcessId process) {
  const auto text = read(process, File::stat);
  if (text) {
    absence_ = Absence::vanished;  // should the kernel ever write what is no stat
  }
  return text ? parse_stat(*text) : std::nullopt;
}

std::optional<std::uint64_t> Folder::open_fds(ProcessId process) {
  const Path path = path_of(process, "fd");
  struct stat status {};
  // Since Linux 6.2 the size of the folder is their number.
  if (is_kernels_ && ::fstatat(folder_.get(), path.data(), &status, 0) == 0 && status.st_size > 0) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  const OpenFolder folder = open_folder(folder_.get(), path.data());
  if (!folder) {
    return std::nullopt;
  }
  std::uint64_t count = 0;
  while (const char* const name = next_name(folder.get())) {
    count += *name == '.' ? 0 : 1;
    if (count > most_open_fds) {
      return std::nullopt;
    }
  }
  return errno == 0 ? std::optional(count) : std::nullopt;
}

std::optional<std::uint64_t> Folder::max_fds(ProcessId process) {
  struct rlimit limit {};
  if (is_ours_ &&
      ::prlimit(static_cast<pid_t>(process.value), RLIMIT_NOFILE, nullptr, &limit) == 0) {
    return limit.rlim_cur == RLIM_INFINITY ? std::nullopt : std::optional(limit.rlim_cur);
  }
  const auto text = read(process, File::limits);
  return text ? parse_max_fds(*text) : std::nullopt;
}

}  // namespace reeve::procfs
