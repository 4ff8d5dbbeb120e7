#pragma once

// The operations there are: queued, under way, and the last thousand that are done. Decides
// which may run next: one at a time per group of a supervisord, in the order they came, and not
// so many on one supervisord that the others starve. A plain value; its owner guards it.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/controller.h"
#include "control/operation.h"

namespace reeve::control {

class Ledger {
 public:
  static constexpr std::size_t max_done = 1000;
  static constexpr std::size_t max_waiting = 32;  ///< callbacks per operation
  static constexpr std::size_t max_per_supervisor = 4;

  /// `prefix` tells this run of the agent from others in the ids.
  explicit Ledger(std::string prefix) : prefix_(std::move(prefix)) {}

  /// The operation that the same actor asked for with the same key; null if none, or no key.
  [[nodiscard]] const Operation* repeated(const guards::Command& command) const;
  /// An operation that is not done and that this command must not meet: on the same process, on
  /// its group, on one of its group's; null if none.
  [[nodiscard]] const Operation* in_flight(const guards::Command& command) const;

  /// It is held: not to be taken until it is released.
  Operation add(const guards::Command& command, base::SystemTime now);
  void release(std::string_view id);
  [[nodiscard]] bool holds(std::string_view id) const;
  /// Takes it at once, held as it is and whatever else runs: it is part of what does.
  void take_held(std::string_view id);
  void withdraw(std::string_view id);  ///< as if it had never been added
  /// One from an earlier run of the agent.
  void restore(const Operation& operation);
  /// Takes the next operation that may run; its group is busy until it is finished. Of those that
  /// an earlier run began only those with these ids.
  [[nodiscard]] std::optional<Operation> take(const std::vector<std::string>& going_on = {});
  /// It was taken too early: its time is still to come.
  void put_back(std::string_view id);
  /// Takes one that nothing was done for, whether it may run or not.
  [[nodiscard]] std::optional<Operation> take_queued();
  void update(const Operation& operation);
  /// `operation` is done; who waited for it is to be told.
  [[nodiscard]] std::vector<Controller::Finished> finish(const Operation& operation);
  /// Takes the callback of an operation that is not done; false if that is not possible.
  bool wait_for(std::string_view id, const Controller::Finished& callback);

  [[nodiscard]] std::optional<Operation> find(std::string_view id) const;
  [[nodiscard]] std::vector<Operation> list() const;
  [[nodiscard]] bool idle() const;  ///< nothing is taken and unfinished
  [[nodiscard]] std::size_t unfinished(guards::Source source) const;
  /// Those that an earlier run began, and nobody has taken.
  [[nodiscard]] std::vector<Operation> cut_off() const;

 private:
  struct Entry {
    Operation operation;
    bool held = false;
    bool taken = false;
    std::vector<Controller::Finished> waiting;

    [[nodiscard]] bool runs() const { return taken && !operation.done(); }
    [[nodiscard]] bool waits() const { return !held && !taken && !operation.done(); }
    [[nodiscard]] bool cut_off() const {
      return waits() && operation.state != OperationState::queued;
    }
  };

  template <class Fits>
  [[nodiscard]] std::optional<Operation> take_first(const Fits& fits);
  class Busy;
  [[nodiscard]] Entry* entry(std::string_view id);
  void forget_oldest_done();

  std::string prefix_;
  std::uint64_t count_ = 0;
  std::deque<Entry> entries_;  ///< oldest first
};

}  // namespace reeve::control
