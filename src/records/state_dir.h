#pragma once

// The directory where what must outlive the agent is kept: the journal, the record of what was
// done, guards, episodes, maintenance. Made with mode 0700, held by one agent at a time (a lock
// on a file in it). Files are replaced atomically and synced, or appended to and synced; nothing
// in it is ever half written. Thread-safe; whoever writes a file sees to the order himself.

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
  /// Makes it if it is not there (but no directories above it). denied, conflict (another agent
  /// has it), invalid_argument (no directory, not ours, or one that others may write to),
  /// internal: each says what to do.
  [[nodiscard]] static base::Result<StateDir> open(const std::string& path);

  [[nodiscard]] std::string path(std::string_view name) const;
  /// not_found: there is none yet.
  [[nodiscard]] base::Result<std::string> read(std::string_view name, std::size_t max_bytes) const;
  /// Replaces the file as a whole; on the disk when it returns.
  [[nodiscard]] base::Result<void> write(std::string_view name, std::string_view text) const;
  /// The names in it, of new, moved and removed files, are on the disk when it returns.
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
