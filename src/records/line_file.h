#pragma once

// A file of lines that only grows: what the journal and the record of what was done are kept in.
// Its owner lets one thread at a time append.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "reeve/base/result.h"

namespace reeve::records {

enum class Durability : std::uint8_t { written, synced };

class LineFile {
 public:
  static constexpr std::size_t max_line_bytes = std::size_t{1024} * 1024;

  /// Makes it if it is not there. What stands behind the last end of line, which is what a crash
  /// in the middle of a write leaves, is cut off.
  [[nodiscard]] static base::Result<LineFile> open(std::string path);

  /// `lines` each end with an end of line. All of them are in the file when it returns, or, after
  /// an error, none.
  [[nodiscard]] base::Result<void> append(std::string_view lines, Durability durability);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Takes the place of what is there, if anything; appending goes on.
  [[nodiscard]] base::Result<void> move_to(std::string path);

 private:
  LineFile(std::string path, base::Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  [[nodiscard]] base::Result<void> cut_to(std::uint64_t size);
  [[nodiscard]] base::Result<std::uint64_t> end_of_last_line() const;

  std::string path_;
  base::Descriptor file_;
  std::uint64_t size_ = 0;
  bool broken_ = false;  ///< half a line could not be taken back
};

/// Calls `take` with each whole line of the file, without its end, until that answers an error. At
/// most `max_line_bytes` are held at a time; not_found: there is no such file; malformed: a longer
/// line.
[[nodiscard]] base::Result<void> read_lines(
    const std::string& path, const std::function<base::Result<void>(std::string_view)>& take);

}  // namespace reeve::records
