#include "records/rotated_lines.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

namespace reeve::records {

using base::Descriptor;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::string_view extension = ".jsonl";

tl::unexpected<base::Error> cannot_read(const std::string& path, int error_number) {
  return base::failure(
      error_number == ENOENT ? ErrorKind::not_found : ErrorKind::internal,
      "cannot read " + path + ": " + std::generic_category().message(error_number));
}

std::optional<std::uint64_t> rotated_number(std::string_view name, const std::string& stem) {
  const std::string prefix = stem + ".";
  if (!name.starts_with(prefix) || !name.ends_with(extension) ||
      name.size() <= prefix.size() + extension.size()) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  name.remove_suffix(extension.size());
  return name.starts_with('0') ? std::nullopt : base::parse_number<std::uint64_t>(name);
}

std::set<std::uint64_t> numbers_in(const StateDir& state, const std::string& stem) {
  std::set<std::uint64_t> numbers;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(state.path("."), ignored)) {
    if (const auto number = rotated_number(file.path().filename().string(), stem)) {
      numbers.insert(*number);
    }
  }
  return numbers;
}

/// Splits blocks of a file, the last one first, into lines.
class BackwardSplitter {
 public:
  explicit BackwardSplitter(const LineSource::Take& take) : take_(take) {}

  /// False: `take` wants no more.
  [[nodiscard]] bool add(std::string block, std::uint64_t offset) {
    block += rest_;
    std::size_t end = block.size();
    for (std::size_t at = block.rfind('\n'); at != std::string::npos;
         at = at == 0 ? std::string::npos : block.rfind('\n', at - 1)) {
      // What follows the last end of line is being written, or was never finished.
      if (std::exchange(is_whole_, true) &&
          !take_(std::string_view(block).substr(at + 1, end - at - 1), offset + at + 1)) {
        return false;
      }
      end = at;
    }
    block.resize(end);
    rest_ = std::move(block);
    return true;
  }
  /// The beginning of the file was added.
  void finish() {
    if (is_whole_) {
      (void)take_(rest_, 0);
    }
  }
  [[nodiscard]] std::size_t waiting() const { return rest_.size(); }

 private:
  const LineSource::Take& take_;
  std::string rest_;  ///< the end of a line that begins in an earlier block
  bool is_whole_ = false;
};

}  // namespace

Result<std::shared_ptr<const LineSource>> LineSource::open(std::string path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!file.valid()) {
    return cannot_read(path, errno);
  }
  return std::shared_ptr<const LineSource>(new LineSource(std::move(path), std::move(file)));
}

std::string LineSource::read(std::uint64_t offset, std::size_t length) const {
  std::string text(length, '\0');
  std::size_t got = 0;
  while (got < length) {
    const ssize_t more =
        ::pread(file_.get(), text.data() + got, length - got, static_cast<off_t>(offset + got));
    if (more == 0 || (more < 0 && errno != EINTR)) {
      break;
    }
    got += more < 0 ? 0 : static_cast<std::size_t>(more);
  }
  text.resize(got);
  return text;
}

Result<void> LineSource::read_backwards(const Take& take) const {
  constexpr std::uint64_t block_bytes = 65536;
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    return cannot_read(path_, errno);
  }
  BackwardSplitter splitter(take);
  for (auto end = static_cast<std::uint64_t>(status.st_size); end > 0;) {
    const std::uint64_t begin = end - std::min(end, block_bytes);
    std::string block = read(begin, static_cast<std::size_t>(end - begin));
    if (block.size() != end - begin) {
      return cannot_read(path_, errno == 0 ? EIO : errno);
    }
    if (!splitter.add(std::move(block), begin)) {
      return {};
    }
    if (splitter.waiting() > LineFile::max_line_bytes) {
      return base::failure(ErrorKind::malformed,
                           "cannot read " + path_ + ": a line is longer than " +
                               std::to_string(LineFile::max_line_bytes) + " bytes");
    }
    end = begin;
  }
  splitter.finish();
  return {};
}

RotatedLines::RotatedLines(const StateDir& state, std::string stem, RotationLimits limits,
                           base::Log log, LineFile file)
    : state_(&state),
      stem_(std::move(stem)),
      limits_(limits),
      log_(std::move(log)),
      file_(std::move(file)),
      numbers_(numbers_in(state, stem_)) {}

Result<RotatedLines> RotatedLines::open(const StateDir& state, std::string stem,
                                        RotationLimits limits, base::Log log) {
  return LineFile::open(state.path(stem + std::string(extension))).and_then([&](LineFile file) {
    return state.sync().map([&] {
      return RotatedLines(state, std::move(stem), limits, std::move(log), std::move(file));
    });
  });
}

std::string RotatedLines::rotated_path(std::uint64_t number) const {
  return state_->path(stem_ + "." + std::to_string(number) + std::string(extension));
}

std::vector<std::string> RotatedLines::make_room(std::size_t bytes) {
  std::vector<std::string> removed;
  if (file_.size() == 0 || file_.size() + bytes <= limits_.file_bytes) {
    return removed;
  }
  if (auto moved = rotate(); !moved) {
    log_.error("a full audit file cannot be rotated", {{"error", moved.error().message}});
  }
  while (numbers_.size() > limits_.rotated_files) {
    const std::string oldest = rotated_path(*numbers_.begin());
    log_.warning("the oldest audit file is removed: there are too many", {{"file", oldest}});
    (void)::unlink(oldest.c_str());
    removed.push_back(oldest.substr(oldest.rfind('/') + 1));
    numbers_.erase(numbers_.begin());
  }
  return removed;
}

Result<void> RotatedLines::rotate() {
  const std::uint64_t number = numbers_.empty() ? 1 : *numbers_.rbegin() + 1;
  const std::string current = current_path();
  if (std::rename(current.c_str(), rotated_path(number).c_str()) == 0) {
    numbers_.insert(number);
  } else if (errno != ENOENT) {  // ENOENT: it was renamed before, and no new one could be opened
    return base::failure(ErrorKind::internal, "cannot rename " + current + ": " +
                                                  std::generic_category().message(errno));
  }
  return LineFile::open(current).and_then([this](LineFile next) {
    file_ = std::move(next);
    return state_->sync();
  });
}

Result<RotatedLines::Files> RotatedLines::files() const {
  Files all;
  auto current = LineSource::open(current_path());
  if (!current && current.error().kind != ErrorKind::not_found) {
    return base::failure(std::move(current.error()));
  }
  all.current = std::move(current).value_or(nullptr);
  for (auto number = numbers_.rbegin(); number != numbers_.rend(); ++number) {
    all.rotated.push_back(rotated_path(*number));
  }
  return all;
}

}  // namespace reeve::records
