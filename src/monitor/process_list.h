#pragma once

// What the agent knows of the processes of one supervisord at one moment: immutable records,
// shared by all snapshots in which they are the same.

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// What happened to one process since the agent first saw it.
struct ProcessCounters {
  std::uint64_t starts = 0;    ///< supervisord_process_starts_total
  std::uint64_t restarts = 0;  ///< supervisord_process_restarts_total
  /// Nothing before events or the log were a source.
  std::optional<std::uint64_t> unexpected_exits;
  /// Entries into each state, in the order of substrate::all_instance_states.
  std::array<std::uint64_t, substrate::all_instance_states.size()> transitions{};
  friend bool operator==(const ProcessCounters&, const ProcessCounters&) = default;
};

struct ProcessSnapshot {
  substrate::InstanceDetail detail;
  ProcessCounters counters;
  /// Of the most recent finished run; nothing if that run's end is unknown.
  std::optional<int> exit_status;
  std::optional<int> exit_signal;
  std::optional<bool> last_exit_expected;  ///< with exit_status, for an exit nobody asked for
  /// Sizes of the log files, where they can be looked at from here.
  std::optional<std::uint64_t> stdout_log_bytes;
  std::optional<std::uint64_t> stderr_log_bytes;
  friend bool operator==(const ProcessSnapshot&, const ProcessSnapshot&) = default;
};

/// An immutable list, shared by all snapshots between two changes, whose records are shared
/// with the lists before and after it: copying a snapshot is cheap however many processes there
/// are, and so is another list in which few of them changed.
class ProcessList {
 public:
  using Record = std::shared_ptr<const ProcessSnapshot>;

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = ProcessSnapshot;
    using difference_type = std::ptrdiff_t;
    using pointer = const ProcessSnapshot*;
    using reference = const ProcessSnapshot&;

    explicit Iterator(const Record* at = nullptr) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const Record* at_;
  };
  using const_iterator = Iterator;

  ProcessList() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a vector that is shared from here on
  ProcessList(std::vector<ProcessSnapshot> processes);
  explicit ProcessList(std::vector<Record> records);

  [[nodiscard]] std::size_t size() const { return records_ ? records_->size() : 0; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Iterator begin() const { return Iterator(records_ ? records_->data() : nullptr); }
  [[nodiscard]] Iterator end() const {
    return Iterator(records_ ? records_->data() + records_->size() : nullptr);
  }
  [[nodiscard]] const ProcessSnapshot& operator[](std::size_t at) const { return *(*records_)[at]; }
  [[nodiscard]] const ProcessSnapshot* find(const substrate::InstanceName& name) const;
  /// For the next list, which shares what it does not replace.
  [[nodiscard]] std::vector<Record> records() const;
  friend bool operator==(const ProcessList& a, const ProcessList& b);

 private:
  std::shared_ptr<const std::vector<Record>> records_;
};

}  // namespace reeve::monitor
