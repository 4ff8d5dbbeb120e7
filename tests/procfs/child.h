#pragma once

// A process made for a test by fork, which does what it is told and then waits to be let go; ended
// with its owner.

#include <array>
#include <csignal>
#include <functional>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "procfs/process_trees.h"
#include "support/catch.h"

namespace reeve::procfs {

class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    std::array<int, 2> go{};
    std::array<int, 2> done{};
    REQUIRE(::pipe(go.data()) == 0);
    REQUIRE(::pipe(done.data()) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::close(go[1]);
      ::close(done[0]);
      work();
      char byte = 0;
      [[maybe_unused]] ssize_t ignored = ::write(done[1], &byte, 1);
      ::close(done[1]);
      ignored = ::read(go[0], &byte, 1);
      ::_exit(0);
    }
    ::close(go[0]);
    ::close(done[1]);
    go_.reset(go[1]);
    done_.reset(done[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  [[nodiscard]] ProcessId pid() const { return {pid_}; }
  /// Readable once its work is done: for poll(2).
  [[nodiscard]] int done() const { return done_.get(); }
  void wait_until_done() const {
    char byte = 0;
    REQUIRE(::read(done_.get(), &byte, 1) == 1);
  }
  /// Lets it go: what it and all that it waited for have used.
  [[nodiscard]] rusage end() {
    go_.reset();
    rusage used{};
    REQUIRE(::wait4(pid_, nullptr, 0, &used) == pid_);
    pid_ = -1;
    return used;
  }

 private:
  pid_t pid_ = -1;
  base::Descriptor go_;
  base::Descriptor done_;
};

/// Uses up so much CPU time of the calling process.
inline void burn(std::chrono::milliseconds span) {
  const auto used = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const auto end = used() + span;
  while (used() < end) {
    volatile int turns = 0;
    while (turns < 10'000) {
      turns = turns + 1;
    }
  }
}

/// Runs `work` in a child of the calling process, which ends after it, or with
/// its parent. Its pid.
template <class Work>
pid_t in_child(const Work& work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    work();
    ::_exit(0);
  }
  return pid;
}

}  // namespace reeve::procfs
