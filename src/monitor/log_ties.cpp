#include "monitor/log_ties.h"

#include <algorithm>
#include <type_traits>
#include <variant>
#include <vector>

namespace reeve::monitor {
namespace {

using namespace events;
using substrate::InstanceState;

constexpr std::size_t max_waiting = 10000;

template <class What>
inline constexpr bool is_of_process =
    std::is_same_v<What, Spawned> || std::is_same_v<What, EnteredRunning> ||
    std::is_same_v<What, Exited> || std::is_same_v<What, Stopped> || std::is_same_v<What, GaveUp>;

/// Whose life the line changes; nullptr: nobody's that it names.
const std::string* name_of(const LogTies::Line& line) {
  return std::visit(
      [](const auto& what) -> const std::string* {
        using What = std::decay_t<decltype(what)>;
        if constexpr (is_of_process<What>) {
          return &what.name;
        } else if constexpr (std::is_same_v<What, SpawnError>) {
          return what.name ? &*what.name : nullptr;
        } else {
          return nullptr;
        }
      },
      line);
}

using Candidates = std::vector<Account*>;

/// The removed ones among them: what they did before may still be in the log.
Candidates candidates(LogTies::Accounts& accounts, const std::string& name) {
  Candidates all;
  for (auto& [full_name, account] : accounts) {
    if (full_name.name == name) {
      all.push_back(&account);
    }
  }
  return all;
}

/// Whether such a line can come next in the life of this process; anything can if lines were lost.
bool can_be_next(const LogTies::Line& line, InstanceState state) {
  if (state == InstanceState::unknown) {
    return true;
  }
  if (std::holds_alternative<Spawned>(line) || std::holds_alternative<SpawnError>(line)) {
    return !has_process(state);
  }
  if (std::holds_alternative<EnteredRunning>(line)) {
    return state == InstanceState::starting;
  }
  return std::holds_alternative<GaveUp>(line) ? state == InstanceState::backoff
                                              : has_process(state);
}

template <class Predicate>
Candidates keep(Candidates all, Predicate predicate) {
  std::erase_if(all, [&](const Account* each) { return !predicate(*each); });
  return all;
}

Account* only(const Candidates& found) {
  return found.size() == 1 ? found.front() : nullptr;
}

/// `listed`: the processes were listed after the line was written.
Account* owner(const LogTies::Line& line, const Candidates& all, bool listed) {
  const auto fits = [&](const Account& each) { return can_be_next(line, each.chain.state()); };
  const Spawned* const spawned = std::get_if<Spawned>(&line);
  if (all.size() <= 1) {
    // One that runs cannot be spawned: a new process may have the same name.
    const bool doubtful = spawned != nullptr && !all.empty() && !listed && !fits(*all.front());
    return doubtful ? nullptr : only(all);
  }
  const auto has_pid = [&](const Account& each) {
    return each.look && each.look->pid == spawned->pid;
  };
  if (Account* const found = spawned != nullptr ? only(keep(all, has_pid)) : nullptr) {
    return found;
  }
  const Candidates fitting = keep(all, fits);
  const bool is_end = std::holds_alternative<Exited>(line) || std::holds_alternative<Stopped>(line);
  if (Account* const found = only(fitting); found != nullptr || !listed || !is_end) {
    return found;
  }
  // Of several that ran, the one that is another process by now.
  return only(keep(fitting, [](const Account& each) {
    return !each.spawned_pid || !each.look || each.look->pid != each.spawned_pid;
  }));
}

void hand_on(Account& account, const LogTies::Line& line, const LogTies::Sink& sink) {
  if (const Spawned* const spawned = std::get_if<Spawned>(&line)) {
    account.spawned_pid = spawned->pid;
  }
  sink(account, line);
}

}  // namespace

bool LogTies::put(const Line& line, Accounts& accounts, const Sink& sink) {
  const std::string* const name = name_of(line);
  if (name == nullptr) {
    return true;
  }
  const auto earlier = waiting_.find(*name);
  Account* const account =
      earlier == waiting_.end() ? owner(line, candidates(accounts, *name), false) : nullptr;
  if (account != nullptr) {
    hand_on(*account, line, sink);
    return true;
  }
  if (count_ < max_waiting) {
    waiting_[*name].push_back(line);
    ++count_;
  }
  return false;
}

bool LogTies::resolve(Accounts& accounts, const Sink& sink) {
  bool all_tied = count_ < max_waiting;
  for (const auto& [name, lines] : waiting_) {
    const Candidates all = candidates(accounts, name);
    for (const Line& line : lines) {
      Account* const account = owner(line, all, true);
      if (account == nullptr) {
        all_tied = all_tied && all.empty();
        std::for_each(all.begin(), all.end(), [](Account* each) {
          each->chain.lose();
          each->spawned_pid.reset();
        });
        break;
      }
      hand_on(*account, line, sink);
    }
  }
  clear();
  return all_tied;
}

void LogTies::clear() {
  waiting_.clear();
  count_ = 0;
}

}  // namespace reeve::monitor
