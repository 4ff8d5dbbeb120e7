#include "control/ledger.h"

#include <algorithm>
#include <utility>

namespace reeve::control {

namespace {

bool meet(const Command& one, const Command& other) {
  if (!one.whole_group && !other.whole_group) {
    return one.target == other.target;
  }
  return one.target.supervisor == other.target.supervisor &&
         one.target.name.group == other.target.name.group;
}

}  // namespace

const Operation* Ledger::repeated(const Command& command) const {
  if (command.idempotency_key.empty()) {
    return nullptr;
  }
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    const Command& known = each.operation.command;
    return known.idempotency_key == command.idempotency_key && known.actor == command.actor &&
           known.source == command.source;
  });
  return found == entries_.end() ? nullptr : &found->operation;
}

const Operation* Ledger::in_flight(const Command& command) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
    return !each.operation.done() && meet(each.operation.command, command);
  });
  return found == entries_.end() ? nullptr : &found->operation;
}

Operation Ledger::add(const Command& command, base::SystemTime now) {
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

bool Ledger::may_run(const Entry& candidate) const {
  const Target& target = candidate.operation.command.target;
  std::size_t on_supervisor = 0;
  for (const Entry& each : entries_) {
    const Target& other = each.operation.command.target;
    if (each.runs() && other.supervisor == target.supervisor) {
      ++on_supervisor;
      if (other.name.group == target.name.group) {
        return false;
      }
    }
  }
  return on_supervisor < max_per_supervisor;
}

std::optional<Operation> Ledger::take(const std::function<bool(const Operation&)>& may_go_on) {
  return take_first([&](const Entry& each) {
    return may_run(each) && (!each.cut_off() || !may_go_on || may_go_on(each.operation));
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

std::size_t Ledger::unfinished(Source source) const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const Entry& each) {
        return !each.operation.done() && each.operation.command.source == source;
      }));
}

bool Ledger::has_cut_off() const {
  return std::any_of(entries_.begin(), entries_.end(), std::mem_fn(&Entry::cut_off));
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
