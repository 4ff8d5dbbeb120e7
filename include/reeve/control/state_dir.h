#pragma once

// The directory where what must outlive the agent is kept: the journal, the record of what was
// done, guards, episodes, maintenance. Made with mode 0700, held by one agent at a time (a lock
// on a file in it). Files are replaced atomically and synced, or appended to and synced; nothing
// in it is ever half written. Thread-safe.

#include <string>
#include <string_view>

#include "reeve/base/descriptor.h"
#include "reeve/base/result.h"

namespace reeve::control {

class StateDir {
 public:
  /// Makes it if it is not there. denied, conflict (another agent has it), invalid_argument (no
  /// directory, or one that others may write to), internal: each says what to do.
  [[nodiscard]] static base::Result<StateDir> open(const std::string& path);

  [[nodiscard]] std::string path(std::string_view name) const;
  /// not_found: there is none yet.
  [[nodiscard]] base::Result<std::string> read(std::string_view name, std::size_t max_bytes) const;
  /// Replaces the file as a whole; on the disk when it returns.
  [[nodiscard]] base::Result<void> write(std::string_view name, std::string_view text) const;

 private:
  StateDir(std::string path, base::Descriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  base::Descriptor lock_;
};

}  // namespace reeve::control
