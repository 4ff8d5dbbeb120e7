#include "app/own_processes.h"

#include <chrono>

#include "procfs/command_lines.h"
#include "substrate/own_program.h"

namespace reeve::app {
namespace {

constexpr std::chrono::seconds table_lifetime{1};

std::set<procfs::ProcessId> read_table() {
  return procfs::processes_running([](const procfs::CommandLine& line) {
    return substrate::runs_reeve(line.words, line.is_own_file);
  });
}

}  // namespace

bool OwnProcesses::contains(const monitor::SupervisorSnapshot& supervisor,
                            const substrate::InstanceDetail& process) const {
  if (!process.pid || !supervisor.pid) {
    return false;
  }
  const procfs::ProcessId root{process.pid->value};
  const base::SteadyTime now = clock_.steady_now();
  Table table = table_.copy();
  if (now >= table.valid_until) {
    table = {.valid_until = now + table_lifetime, .processes = read_table()};
    table_.with([&](Table& current) { current = table; });
  }
  return table.processes.contains(root) &&
         procfs::locate({supervisor.pid->value}, {{.pid = root, .start = process.start_time}}) ==
             procfs::Locality::here;
}

}  // namespace reeve::app
