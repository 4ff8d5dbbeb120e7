#pragma once

// The audit: what was decided and done, by which actor and why, in rows of files of JSON lines in
// the state directory that are only appended to: audit.jsonl holds what had an effect (operations,
// maintenance, resets, accepted decisions), decisions.jsonl what was refused or decided without
// effect, which any token can cause in any number: each has its own bound, so that no noise
// displaces the record of acts, and RepeatFilter keeps the noise small. Nor do acts: an actor has
// an allowance of bytes in audit.jsonl, and what it does beyond that is in frequent_acts.jsonl.
// Earlier versions wrote all into audit.jsonl, which is read all the same. Thread-safe; one lock,
// held while files are written, not while they are read or the listener is called.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "control/audit_entry.h"
#include "records/rotated_lines.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::control {

/// How much is kept by default: half a gigabyte of acts, 64 MiB each of frequent acts and of
/// decisions.
struct AuditLimits {
  records::RotationLimits acts = {};
  records::RotationLimits decisions = {.rotated_files = 7};
  records::RotationLimits frequent_acts = {.rotated_files = 7};
  /// Of one actor among the acts: at once some 8000 entries, and then one in five seconds.
  double actor_bytes = 4.0 * 1024 * 1024;
  double actor_bytes_per_second = 100;
};

struct AuditQuery {
  static constexpr std::size_t no_limit = std::size_t{1} << 40U;

  std::optional<base::SystemTime> since;
  std::optional<AuditKind> kind;  ///< nothing: all
  /// The newest of so many entries, and of so many bytes (of the lines, 256 for each added).
  std::size_t max_entries = 100;
  std::size_t max_bytes = no_limit;
};

/// What a query chose. Entries are read from the files when they are asked for: only their places
/// are in memory, and the entries that are counted but not written yet.
class AuditSelection {
 public:
  /// At most the query's max_bytes.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Oldest first, until `take` returns false. On any thread, also after the audit is gone.
  void for_each(const std::function<bool(const AuditEntry&)>& take) const;

 private:
  friend class Audit;

  struct Place {
    base::SystemTime at;
    std::shared_ptr<const records::LineSource> file;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
  };

  [[nodiscard]] base::Result<std::vector<Place>> find(const records::RotatedLines::Files& files,
                                                      const AuditQuery& query) const;
  /// Each list newest first.
  void merge(const std::vector<std::vector<Place>>& lists, const AuditQuery& query);
  [[nodiscard]] bool add(const AuditQuery& query, std::size_t line_bytes);

  std::vector<Place> places_;          ///< oldest first
  std::vector<AuditEntry> unwritten_;  ///< newer than those
  std::size_t bytes_ = 0;
  std::size_t entries_ = 0;
};

class Audit {
 public:
  using Listener = std::function<void(const std::vector<AuditEntry>&)>;

  /// `state` and `clock` must outlive this. An error if a file cannot be opened.
  [[nodiscard]] static base::Result<std::unique_ptr<Audit>> open(const records::StateDir& state,
                                                                 const base::Clock& clock,
                                                                 base::Log log,
                                                                 const AuditLimits& limits = {});
  ~Audit();  ///< writes what is counted
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  /// Appends them together, and calls the listener; on the disk when it returns if one of them is
  /// about an action done or to be done. An entry that cannot be written is logged in full, and the
  /// gap is written once that is possible again. Refused commands and requests of clients are
  /// logged as they are written: repeats as one line.
  void record(std::vector<AuditEntry> entries);
  /// An act that must not be done without a record of it: on the disk when this returns without an
  /// error.
  [[nodiscard]] base::Result<void> record_before(AuditEntry entry);
  /// For an entry without effect, on a thread that must not wait for the disk: written soon, and
  /// not given to the listener. Of too many at once some are a gap.
  void record_soon(AuditEntry entry);
  /// Writes what record_soon() took, and the entries that were counted for long enough; called by
  /// the thread of start().
  void write_due();
  /// From now on write_due() is called as soon as something is to be written.
  void start();

  [[nodiscard]] base::Result<AuditSelection> select(const AuditQuery& query) const;
  /// The newest `limit` entries that are not older than `since`, oldest first, in memory.
  [[nodiscard]] base::Result<std::vector<AuditEntry>> read(std::optional<base::SystemTime> since,
                                                           std::size_t limit) const;
  /// Called on the recording thread, after the writing, with the entries recorded together. Set
  /// before the first record().
  void on_record(Listener listener);

 private:
  struct State;
  explicit Audit(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
