#include "records/state_dir.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "records/line_file.h"

namespace reeve::records {

using base::Descriptor;
using base::ErrorKind;
using base::failure;
using base::Result;

namespace {

ErrorKind kind_of(int error_number) {
  return error_number == EACCES || error_number == EPERM || error_number == EROFS
             ? ErrorKind::denied
         : error_number == ENOTDIR || error_number == ENOENT ? ErrorKind::invalid_argument
                                                             : ErrorKind::internal;
}

std::string cause(int error_number) {
  return std::generic_category().message(error_number);
}

constexpr std::string_view what_to_do =
    "; give the agent a directory of its own with state_dir in its configuration";

tl::unexpected<base::Error> cannot_use(const std::string& path, int error_number) {
  return failure(kind_of(error_number), "cannot use the state directory " + path + ": " +
                                            cause(error_number) + std::string(what_to_do));
}

/// No other user may be able to replace the agent's files.
Result<void> check_is_ours(const std::string& path, const Descriptor& directory) {
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) {
    return cannot_use(path, errno);
  }
  constexpr mode_t others_write = S_IWGRP | S_IWOTH;
  if (status.st_uid != ::geteuid() || (status.st_mode & others_write) != 0) {
    return failure(ErrorKind::invalid_argument,
                   "cannot use the state directory " + path +
                       ": it must belong to the agent's user, and nobody else may write to it "
                       "(chown it, chmod 0700)");
  }
  return {};
}

Result<Descriptor> take_lock(const std::string& path) {
  Descriptor lock(
      ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) {
    return cannot_use(path, errno);
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    return lock;
  }
  if (errno != EWOULDBLOCK) {
    return cannot_use(path, errno);
  }
  return failure(ErrorKind::conflict, "the state directory " + path +
                                          " is in use by another agent: stop that one, or give "
                                          "this one a state_dir of its own");
}

Result<void> replace(const std::string& path, const std::string& draft, std::string_view text) {
  const Descriptor file(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid() || !write_all(file, text) || ::fsync(file.get()) != 0 ||
      ::rename(draft.c_str(), path.c_str()) != 0) {
    return failure(kind_of(errno), "cannot write " + path + ": " + cause(errno));
  }
  return {};
}

}  // namespace

Result<StateDir> StateDir::open(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return cannot_use(path, errno);
  }
  Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) {
    return cannot_use(path, errno);
  }
  return check_is_ours(path, directory)
      .and_then([&] { return take_lock(path); })
      .map([&](Descriptor lock) { return StateDir(path, std::move(directory), std::move(lock)); });
}

std::string StateDir::path(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

Result<std::string> StateDir::read(std::string_view name, std::size_t max_bytes) const {
  return base::read_file(path(name), max_bytes);
}

Result<void> StateDir::write(std::string_view name, std::string_view text) const {
  const std::scoped_lock one_at_a_time(*writing_);
  const std::string file = path(name);
  return replace(file, file + ".new", text).and_then([this] { return sync(); });
}

Result<void> StateDir::sync() const {
  if (::fsync(directory_.get()) != 0) {
    return failure(ErrorKind::internal, "cannot sync " + path_ + ": " + cause(errno));
  }
  return {};
}

}  // namespace reeve::records
