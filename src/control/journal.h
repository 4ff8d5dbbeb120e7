#pragma once

// The operations, on the disk: each state of each is appended before the agent goes on, so that
// after a crash the next start knows what was asked for, how far it came, and finishes it or
// abandons it. The last thousand that are done stay in it as history. Thread-safe.

#include <memory>
#include <vector>

#include "base/log.h"
#include "control/operation.h"
#include "records/state_dir.h"
#include "reeve/base/result.h"

namespace reeve::control {

class Journal {
 public:
  /// What was found is in restored(). A torn last line is what a crash leaves, and dropped; any
  /// other that cannot be read is an error that names file and line.
  [[nodiscard]] static base::Result<std::unique_ptr<Journal>> open(const records::StateDir& state,
                                                                   base::Log log);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// As they were last recorded, oldest first.
  [[nodiscard]] const std::vector<Operation>& restored() const;
  /// In the file, all of them or none, when it returns; and on the disk, if something is about to
  /// be asked for or was ended.
  [[nodiscard]] base::Result<void> record(const std::vector<Operation>& operations);

 private:
  struct State;
  explicit Journal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
