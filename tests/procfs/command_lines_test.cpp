#include "procfs/command_lines.h"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "procfs/made_proc.h"
#include "support/catch.h"

namespace reeve::procfs {
namespace {

struct Host {
  MadeProc proc;

  void add(int pid, int parent, const std::string& words, const std::string& executable = "") {
    MadeProcess made;
    made.parent = parent;
    proc.set(pid, made);
    std::string text = words;
    std::replace(text.begin(), text.end(), ' ', '\0');
    proc.put(std::to_string(pid) + "/cmdline", text + std::string(1, '\0'));
    if (!executable.empty()) {
      std::filesystem::create_symlink(executable, proc.path() + "/" + std::to_string(pid) + "/exe");
    }
  }
  [[nodiscard]] std::set<ProcessId> of_own_file() const {
    auto found =
        processes_running([](const CommandLine& line) { return line.is_own_file; }, proc.path());
    found.erase({::getpid()});
    return found;
  }
};

std::string own_file() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

TEST_CASE("processes_running: what runs a program, and what it is below of") {
  Host host;
  host.add(1, 0, "init");
  host.add(100, 1, "supervisord -n");
  host.add(101, 100, "perl start.pl");
  host.add(102, 101, "agent serve");
  host.add(103, 100, "sleep 5");
  const auto found = processes_running(
      [](const CommandLine& line) {
        return line.words == std::vector<std::string>{"agent", "serve"};
      },
      host.proc.path());
  CHECK(found == std::set<ProcessId>{{1}, {100}, {101}, {102}, {::getpid()}});
}

TEST_CASE("processes_running: our own executable is known whatever it is called") {
  Host host;
  host.add(1, 0, "init", "/bin/sh");
  host.add(100, 1, "agent serve", own_file());
  host.add(101, 1, own_file() + " serve");  // its executable is hidden
  host.add(102, 1, "agent serve");
  CHECK(host.of_own_file() == std::set<ProcessId>{{1}, {100}, {101}});
}

TEST_CASE("processes_running: a circle of parents, or a process without words, ends nothing") {
  Host host;
  host.add(100, 101, "agent serve", own_file());
  host.add(101, 100, "");
  CHECK(host.of_own_file() == std::set<ProcessId>{{100}, {101}});
}

}  // namespace
}  // namespace reeve::procfs
