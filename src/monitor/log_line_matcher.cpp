#include "monitor/log_line_matcher.h"

#include <algorithm>
#include <type_traits>
#include <variant>
#include <vector>

namespace reeve::monitor {
namespace {

using substrate::InstanceState;

constexpr std::size_t max_waiting_lines = 10000;

template <class What>
inline constexpr bool is_of_process =
    std::is_same_v<What, events::Spawned> || std::is_same_v<What, events::EnteredRunning> ||
    std::is_same_v<What, events::Exited> || std::is_same_v<What, events::Stopped> ||
    std::is_same_v<What, events::GaveUp>;

/// The process whose state the line changes; nullptr if it names none.
const std::string* process_named_in(const LogLineMatcher::Line& line) {
  return std::visit(
      [](const auto& what) -> const std::string* {
        using What = std::decay_t<decltype(what)>;
        if constexpr (is_of_process<What>) {
          return &what.name;
        } else if constexpr (std::is_same_v<What, events::SpawnError>) {
          return what.name ? &*what.name : nullptr;
        } else {
          return nullptr;
        }
      },
      line);
}

using Candidates = std::vector<ProcessHistory*>;

/// Removed ones included: lines about them may still be unread.
Candidates candidates_for(ProcessHistories& histories, const std::string& name) {
  Candidates all;
  for (auto& [full_name, history] : histories) {
    if (full_name.name == name) {
      all.push_back(&history);
    }
  }
  return all;
}

/// Whether this line can follow in this state; any can if lines were lost.
bool can_follow(const LogLineMatcher::Line& line, InstanceState state) {
  if (state == InstanceState::unknown) {
    return true;
  }
  if (std::holds_alternative<events::Spawned>(line) ||
      std::holds_alternative<events::SpawnError>(line)) {
    return !has_process(state);
  }
  if (std::holds_alternative<events::EnteredRunning>(line)) {
    return state == InstanceState::starting;
  }
  return std::holds_alternative<events::GaveUp>(line) ? state == InstanceState::backoff
                                                      : has_process(state);
}

template <class Predicate>
Candidates keep(Candidates all, Predicate predicate) {
  std::erase_if(all, [&](const ProcessHistory* each) { return !predicate(*each); });
  return all;
}

ProcessHistory* only(const Candidates& found) {
  return found.size() == 1 ? found.front() : nullptr;
}

/// `listed`: the processes were listed after the line was written.
ProcessHistory* owner(const LogLineMatcher::Line& line, const Candidates& all, bool listed) {
  const auto fits = [&](const ProcessHistory& each) { return can_follow(line, each.log.state()); };
  const events::Spawned* const spawned = std::get_if<events::Spawned>(&line);
  if (all.size() <= 1) {
    // A process that runs cannot be spawned: a new process may have the same name.
    const bool uncertain = spawned != nullptr && !all.empty() && !listed && !fits(*all.front());
    return uncertain ? nullptr : only(all);
  }
  const auto has_pid = [&](const ProcessHistory& each) {
    return each.previous && each.previous->pid == spawned->pid;
  };
  if (ProcessHistory* const found = spawned != nullptr ? only(keep(all, has_pid)) : nullptr) {
    return found;
  }
  const Candidates fitting = keep(all, fits);
  const bool is_end =
      std::holds_alternative<events::Exited>(line) || std::holds_alternative<events::Stopped>(line);
  if (ProcessHistory* const found = only(fitting); found != nullptr || !listed || !is_end) {
    return found;
  }
  // Of several that ran, the one that has another pid by now.
  return only(keep(fitting, [](const ProcessHistory& each) {
    return !each.spawned_pid || !each.previous || each.previous->pid != each.spawned_pid;
  }));
}

void handle(ProcessHistory& history, const LogLineMatcher::Line& line,
            const LogLineMatcher::Handler& handler) {
  if (const events::Spawned* const spawned = std::get_if<events::Spawned>(&line)) {
    history.spawned_pid = spawned->pid;
  }
  handler(history, line);
}

}  // namespace

bool LogLineMatcher::match(const Line& line, ProcessHistories& histories, const Handler& handler) {
  const std::string* const name = process_named_in(line);
  if (name == nullptr) {
    return true;
  }
  const auto earlier = waiting_.find(*name);
  ProcessHistory* const history =
      earlier == waiting_.end() ? owner(line, candidates_for(histories, *name), false) : nullptr;
  if (history != nullptr) {
    handle(*history, line, handler);
    return true;
  }
  if (count_ < max_waiting_lines) {
    waiting_[*name].push_back(line);
    ++count_;
  }
  return false;
}

bool LogLineMatcher::match_waiting(ProcessHistories& histories, const Handler& handler) {
  bool all_matched = count_ < max_waiting_lines;
  for (const auto& [name, lines] : waiting_) {
    const Candidates all = candidates_for(histories, name);
    for (const Line& line : lines) {
      ProcessHistory* const history = owner(line, all, true);
      if (history == nullptr) {
        all_matched = all_matched && all.empty();
        std::for_each(all.begin(), all.end(), [](ProcessHistory* each) {
          each->log.lines_lost();
          each->spawned_pid.reset();
        });
        break;
      }
      handle(*history, line, handler);
    }
  }
  clear();
  return all_matched;
}

void LogLineMatcher::clear() {
  waiting_.clear();
  count_ = 0;
}

}  // namespace reeve::monitor
