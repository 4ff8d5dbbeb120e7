#pragma once

// Lines that are only appended to, in a row of files: STEM.jsonl is written; once it is full it is
// renamed to the next of STEM.1.jsonl, STEM.2.jsonl and so on, and of too many the oldest is
// removed, which is logged. The owner lets one thread at a time call make_room(), append() and
// files(); what files() returned may be read on any thread meanwhile.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "records/line_file.h"
#include "records/state_dir.h"
#include "reeve/base/result.h"

namespace reeve::records {

struct RotationLimits {
  std::size_t file_bytes = std::size_t{8} * 1024 * 1024;
  std::size_t rotated_files = 63;
};

/// An open file of lines, which may grow or be renamed meanwhile.
class LineSource {
 public:
  /// not_found: there is no such file.
  [[nodiscard]] static base::Result<std::shared_ptr<const LineSource>> open(std::string path);

  /// Gets a line without its end, and where it begins. False: no more.
  using Take = std::function<bool(std::string_view line, std::uint64_t offset)>;
  /// Calls `take` with each whole line, the last one first; holds little more than a line at a
  /// time. malformed: a line is longer than LineFile::max_line_bytes.
  [[nodiscard]] base::Result<void> read_backwards(const Take& take) const;
  /// What `take` got; shorter if the file was cut since.
  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t length) const;

 private:
  LineSource(std::string path, base::Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  base::Descriptor file_;
};

class RotatedLines {
 public:
  /// `state` must outlive this.
  [[nodiscard]] static base::Result<RotatedLines> open(const StateDir& state, std::string stem,
                                                       RotationLimits limits, base::Log log);

  /// Rotates the file if so many bytes more would be too many for it. Returns the names of the
  /// files that were removed: the lines in them are lost.
  [[nodiscard]] std::vector<std::string> make_room(std::size_t bytes);
  /// Each of `lines` ends with an end of line. When it returns, all of them are in one file or,
  /// after an error, none.
  [[nodiscard]] base::Result<void> append(std::string_view lines, Durability durability) {
    return file_.append(lines, durability);
  }

  struct Files {
    std::shared_ptr<const LineSource> current;  ///< null: there is none just now
    std::vector<std::string> rotated;           ///< paths, the newest first; some may be gone soon
  };
  /// All files as they are now.
  [[nodiscard]] base::Result<Files> files() const;

 private:
  RotatedLines(const StateDir& state, std::string stem, RotationLimits limits, base::Log log,
               LineFile file);

  [[nodiscard]] std::string current_path() const { return state_->path(stem_ + ".jsonl"); }
  [[nodiscard]] std::string rotated_path(std::uint64_t number) const;
  [[nodiscard]] base::Result<void> rotate();

  const StateDir* state_;
  std::string stem_;
  RotationLimits limits_;
  base::Log log_;
  LineFile file_;
  std::set<std::uint64_t> numbers_;  ///< of the rotated files
};

}  // namespace reeve::records
