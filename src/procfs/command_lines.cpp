#include "procfs/command_lines.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include "procfs/proc_fs.h"

namespace reeve::procfs {
namespace {

/// Arguments end with a NUL each.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::optional<struct stat> status_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

/// Whether the executable of a process is this file.
bool is_file(const std::string& process, const CommandLine& line, const struct stat& file) {
  auto status = status_of(process + "/exe");
  if (!status && line.words.front().starts_with('/')) {
    status = status_of(line.words.front());
  }
  return status && status->st_dev == file.st_dev && status->st_ino == file.st_ino;
}

}  // namespace

std::set<ProcessId> processes_running(const std::function<bool(const CommandLine&)>& is_wanted,
                                      const std::string& folder) {
  ProcFs proc(folder, 0);
  const auto own_file = status_of("/proc/self/exe");
  std::map<ProcessId, ProcessId> parents;
  std::vector<ProcessId> found = {{::getpid()}};
  for (const ProcessId process : proc.processes().value_or(std::vector<ProcessId>())) {
    const auto stat = proc.stat(process);
    if (!stat) {
      continue;
    }
    parents[process] = stat->parent;
    const std::string name = std::to_string(process.value);
    const auto text = proc.read((name + "/cmdline").c_str());
    CommandLine line{.words = words_of(text.value_or("")), .is_own_file = false};
    if (line.words.empty()) {
      continue;
    }
    line.is_own_file =
        own_file && is_file(std::string(folder).append("/").append(name), line, *own_file);
    if (is_wanted(line)) {
      found.push_back(process);
    }
  }
  std::set<ProcessId> with_ancestors;
  for (ProcessId process : found) {
    // Until one that is known already: should the files ever name each other as parents, it ends.
    while (process.value > 0 && with_ancestors.insert(process).second) {
      const auto parent = parents.find(process);
      process = parent == parents.end() ? ProcessId{} : parent->second;
    }
  }
  return with_ancestors;
}

}  // namespace reeve::procfs
