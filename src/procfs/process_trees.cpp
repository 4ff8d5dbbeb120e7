#include "procfs/process_trees.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <unistd.h>

#include "procfs/account.h"
#include "procfs/census.h"
#include "procfs/folder.h"

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

/// What is remembered of a root from pass to pass.
struct Known {
  std::uint64_t start = 0;
  Members members;
  Account cpu;
  Account io;
  std::optional<TreeUsage> shown;
};

bool somebody_vanished(const Known& known, const Tree& tree) {
  const Members now = members_of(tree);
  return !std::includes(now.begin(), now.end(), known.members.begin(), known.members.end());
}

Share share_of(const Stat& member) {
  const Pair absorbed{member.children_user, member.children_system};
  return {member.pid, member.parent, member.start,
          Pair{member.user + absorbed.first, member.system + absorbed.second}, absorbed};
}

CpuTime cpu_time(const Pair& ticks) {
  static const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  const base::Duration tick = std::chrono::nanoseconds(std::chrono::seconds(1)) / ticks_per_second;
  return {tick * ticks.first, tick * ticks.second};
}

}  // namespace

struct ProcessTrees::State {
  explicit State(const TreeOptions& options) : folder(options.folder, options.max_open_files) {}

  Folder folder;
  bool proportional = false;
  std::map<ProcessId, Known> known;
  std::map<ProcessId, Known> next;  ///< of the pass under way
  std::vector<ProcessId> members;   ///< of all trees, at the pass under way

  [[nodiscard]] std::optional<TreeUsage> usage_of(ProcessId root, const Census& census);
  [[nodiscard]] TreeUsage measure(const Tree& tree, Known& state);
  void add_up(const Tree& tree, TreeUsage& usage) const;
  [[nodiscard]] std::optional<IoBytes> io_of(Tree tree, Known& state);
  [[nodiscard]] std::optional<std::uint64_t> proportional_of(const Tree& tree);
};

std::optional<TreeUsage> ProcessTrees::State::usage_of(ProcessId root, const Census& census) {
  Tree tree = census.tree_of(root);
  if (tree.empty()) {
    return std::nullopt;
  }
  Known state = std::move(known[root]);
  if (state.start != tree.front().start) {
    state = {};
    state.start = tree.front().start;
  }
  bool at_rest = true;
  if (somebody_vanished(state, tree) || is_read_backwards(tree)) {
    at_rest = settle(tree, folder);
    if (tree.empty() || tree.front().pid != root) {
      return std::nullopt;
    }
  }
  for (const Stat& member : tree) {
    members.push_back(member.pid);
  }
  if (at_rest) {
    state.shown = measure(tree, state);
  }
  return next.emplace(root, std::move(state)).first->second.shown;
}

TreeUsage ProcessTrees::State::measure(const Tree& tree, Known& state) {
  TreeUsage usage;
  usage.root_start = state.start;
  usage.root_parent = tree.front().parent;
  add_up(tree, usage);
  std::vector<Share> shares;
  std::transform(tree.begin(), tree.end(), std::back_inserter(shares), share_of);
  state.members = members_of(tree);
  usage.cpu = cpu_time(state.cpu.update(std::move(shares)));
  usage.io = io_of(tree, state);
  usage.open_fds = folder.open_fds(tree.front().pid);
  usage.max_fds = folder.max_fds(tree.front().pid);
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
/// settle().
std::optional<IoBytes> ProcessTrees::State::io_of(Tree tree, Known& state) {
  constexpr int max_attempts = 5;
  for (int attempt = 0; attempt < max_attempts && !tree.empty(); ++attempt) {
    Tree present;
    std::vector<Share> shares;
    for (const Stat& member : tree) {
      const auto text = folder.read(member.pid, File::io);
      const auto io = text ? parse_io(*text) : std::nullopt;
      if (io) {
        const Pair total{io->read, io->written};
        shares.push_back({member.pid, member.parent, member.start, total, total});
        present.push_back(member);
      } else if (text || folder.absence() != Absence::vanished) {
        return std::nullopt;
      }
    }
    if (present.size() == tree.size()) {
      const Pair sum = state.io.update(std::move(shares));
      return IoBytes{sum.first, sum.second};
    }
    const bool root_vanished = present.empty() || present.front().pid != tree.front().pid;
    tree = root_vanished ? Tree{} : std::move(present);
  }
  return state.shown ? state.shown->io : std::nullopt;
}

std::optional<std::uint64_t> ProcessTrees::State::proportional_of(const Tree& tree) {
  std::uint64_t sum = 0;
  for (const Stat& member : tree) {
    const auto text = folder.read(member.pid, File::smaps_rollup);
    if (text) {
      sum += parse_proportional(*text).value_or(0);
    } else if (folder.absence() != Absence::vanished) {
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
  const auto census = roots.empty() ? std::nullopt : Census::take(state_->folder);
  if (!census) {
    return usages;
  }
  state_->next.clear();
  state_->members.clear();
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (deadline.check("measuring")) {
      usages[i] = state_->usage_of(roots[i], *census);
    } else if (auto known = state_->known.extract(roots[i])) {
      state_->next.insert(std::move(known));
    }
  }
  state_->known = std::exchange(state_->next, {});
  state_->folder.keep(state_->members);
  return usages;
}

}  // namespace reeve::procfs
