#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace reeve::base {
namespace {

constexpr std::size_t first_read_bytes = std::size_t{16} * 1024;

tl::unexpected<Error> cannot_read(const std::string& path, int error_number) {
  const ErrorKind kind = error_number == ENOENT || error_number == ENOTDIR ? ErrorKind::not_found
                         : error_number == EACCES || error_number == EPERM ? ErrorKind::denied
                                                                           : ErrorKind::internal;
  return failure(kind,
                 "cannot read " + path + ": " + std::generic_category().message(error_number));
}

/// `first_read` bytes are allocated at first, and more only if the file is longer.
Result<std::string> read_up_to(const std::string& path, std::size_t max_bytes,
                               std::size_t first_read) {
  // NONBLOCK so that a FIFO in the file's place cannot block the caller.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) {
    return cannot_read(path, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return failure(ErrorKind::invalid_argument, "cannot read " + path + ": not a regular file");
  }
  std::string text;
  std::size_t used = 0;
  while (used <= max_bytes) {
    if (used == text.size()) {
      text.resize(std::min(max_bytes + 1, std::max(first_read, 2 * used)));
    }
    const ssize_t got = ::read(file.get(), text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return cannot_read(path, errno);
    }
    if (got == 0) {
      text.resize(used);
      return text;
    }
    used += static_cast<std::size_t>(got);
  }
  return failure(ErrorKind::invalid_argument,
                 "cannot read " + path + ": longer than " + std::to_string(max_bytes) + " bytes");
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  return read_up_to(path, max_bytes, first_read_bytes).map([](std::string text) {
    text.shrink_to_fit();
    return text;
  });
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

Result<Secret> read_secret_file(const std::string& path) {
  constexpr std::size_t max_secret_file = std::size_t{64} * 1024;
  // In one buffer, which is wiped afterwards: one that grows leaves copies behind.
  return read_up_to(path, max_secret_file, max_secret_file + 1).map([](std::string text) {
    const Secret whole(std::move(text));
    const std::string& lines = whole.reveal();
    const std::size_t begin = lines.size() - without_byte_order_mark(lines).size();
    return Secret(lines.substr(begin, std::min(lines.find_first_of("\r\n"), lines.size()) - begin));
  });
}

}  // namespace reeve::base
