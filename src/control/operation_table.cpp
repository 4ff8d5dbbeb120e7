#include "control/operation_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace reeve::control {

namespace {

bool conflict(const guards::Command& one, const guards::Command& other) {
  if (!one.group_order && !other.group_order) {
    return one.target == other.target;
  }
  return one.target.supervisor == other.target.supervisor &&
         one.target.name.group == other.target.name.group;
}

}  // namespace

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

Operation OperationTable::add(const guards::Command& command, base::SystemTime now) {
  Operation operation;
  do {  // an earlier run had the same prefix if the clock was set back
    operation.id = prefix_ + "-" + std::to_string(++count_);
  } while (entry(operation.id) != nullptr);
  operation.command = command;
  operation.created_at = now;
  entries_.push_back({.operation = operation, .held = true, .taken = false, .waiters = {}});
  forget_oldest_done();
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
        const guards::Target& target = each.operation.command.target;
        ++on_supervisor_[target.supervisor];
        groups_.emplace(target.supervisor, target.name.group);
      }
    }
  }
  [[nodiscard]] bool has_room_for(const guards::Target& target) const {
    const auto running = on_supervisor_.find(target.supervisor);
    return (running == on_supervisor_.end() || running->second < max_per_supervisor) &&
           !groups_.contains({target.supervisor, target.name.group});
  }

 private:
  std::map<std::string_view, std::size_t> on_supervisor_;
  std::set<std::pair<std::string_view, std::string_view>> groups_;
};

std::optional<Operation> OperationTable::take(const std::vector<std::string>& resumable) {
  const RunningSet busy(entries_);
  return take_first([&](const Entry& each) {
    return busy.has_room_for(each.operation.command.target) &&
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

void OperationTable::forget_oldest_done() {
  const auto done = std::count_if(entries_.begin(), entries_.end(),
                                  [](const Entry& each) { return each.operation.done(); });
  if (static_cast<std::size_t>(done) > max_done) {
    entries_.erase(std::find_if(entries_.begin(), entries_.end(),
                                [](const Entry& each) { return each.operation.done(); }));
  }
}

}  // namespace reeve::control
