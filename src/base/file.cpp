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

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
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
      text.resize(std::min(max_bytes + 1, std::max(first_read_bytes, 2 * used)));
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
      text.shrink_to_fit();
      return text;
    }
    used += static_cast<std::size_t>(got);
  }
  return failure(ErrorKind::invalid_argument,
                 "cannot read " + path + ": longer than " + std::to_string(max_bytes) + " bytes");
}

Result<Secret> read_secret_file(const std::string& path) {
  constexpr std::size_t max_secret_file = std::size_t{64} * 1024;
  return read_file(path, max_secret_file).map([](const std::string& text) {
    return Secret(text.substr(0, text.find_first_of("\r\n")));
  });
}

}  // namespace reeve::base
