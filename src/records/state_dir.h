#pragma once

// The directory for all state that outlives the agent: journal, audit, guards, episodes,
// maintenance. Created with mode 0700, used by one agent at a time (a lock on a file in it). Files
// are either replaced atomically and synced, or appended to and synced. Thread-safe; the order of
// the writes to one file is the caller's task.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "reeve/base/result.h"

namespace reeve::records {

class StateDir {
 public:
  /// Creates it if it does not exist (but not its parents). denied, conflict (another agent uses
  /// it), invalid_argument (no directory, of another user, or writable by others), internal: each
  /// message says what to do.
  [[nodiscard]] static base::Result<StateDir> open(const std::string& path);

  [[nodiscard]] std::string path(std::string_view name) const;
  /// not_found: there is no such file.
  [[nodiscard]] base::Result<std::string> read(std::string_view name, std::size_t max_bytes) const;
  /// Replaces the file as a whole; on the disk when it returns.
  [[nodiscard]] base::Result<void> write(std::string_view name, std::string_view text) const;
  /// Syncs the directory: the names of new, renamed and removed files are on the disk when it
  /// returns.
  [[nodiscard]] base::Result<void> sync() const;

 private:
  StateDir(std::string path, base::Descriptor directory, base::Descriptor lock)
      : path_(std::move(path)), directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::string path_;
  base::Descriptor directory_;
  base::Descriptor lock_;
  std::unique_ptr<std::mutex> writing_ = std::make_unique<std::mutex>();
};

}  // namespace reeve::records
