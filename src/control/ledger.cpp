#include "control/ledger.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace reeve::control {

namespace {

bool meet(const guards::Command& one, const guards::Command& other) {
  if (!one.whole_group && !other.whole_group) {
    return one.target == other.target;
  }
  return one.target.supervisor == other.target.supervisor &&
         one.target.name.group == other.target.name.group;
}

}  // namespace

const Operation* Ledger::repeated(const guards::Command& command) const {
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

const Operation* Ledger::in_flight(const guards::Command& command) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    return !each.operation.done() && meet(each.operation.command, command);
  });
  return found == entries_.end() ? nullptr : &found->operation;
}

Operation Ledger::add(const guards::Command& command, base::SystemTime now) {
  Operation operation;
  do {  // an earlier run may have had the same prefix, if the clock was turned back
    operation.id = prefix_ + "-" + std::to_string(++count_);
  } while (entry(operation.id) != nullptr);
  operation.command = command;
  operation.created_at = now;
  entries_.push_back({.operation = operation, .held = true, .taken = false, .waiting = {}});
  forget_oldest_done();
  return operation;
}

void Ledger::release(std::string_view id) {
  entry(id)->held = false;
}

bool Ledger::holds(std::string_view id) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& each) { return each.held && each.operation.id == id; });
}

void Ledger::take_held(std::string_view id) {
  Entry* const held = entry(id);
  held->held = false;
  held->taken = true;
}

void Ledger::withdraw(std::string_view id) {
  std::erase_if(entries_, [&](const Entry& each) { return each.operation.id == id; });
}

void Ledger::restore(const Operation& operation) {
  entries_.push_back({.operation = operation, .held = false, .taken = false, .waiting = {}});
}

/// What runs, gathered once for all that wait.
class Ledger::Busy {
 public:
  explicit Busy(const std::deque<Entry>& entries) {
    for (const Entry& each : entries) {
      if (each.runs()) {
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

std::optional<Operation> Ledger::take(const std::vector<std::string>& going_on) {
  const Busy busy(entries_);
  return take_first([&](const Entry& each) {
    return busy.has_room_for(each.operation.command.target) &&
           (!each.cut_off() ||
            std::find(going_on.begin(), going_on.end(), each.operation.id) != going_on.end());
  });
}

void Ledger::put_back(std::string_view id) {
  entry(id)->taken = false;
}

std::optional<Operation> Ledger::take_queued() {
  return take_first([](const Entry& each) { return !each.cut_off(); });
}

template <class Fits>
std::optional<Operation> Ledger::take_first(const Fits& fits) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.waits() && fits(each); });
  if (found == entries_.end()) {
    return std::nullopt;
  }
  found->taken = true;
  return found->operation;
}

void Ledger::update(const Operation& operation) {
  entry(operation.id)->operation = operation;
}

std::vector<Controller::Finished> Ledger::finish(const Operation& operation) {
  Entry* const finished = entry(operation.id);
  finished->operation = operation;
  return std::exchange(finished->waiting, {});
}

bool Ledger::wait_for(std::string_view id, const Controller::Finished& callback) {
  Entry* const wanted = entry(id);
  if (wanted == nullptr || wanted->operation.done() || wanted->waiting.size() >= max_waiting) {
    return false;
  }
  wanted->waiting.push_back(callback);
  return true;
}

std::optional<Operation> Ledger::find(std::string_view id) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.operation.id == id; });
  return found == entries_.end() ? std::nullopt : std::optional(found->operation);
}

std::vector<Operation> Ledger::list() const {
  std::vector<Operation> operations;
  operations.reserve(entries_.size());
  for (const Entry& each : entries_) {
    operations.push_back(each.operation);
  }
  return operations;
}

bool Ledger::idle() const {
  return std::none_of(entries_.begin(), entries_.end(),
                      [](const Entry& each) { return each.runs(); });
}

std::size_t Ledger::unfinished(guards::Source source) const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
        return !each.operation.done() && each.operation.command.source == source;
      }));
}

std::vector<Operation> Ledger::cut_off() const {
  std::vector<Operation> operations;
  for (const Entry& each : entries_) {
    if (each.cut_off()) {
      operations.push_back(each.operation);
    }
  }
  return operations;
}

Ledger::Entry* Ledger::entry(std::string_view id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& each) { return each.operation.id == id; });
  return found == entries_.end() ? nullptr : &*found;
}

void Ledger::forget_oldest_done() {
  const auto done = std::count_if(entries_.begin(), entries_.end(),
                                  [](const Entry& each) { return each.operation.done(); });
  if (static_cast<std::size_t>(done) > max_done) {
    entries_.erase(std::find_if(entries_.begin(), entries_.end(),
                                [](const Entry& each) { return each.operation.done(); }));
  }
}

}  // namespace reeve::control
