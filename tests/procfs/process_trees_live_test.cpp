// Against the kernel's own /proc and real processes.

#include <cstdlib>

#include <poll.h>

#include "procfs/child.h"
#include "procfs/process_trees.h"
#include "support/eventually.h"
#include "support/plenty.h"

namespace reeve::procfs {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

double seconds(const CpuTime& cpu) {
  return std::chrono::duration<double>(cpu.user + cpu.system).count();
}

double seconds(const rusage& used) {
  const auto one = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return one(used.ru_utime) + one(used.ru_stime);
}

TreeUsage measure(ProcessTrees& trees, const Child& child) {
  const auto usage = trees.measure({child.pid()}, tests::plenty()).front();
  REQUIRE(usage);
  return *usage;
}

/// Generations of short-lived processes: most live between two looks at them, some longer.
void churn() {
  for (int round = 0; round < 40; ++round) {
    const pid_t quick = in_child([] { burn(5ms); });
    const pid_t parent = in_child([round] {
      const pid_t grandchild = in_child([round] { burn(round % 10 == 0 ? 80ms : 10ms); });
      burn(3ms);
      ::waitpid(grandchild, nullptr, 0);
    });
    burn(2ms);
    ::waitpid(quick, nullptr, 0);
    ::waitpid(parent, nullptr, 0);
  }
}

TEST_CASE(
    "ProcessTrees: the CPU time of a churning tree is what the kernel says when it has ended, "
    "within 2 %") {
  Child child(churn);
  ProcessTrees trees({});
  double before = 0;
  pollfd done{child.done(), POLLIN, 0};
  while (::poll(&done, 1, 20) == 0) {
    const double now = seconds(measure(trees, child).cpu);
    CHECK(now >= before);
    before = now;
  }
  const double measured = seconds(measure(trees, child).cpu);
  const double truth = seconds(child.end());
  CHECK(measured >= before);
  // /proc tells four times (user and system, own and children's), each in whole ticks.
  const double ticks = 4.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  CHECK(measured == Approx(truth).epsilon(0.02).margin(ticks));
}

TEST_CASE(
    "ProcessTrees: what a child used is not lost though its parent does not wait for children") {
  std::array<int, 2> until_closed{};
  REQUIRE(::pipe(until_closed.data()) == 0);
  Child child([&] {
    ::close(until_closed[1]);
    ::signal(SIGCHLD, SIG_IGN);
    in_child([&] {
      burn(300ms);
      char byte = 0;
      [[maybe_unused]] const ssize_t ended = ::read(until_closed[0], &byte, 1);
    });
  });
  ProcessTrees trees({});
  REQUIRE(tests::eventually(patience, [&] { return seconds(measure(trees, child).cpu) >= 0.28; }));
  REQUIRE(measure(trees, child).processes == 2);
  ::close(until_closed[1]);
  ::close(until_closed[0]);
  REQUIRE(tests::eventually(patience, [&] { return measure(trees, child).processes == 1; }));
  CHECK(seconds(measure(trees, child).cpu) >= 0.28);
}

TEST_CASE("ProcessTrees: a process has memory, threads, descriptors and a limit of them") {
  std::array<int, 2> pipe{};
  Child child([&] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 321;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    [[maybe_unused]] const int made = ::pipe(pipe.data());
  });
  child.wait_until_done();
  ProcessTrees trees({});
  trees.measure_proportional_memory(true);
  const TreeUsage usage = measure(trees, child);
  CHECK(usage.processes == 1);
  CHECK(usage.threads >= 1);  // a sanitizer has one of its own
  CHECK(usage.resident_bytes > 100'000);
  CHECK(usage.proportional_bytes.value() > 0);
  CHECK(usage.proportional_bytes.value() <= usage.resident_bytes + 1'000'000);
  CHECK(usage.max_fds == 321);
  CHECK(usage.open_fds.value() >= 5);
  CHECK(usage.io);
  CHECK(usage.root_start > 0);
  CHECK(usage.root_parent == ProcessId{::getpid()});
}

TEST_CASE("ProcessTrees: descendants belong to the tree, with any name") {
  Child child([] {
    (void)in_child([] {
      ::prctl(PR_SET_NAME, ") R 1\n(");
      (void)in_child([] { ::pause(); });
      ::pause();
    });
  });
  child.wait_until_done();
  ProcessTrees trees({});
  CHECK(tests::eventually(patience, [&] { return measure(trees, child).processes == 3; }));
}

TEST_CASE("ProcessTrees: a process that has ended has no tree") {
  Child child([] {});
  const ProcessId pid = child.pid();
  ProcessTrees trees({});
  CHECK(trees.measure({pid}, tests::plenty()).front());
  (void)child.end();
  CHECK_FALSE(trees.measure({pid}, tests::plenty()).front());
}

TEST_CASE("ProcessTrees: files that are kept open go with their processes") {
  ProcessTrees trees({});
  for (int round = 0; round < 5; ++round) {
    Child child([] {});
    for (int look = 0; look < 3; ++look) {
      CHECK(measure(trees, child).processes == 1);
    }
    const ProcessId pid = child.pid();
    (void)child.end();
    CHECK_FALSE(trees.measure({pid}, tests::plenty()).front());
  }
}

TEST_CASE("ProcessTrees: another user's process shows what everybody may see, and hides the rest") {
  // Seen by a child that is nobody, since the test may be root.
  Child other([] {});
  other.wait_until_done();
  const pid_t looker = in_child([&] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      ::_exit(2);
    }
    const ProcessId target{::getuid() == 65534 ? other.pid().value : 1};
    ProcessTrees trees({});
    trees.measure_proportional_memory(true);
    const auto usage = trees.measure({target}, tests::plenty()).front();
    const bool right = usage && usage->resident_bytes > 0 && usage->processes >= 1 && !usage->io &&
                       !usage->proportional_bytes;
    ::_exit(right ? 0 : 1);
  });
  int status = -1;
  REQUIRE(::waitpid(looker, &status, 0) == looker);
  CHECK(status == 0);
}

TEST_CASE("ProcessTrees: our own children are here, and are not the children of our parent") {
  Child child([] {});
  const Program program{child.pid(), std::nullopt};
  CHECK(locate({::getpid()}, {program}) == Locality::here);
  CHECK(locate({::getppid()}, {program}) == Locality::elsewhere);
}

}  // namespace
}  // namespace reeve::procfs
