#pragma once

// A file of lines that is only appended to: the journal and the audit are kept in such files.
// Its owner lets one thread at a time append.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "reeve/base/result.h"

namespace reeve::records {

/// Writes the whole of `text`; false with errno if that was not possible.
[[nodiscard]] bool write_all(const base::Descriptor& file, std::string_view text);

enum class Durability : std::uint8_t { written, synced };

class LineFile {
 public:
  static constexpr std::size_t max_line_bytes = std::size_t{1024} * 1024;

  /// Creates the file if there is none. What follows the last end of line, the rest of a write
  /// that a crash interrupted, is cut off.
  [[nodiscard]] static base::Result<LineFile> open(std::string path);

  /// Each of `lines` ends with an end of line. When it returns, all of them are in the file or,
  /// after an error, none.
  [[nodiscard]] base::Result<void> append(std::string_view lines, Durability durability);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Renames the file to `path`, replacing a file of that name; later appends go to it.
  [[nodiscard]] base::Result<void> move_to(std::string path);

 private:
  LineFile(std::string path, base::Descriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  [[nodiscard]] base::Result<void> cut_to(std::uint64_t size);
  [[nodiscard]] base::Result<std::uint64_t> end_of_last_line() const;

  std::string path_;
  base::Descriptor file_;
  std::uint64_t size_ = 0;
  bool broken_ = false;  ///< a partly written line could not be cut off
};

/// Calls `take` with each whole line of the file, without its end, until that returns an error.
/// Holds at most `max_line_bytes` at a time; not_found: there is no such file; malformed: a longer
/// line.
[[nodiscard]] base::Result<void> read_lines(
    const std::string& path, const std::function<base::Result<void>(std::string_view)>& take);

}  // namespace reeve::records
