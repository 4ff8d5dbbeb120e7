#include "procfs/process_trees.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <unistd.h>

#include "procfs/cumulative_usage.h"
#include "procfs/proc_fs.h"
#include "procfs/process_scan.h"

namespace reeve::procfs {
namespace {

/// Pids with their starts, sorted.
using Members = std::vector<std::pair<ProcessId, std::uint64_t>>;

Members members_of(const Tree& tree) {
  Members members;
  members.reserve(tree.size());
  for (const Stat& member : tree) {
    members.emplace_back(member.pid, member.start);
  }
  std::sort(members.begin(), members.end());
  return members;
}

/// What is kept of a root from pass to pass.
struct TreeRecord {
  std::uint64_t start = 0;
  Members members;
  CumulativeUsage cpu;
  CumulativeUsage io;
  std::optional<TreeUsage> last_usage;
};

bool has_vanished_member(const TreeRecord& known, const Tree& tree) {
  const Members now = members_of(tree);
  return !std::includes(now.begin(), now.end(), known.members.begin(), known.members.end());
}

MemberUsage usage_of_member(const Stat& member) {
  const CounterPair absorbed{member.children_user, member.children_system};
  return {member.pid, member.parent, member.start,
          CounterPair{member.user + absorbed.first, member.system + absorbed.second}, absorbed};
}

CpuTime cpu_time(const CounterPair& ticks) {
  static const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  const base::Duration tick = std::chrono::nanoseconds(std::chrono::seconds(1)) / ticks_per_second;
  return {tick * ticks.first, tick * ticks.second};
}

constexpr std::chrono::seconds tolerance(3);

/// Whether the process was started when its manager says so. False if one time is not known.
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

struct ProcessTrees::State {
  explicit State(const TreeOptions& options) : proc(options.folder, options.max_open_files) {}

  ProcFs proc;
  bool proportional = false;
  std::map<ProcessId, TreeRecord> known;
  std::map<ProcessId, TreeRecord> next;  ///< of the pass under way
  std::vector<ProcessId> members;        ///< of all trees, at the pass under way

  [[nodiscard]] std::optional<TreeUsage> usage_of(ProcessId root, const ProcessScan& scan);
  [[nodiscard]] TreeUsage measure(const Tree& tree, TreeRecord& state);
  void add_up(const Tree& tree, TreeUsage& usage) const;
  [[nodiscard]] std::optional<IoBytes> io_of(Tree tree, TreeRecord& state);
  [[nodiscard]] std::optional<std::uint64_t> proportional_of(const Tree& tree);
};

std::optional<TreeUsage> ProcessTrees::State::usage_of(ProcessId root, const ProcessScan& scan) {
  Tree tree = scan.tree_of(root);
  if (tree.empty()) {
    return std::nullopt;
  }
  TreeRecord state = std::move(known[root]);
  if (state.start != tree.front().start) {
    state = {};
    state.start = tree.front().start;
  }
  bool consistent = true;
  if (has_vanished_member(state, tree) || has_child_read_first(tree)) {
    consistent = read_consistently(tree, proc);
    if (tree.empty() || tree.front().pid != root) {
      return std::nullopt;
    }
  }
  for (const Stat& member : tree) {
    members.push_back(member.pid);
  }
  if (consistent) {
    state.last_usage = measure(tree, state);
  }
  return next.emplace(root, std::move(state)).first->second.last_usage;
}

TreeUsage ProcessTrees::State::measure(const Tree& tree, TreeRecord& state) {
  TreeUsage usage;
  usage.root_start = state.start;
  usage.root_parent = tree.front().parent;
  add_up(tree, usage);
  std::vector<MemberUsage> usages;
  std::transform(tree.begin(), tree.end(), std::back_inserter(usages), usage_of_member);
  state.members = members_of(tree);
  usage.cpu = cpu_time(state.cpu.update(std::move(usages)));
  usage.io = io_of(tree, state);
  usage.open_fds = proc.open_fds(tree.front().pid);
  usage.max_fds = proc.max_fds(tree.front().pid);
  usage.proportional_bytes = proportional ? proportional_of(tree) : std::nullopt;
  return usage;
}

void ProcessTrees::State::add_up(const Tree& tree, TreeUsage& usage) const {
  static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const Stat& member : tree) {
    if (!member.is_zombie()) {
      usage.resident_bytes += member.resident_pages * page_size;
      usage.threads += member.threads;
      ++usage.processes;
    }
  }
}

/// Parents before their children, and those that are left again if one has vanished meanwhile: see
/// read_consistently().
std::optional<IoBytes> ProcessTrees::State::io_of(Tree tree, TreeRecord& state) {
  constexpr int max_readings = 5;
  for (int reading = 0; reading < max_readings && !tree.empty(); ++reading) {
    Tree present;
    std::vector<MemberUsage> usages;
    for (const Stat& member : tree) {
      const auto text = proc.read(member.pid, File::io);
      const auto io = text ? parse_io(*text) : std::nullopt;
      if (io) {
        const CounterPair total{io->read, io->written};
        usages.push_back({member.pid, member.parent, member.start, total, total});
        present.push_back(member);
      } else if (text || proc.failure() != ReadFailure::vanished) {
        return std::nullopt;
      }
    }
    if (present.size() == tree.size()) {
      const CounterPair sum = state.io.update(std::move(usages));
      return IoBytes{sum.first, sum.second};
    }
    const bool root_vanished = present.empty() || present.front().pid != tree.front().pid;
    tree = root_vanished ? Tree{} : std::move(present);
  }
  return state.last_usage ? state.last_usage->io : std::nullopt;
}

std::optional<std::uint64_t> ProcessTrees::State::proportional_of(const Tree& tree) {
  std::uint64_t sum = 0;
  for (const Stat& member : tree) {
    const auto text = proc.read(member.pid, File::smaps_rollup);
    if (text) {
      sum += parse_proportional(*text).value_or(0);
    } else if (proc.failure() != ReadFailure::vanished) {
      return std::nullopt;
    }
  }
  return sum;
}

ProcessTrees::ProcessTrees(const TreeOptions& options) : state_(std::make_unique<State>(options)) {}

ProcessTrees::~ProcessTrees() = default;

void ProcessTrees::measure_proportional_memory(bool wanted) {
  state_->proportional = wanted;
}

std::vector<std::optional<TreeUsage>> ProcessTrees::measure(const std::vector<ProcessId>& roots,
                                                            const base::Deadline& deadline) {
  std::vector<std::optional<TreeUsage>> usages(roots.size());
  const auto scan = roots.empty() ? std::nullopt : ProcessScan::run(state_->proc);
  if (!scan) {
    return usages;
  }
  state_->next.clear();
  state_->members.clear();
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (deadline.check("measuring")) {
      usages[i] = state_->usage_of(roots[i], *scan);
    } else if (auto known = state_->known.extract(roots[i])) {
      state_->next.insert(std::move(known));
    }
  }
  state_->known = std::exchange(state_->next, {});
  state_->proc.keep(state_->members);
  return usages;
}

Locality locate(ProcessId daemon, const std::vector<Program>& programs, const std::string& path) {
  constexpr ProcessId init{1};
  ProcFs proc(path, 0);
  const auto text = proc.read("stat");
  const auto boot = text ? parse_boot_time(*text) : std::nullopt;
  Locality locality = Locality::unknown;
  for (const Program& program : programs) {
    const auto stat = proc.stat(program.pid);
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
