#include "control/operation_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace reeve::control {

namespace {

bool conflict(const guards::Command& one, const guards::Command& other) {
  if (one.batch.empty() && other.batch.empty()) {
    return guards::overlap(one.target, other.target);
  }
  const std::vector<guards::Target> others = other.targets();
  const std::vector<guards::Target> targets = one.targets();
  return std::any_of(targets.begin(), targets.end(), [&](const guards::Target& target) {
    return std::any_of(others.begin(), others.end(),
                       [&](const guards::Target& each) { return guards::overlap(target, each); });
  });
}

}  // namespace

DoneCounts excess_of(DoneCounts done) {
  std::size_t total = 0;
  for (const auto& [actor, count] : done) {
    total += count;
  }
  DoneCounts excess;
  for (; total > OperationTable::max_done; --total) {
    const auto most = std::max_element(
        done.begin(), done.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    --most->second;
    ++excess[most->first];
  }
  return excess;
}

const Operation* OperationTable::find_repeated(const guards::Command& command) const {
  if (command.idempotency_key.empty()) {
    return nullptr;
  }
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    const guards::Command& known = each.operation.command;
    return known.idempotency_key == command.idempotency_key && known.actor == command.actor &&
           known.source == command.source;
  });
  return found == entries_.end() ? nullptr : &found->operation;
}

const Operation* OperationTable::in_flight(const guards::Command& command) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    return !each.operation.done() && conflict(each.operation.command, command);
  });
  return found == entries_.end() ? nullptr : &found->operation;
}

const Operation* OperationTable::unfinished_in_group(const guards::Target& target) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    const auto targets = each.operation.command.targets();
    return !each.operation.done() &&
           std::any_of(targets.begin(), targets.end(), [&](const guards::Target& other) {
             return other.supervisor == target.supervisor && other.name.group == target.name.group;
           });
  });
  return found == entries_.end() ? nullptr : &found->operation;
}

std::string OperationTable::reserve_id() {
  std::string id;
  do {  // an earlier run had the same prefix if the clock was set back
    id = prefix_ + "-" + std::to_string(++count_);
  } while (entry(id) != nullptr);
  return id;
}

Operation OperationTable::add(const guards::Command& command, base::SystemTime now) {
  Operation operation;
  operation.id = command.reserved_id.empty() ? reserve_id() : command.reserved_id;
  operation.command = command;
  operation.command.reserved_id.clear();
  operation.created_at = now;
  entries_.push_back({.operation = operation, .held = true, .taken = false, .waiters = {}});
  forget_excess();
  return operation;
}

void OperationTable::release(std::string_view id) {
  entry(id)->held = false;
}

bool OperationTable::is_held(std::string_view id) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& each) { return each.held && each.operation.id == id; });
}

void OperationTable::start_held(std::string_view id) {
  Entry* const held = entry(id);
  held->held = false;
  held->taken = true;
}

void OperationTable::withdraw(std::string_view id) {
  std::erase_if(entries_, [&](const Entry& each) { return each.operation.id == id; });
}

void OperationTable::restore(const Operation& operation) {
  entries_.push_back({.operation = operation, .held = false, .taken = false, .waiters = {}});
}

/// The running operations, collected once for all that wait.
class OperationTable::RunningSet {
 public:
  explicit RunningSet(const std::deque<Entry>& entries) {
    for (const Entry& each : entries) {
      if (each.is_running()) {
        add(each.operation.command);
      }
    }
  }
  [[nodiscard]] bool has_room_for(const guards::Command& command) const {
    const bool of_alert = command.trigger.has_value();
    if (of_alert && of_alerts_ >= max_of_alerts) {
      return false;
    }
    const std::size_t places = max_per_supervisor - (of_alert ? 1U : 0U);
    return command.batch.empty() ? has_room_for(command.target, places)
                                 : std::all_of(command.batch.begin(), command.batch.end(),
                                               [&](const guards::Target& each) {
                                                 return has_room_for(each, places);
                                               });
  }

 private:
  [[nodiscard]] bool has_room_for(const guards::Target& target, std::size_t places) const {
    const auto running = on_supervisor_.find(target.supervisor);
    return (running == on_supervisor_.end() || running->second < places) &&
           !groups_.contains({target.supervisor, target.name.group});
  }
  void add(const guards::Command& command) {
    of_alerts_ += command.trigger ? 1U : 0U;
    std::set<std::string_view> supervisors;
    const auto add_target = [&](const guards::Target& target) {
      supervisors.insert(target.supervisor);
      groups_.emplace(target.supervisor, target.name.group);
    };
    command.batch.empty()
        ? add_target(command.target)
        : static_cast<void>(std::for_each(command.batch.begin(), command.batch.end(), add_target));
    for (const std::string_view supervisor : supervisors) {
      ++on_supervisor_[supervisor];
    }
  }

  std::size_t of_alerts_ = 0;
  std::map<std::string_view, std::size_t> on_supervisor_;
  std::set<std::pair<std::string_view, std::string_view>> groups_;
};

std::optional<Operation> OperationTable::take(const std::vector<std::string>& resumable) {
  const RunningSet busy(entries_);
  return take_first([&](const Entry& each) {
    return busy.has_room_for(each.operation.command) &&
           (!each.is_interrupted() ||
            std::find(resumable.begin(), resumable.end(), each.operation.id) != resumable.end());
  });
}

void OperationTable::put_back(std::string_view id) {
  entry(id)->taken = false;
}

std::optional<Operation> OperationTable::take_queued() {
  return take_first([](const Entry& each) { return !each.is_interrupted(); });
}

template <class Fits>
std::optional<Operation> OperationTable::take_first(const Fits& fits) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    return each.is_waiting() && fits(each);
  });
  if (found == entries_.end()) {
    return std::nullopt;
  }
  found->taken = true;
  return found->operation;
}

void OperationTable::update(const Operation& operation) {
  entry(operation.id)->operation = operation;
}

std::vector<OperationObserver> OperationTable::finish(const Operation& operation) {
  Entry* const finished = entry(operation.id);
  finished->operation = operation;
  return std::exchange(finished->waiters, {});
}

bool OperationTable::add_waiter(std::string_view id, const OperationObserver& observer) {
  Entry* const wanted = entry(id);
  if (wanted == nullptr || wanted->operation.done() || wanted->waiters.size() >= max_waiters) {
    return false;
  }
  wanted->waiters.push_back(observer);
  return true;
}

std::optional<Operation> OperationTable::find(std::string_view id) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.operation.id == id; });
  return found == entries_.end() ? std::nullopt : std::optional(found->operation);
}

std::vector<Operation> OperationTable::list() const {
  std::vector<Operation> operations;
  operations.reserve(entries_.size());
  for (const Entry& each : entries_) {
    operations.push_back(each.operation);
  }
  return operations;
}

std::vector<Operation> OperationTable::list(
    const std::function<bool(const Operation&)>& wanted) const {
  std::vector<Operation> operations;
  for (const Entry& each : entries_) {
    if (wanted(each.operation)) {
      operations.push_back(each.operation);
    }
  }
  return operations;
}

bool OperationTable::idle() const {
  return std::none_of(entries_.begin(), entries_.end(),
                      [](const Entry& each) { return each.is_running(); });
}

std::size_t OperationTable::unfinished(guards::Source source) const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
        return !each.operation.done() && each.operation.command.source == source;
      }));
}

std::vector<Operation> OperationTable::interrupted() const {
  std::vector<Operation> operations;
  for (const Entry& each : entries_) {
    if (each.is_interrupted()) {
      operations.push_back(each.operation);
    }
  }
  return operations;
}

OperationTable::Entry* OperationTable::entry(std::string_view id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.operation.id == id; });
  return found == entries_.end() ? nullptr : &*found;
}

void OperationTable::forget_excess() {
  const auto done = std::count_if(entries_.begin(), entries_.end(),
                                  [](const Entry& each) { return each.operation.done(); });
  if (static_cast<std::size_t>(done) <= max_done) {
    return;
  }
  DoneCounts counts;
  for (const Entry& each : entries_) {
    counts[each.operation.command.actor] += each.operation.done() ? 1U : 0U;
  }
  DoneCounts excess = excess_of(std::move(counts));
  std::erase_if(entries_, [&](const Entry& each) {
    std::size_t& left = excess[each.operation.command.actor];
    return each.operation.done() && left > 0 && left-- > 0;
  });
}

}  // namespace reeve::control
