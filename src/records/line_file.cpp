#include "records/line_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace reeve::records {

using base::Descriptor;
using base::ErrorKind;
using base::failure;
using base::Result;

namespace {

tl::unexpected<base::Error> cannot(std::string_view what, const std::string& path) {
  const int error_number = errno;
  return failure(error_number == ENOENT ? ErrorKind::not_found : ErrorKind::internal,
                 "cannot " + std::string(what) + " " + path + ": " +
                     std::generic_category().message(error_number));
}

/// What was read; empty at the end of the file.
Result<std::string_view> read_at(const Descriptor& file, std::array<char, 65536>& buffer,
                                 std::uint64_t offset, const std::string& path) {
  for (;;) {
    const ssize_t got =
        ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) {
      return std::string_view(buffer.data(), static_cast<std::size_t>(got));
    }
    if (errno != EINTR) {
      return cannot("read", path);
    }
  }
}

}  // namespace

bool write_all(const Descriptor& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return true;
}

Result<LineFile> LineFile::open(std::string path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) {
    return cannot("open", path);
  }
  LineFile lines(std::move(path), std::move(file));
  const auto end = lines.end_of_last_line();
  if (!end) {
    return failure(end.error());
  }
  return lines.cut_to(*end).map([&] { return std::move(lines); });
}

Result<std::uint64_t> LineFile::end_of_last_line() const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    return cannot("read", path_);
  }
  std::array<char, 65536> buffer{};
  auto end = static_cast<std::uint64_t>(status.st_size);
  while (end > 0) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, buffer.size());
    const auto piece = read_at(file_, buffer, begin, path_);
    if (!piece) {
      return failure(piece.error());
    }
    const std::size_t last = piece->substr(0, end - begin).rfind('\n');
    if (last != std::string_view::npos) {
      return begin + last + 1;
    }
    end = begin;
  }
  return 0;
}

Result<void> LineFile::cut_to(std::uint64_t size) {
  if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
    return cannot("write", path_);
  }
  size_ = size;
  return {};
}

Result<void> LineFile::append(std::string_view lines, Durability durability) {
  if (broken_) {
    return failure(ErrorKind::internal, "cannot write " + path_ +
                                            ": an earlier write failed half way; repair the disk "
                                            "and restart the agent");
  }
  const bool written = write_all(file_, lines) &&
                       (durability == Durability::written || ::fdatasync(file_.get()) == 0);
  if (written) {
    size_ += lines.size();
    return {};
  }
  auto error = cannot("write", path_);
  broken_ = !cut_to(size_);
  return error;
}

Result<void> LineFile::move_to(std::string path) {
  if (::rename(path_.c_str(), path.c_str()) != 0) {
    return cannot("replace", path);
  }
  path_ = std::move(path);
  return {};
}

Result<void> read_lines(const std::string& path,
                        const std::function<Result<void>(std::string_view)>& take) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!file.valid()) {
    return cannot("read", path);
  }
  std::array<char, 65536> buffer{};
  std::string line;
  for (std::uint64_t offset = 0;;) {
    auto piece = read_at(file, buffer, offset, path);
    if (!piece || piece->empty()) {
      return piece.map([](std::string_view) {});
    }
    offset += piece->size();
    for (std::size_t end = piece->find('\n'); end != std::string_view::npos;
         end = piece->find('\n')) {
      line += piece->substr(0, end);
      piece->remove_prefix(end + 1);
      if (auto taken = take(line); !taken) {
        return taken;
      }
      line.clear();
    }
    line += *piece;
    if (line.size() > LineFile::max_line_bytes) {
      return failure(ErrorKind::malformed, "cannot read " + path + ": a line is longer than " +
                                               std::to_string(LineFile::max_line_bytes) + " bytes");
    }
  }
}

}  // namespace reeve::records
