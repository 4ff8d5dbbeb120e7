#pragma once

// The operations on the disk: each state of each operation is appended before the agent proceeds,
// so that after a crash its next run knows what was requested and how far it came, and resumes or
// abandons it. A thousand that are done are kept as history. Thread-safe; one lock, held
// while the file is written.

#include <memory>
#include <vector>

#include "base/log.h"
#include "control/operation.h"
#include "records/state_dir.h"
#include "reeve/base/result.h"

namespace reeve::control {

class Journal {
 public:
  /// Reads the file: see restored(). An incomplete last line, which a crash leaves, is dropped; any
  /// other line that cannot be read is an error that names file and line.
  [[nodiscard]] static base::Result<std::unique_ptr<Journal>> open(const records::StateDir& state,
                                                                   base::Log log);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// As they were last recorded, oldest first.
  [[nodiscard]] const std::vector<Operation>& restored() const;
  /// When it returns, all of them or, after an error, none are in the file; and synced to the disk
  /// if a request is about to be sent or an operation was ended.
  [[nodiscard]] base::Result<void> record(const std::vector<Operation>& operations);

 private:
  struct State;
  explicit Journal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
