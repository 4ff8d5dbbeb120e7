#pragma once

// The operations in memory: queued, running, and a thousand that are done, of which each actor has
// its share: who has most is the first whose oldest is forgotten. Decides which may run next: one
// at a time per group of a supervisord, in the order of their submission, and at most
// max_per_supervisor on one supervisord. A plain value; the controller locks it.
//
// An entry is held while its journal write is pending, then waiting until take(), then running
// until finish(). held and taken are never both set; a done operation is neither waiting nor
// running. Interrupted: waiting, but an earlier run of the agent began it.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/operation.h"

namespace reeve::control {

/// How many operations there are that are done, of each actor.
using DoneCounts = std::map<std::string, std::size_t, std::less<>>;

/// How many of each actor's are forgotten, oldest first, until OperationTable::max_done are left:
/// always one of the actor that has most, so that no other's are displaced below an equal share.
[[nodiscard]] DoneCounts excess_of(DoneCounts done);

class OperationTable {
 public:
  static constexpr std::size_t max_done = 1000;
  static constexpr std::size_t max_waiters = 32;  ///< observers per operation
  static constexpr std::size_t max_per_supervisor = 4;
  /// Of alerts, on all; on one supervisord one less than there are places. The rest is people's: an
  /// alert's operation may have to wait for Prometheus.
  static constexpr std::size_t max_of_alerts = 6;

  /// `prefix` tells this run of the agent from others in the ids.
  explicit OperationTable(std::string prefix) : prefix_(std::move(prefix)) {}

  /// The operation of the same actor with the same idempotency key; null if none, or no key.
  [[nodiscard]] const Operation* find_repeated(const guards::Command& command) const;
  /// An operation that is not done and conflicts with this command: on the same process, on its
  /// group, or on a process of the group that the command is for; null if none.
  [[nodiscard]] const Operation* in_flight(const guards::Command& command) const;

  /// One on any process of this group that is not done; null if none.
  [[nodiscard]] const Operation* unfinished_in_group(const guards::Target& target) const;
  /// An id that no other operation gets.
  [[nodiscard]] std::string reserve_id();
  /// Adds a held operation, with the id that was reserved for it if there is one: take() ignores it
  /// until it is released.
  Operation add(const guards::Command& command, base::SystemTime now);
  void release(std::string_view id);
  [[nodiscard]] bool is_held(std::string_view id) const;
  /// Takes a held operation at once, whatever else runs: it is part of a running one.
  void start_held(std::string_view id);
  void withdraw(std::string_view id);  ///< removes it
  /// One from an earlier run of the agent.
  void restore(const Operation& operation);
  /// Takes the next operation that may run; its group is busy until it is finished. Of interrupted
  /// ones only those with the ids `resumable`.
  [[nodiscard]] std::optional<Operation> take(const std::vector<std::string>& resumable = {});
  /// It was taken too early: it waits again.
  void put_back(std::string_view id);
  /// Takes one that has not begun, whether it may run or not.
  [[nodiscard]] std::optional<Operation> take_queued();
  void update(const Operation& operation);
  /// `operation` is done. Returns the observers that wait for it, to be called.
  [[nodiscard]] std::vector<OperationObserver> finish(const Operation& operation);
  /// Adds an observer of the end; false if the operation is unknown or done, or has too many.
  bool add_waiter(std::string_view id, const OperationObserver& observer);

  [[nodiscard]] std::optional<Operation> find(std::string_view id) const;
  [[nodiscard]] std::vector<Operation> list() const;
  [[nodiscard]] std::vector<Operation> list(
      const std::function<bool(const Operation&)>& wanted) const;
  [[nodiscard]] bool idle() const;  ///< none is running
  [[nodiscard]] std::size_t unfinished(guards::Source source) const;
  /// Those that an earlier run of the agent began, and that are not taken.
  [[nodiscard]] std::vector<Operation> interrupted() const;

 private:
  struct Entry {
    Operation operation;
    bool held = false;
    bool taken = false;
    std::vector<OperationObserver> waiters;

    [[nodiscard]] bool is_running() const { return taken && !operation.done(); }
    [[nodiscard]] bool is_waiting() const { return !held && !taken && !operation.done(); }
    [[nodiscard]] bool is_interrupted() const {
      return is_waiting() && operation.state != OperationState::queued;
    }
  };

  template <class Fits>
  [[nodiscard]] std::optional<Operation> take_first(const Fits& fits);
  class RunningSet;
  [[nodiscard]] Entry* entry(std::string_view id);
  void forget_excess();

  std::string prefix_;
  std::uint64_t count_ = 0;
  std::deque<Entry> entries_;  ///< oldest first
};

}  // namespace reeve::control
