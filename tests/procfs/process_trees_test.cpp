#include "procfs/process_trees.h"

#include <sys/stat.h>
#include <unistd.h>

#include "procfs/made_proc.h"
#include "support/catch.h"
#include "support/plenty.h"

namespace reeve::procfs {
namespace {

using namespace std::chrono_literals;

struct Scene {
  MadeProc proc;
  ProcessTrees trees{{proc.path()}};

  TreeUsage look(int root = 100) {
    const auto usages = trees.measure({{root}}, tests::plenty());
    REQUIRE(usages.size() == 1);
    REQUIRE(usages.front());
    return *usages.front();
  }
};

base::Duration ticks(int count) {
  return base::Duration(1s) / ::sysconf(_SC_CLK_TCK) * count;
}

MadeProcess child_of(int parent) {
  MadeProcess made;
  made.parent = parent;
  return made;
}

TEST_CASE("ProcessTrees: a tree is a process with all its descendants, and nobody else") {
  Scene scene;
  scene.proc.set(1, child_of(0));
  scene.proc.set(100, child_of(1));
  scene.proc.set(101, child_of(100));
  scene.proc.set(50, child_of(101));
  scene.proc.set(102, child_of(100));
  scene.proc.set(200, child_of(1));
  CHECK(scene.look().processes == 4);
  CHECK(scene.look().threads == 4);
  CHECK(scene.look().resident_bytes == 4 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  CHECK(scene.look(200).processes == 1);
}

TEST_CASE(
    "ProcessTrees: what the deadline does not leave time for is absent, and its counters go on "
    "later") {
  Scene scene;
  scene.proc.set(100, {.user = 5, .children_user = 7});
  REQUIRE(scene.look().cpu.user == ticks(12));
  scene.proc.set(100, {.user = 5, .children_user = 9});
  const base::SystemClock clock;
  const base::Deadline over = base::Deadline::after(clock, 0s);
  CHECK(scene.trees.measure({{100}}, over) == std::vector<std::optional<TreeUsage>>(1));
  CHECK(scene.look().cpu.user == ticks(14));
}

TEST_CASE("ProcessTrees: several roots are measured in one pass and answered in their order") {
  Scene scene;
  scene.proc.set(100, child_of(1));
  scene.proc.set(200, child_of(1));
  scene.proc.set(201, child_of(200));
  const auto usages = scene.trees.measure({{200}, {999}, {100}}, tests::plenty());
  REQUIRE(usages.size() == 3);
  CHECK(usages[0]->processes == 2);
  CHECK_FALSE(usages[1]);
  CHECK(usages[2]->processes == 1);
}

TEST_CASE("ProcessTrees: CPU time goes on when a child has ended and was waited for") {
  Scene scene;
  MadeProcess root = child_of(1);
  MadeProcess child = child_of(100);
  root.user = 5;
  child.user = 30;
  child.system = 3;
  scene.proc.set(100, root);
  scene.proc.set(101, child);
  CHECK(scene.look().cpu == CpuTime{ticks(35), ticks(3)});
  scene.proc.remove(101);
  root.children_user = 31;
  root.children_system = 3;
  scene.proc.set(100, root);
  CHECK(scene.look().cpu == CpuTime{ticks(36), ticks(3)});
}

TEST_CASE("ProcessTrees: CPU time goes on when nobody waited for the child that ended") {
  Scene scene;
  scene.proc.set(100, child_of(1));
  MadeProcess child = child_of(100);
  child.user = 30;
  scene.proc.set(101, child);
  CHECK(scene.look().cpu.user == ticks(30));
  scene.proc.remove(101);
  CHECK(scene.look().cpu.user == ticks(30));
}

TEST_CASE(
    "ProcessTrees: a zombie's time counts until its parent has it; the zombie itself does not") {
  Scene scene;
  scene.proc.set(100, child_of(1));
  MadeProcess zombie = child_of(100);
  zombie.state = 'Z';
  zombie.user = 12;
  scene.proc.set(101, zombie);
  CHECK(scene.look().cpu.user == ticks(12));
  CHECK(scene.look().processes == 1);
  CHECK(scene.look().threads == 1);
}

TEST_CASE("ProcessTrees: an orphan that was seen with its parent leaves with what it had used") {
  Scene scene;
  MadeProcess middle = child_of(100);
  MadeProcess leaf = child_of(101);
  middle.user = 4;
  leaf.user = 9;
  scene.proc.set(100, child_of(1));
  scene.proc.set(101, middle);
  scene.proc.set(102, leaf);
  CHECK(scene.look().cpu.user == ticks(13));
  scene.proc.remove(101);
  leaf.parent = 1;
  leaf.user = 50;
  scene.proc.set(102, leaf);
  MadeProcess root = child_of(1);
  root.children_user = 4;
  scene.proc.set(100, root);
  CHECK(scene.look().cpu.user == ticks(13));
  CHECK(scene.look().processes == 1);
}

TEST_CASE("ProcessTrees: another start time of the root is another run, with counters of its own") {
  Scene scene;
  MadeProcess root = child_of(1);
  root.user = 500;
  scene.proc.set(100, root);
  CHECK(scene.look().root_start == 1000);
  root.user = 2;
  root.start = 2000;
  scene.proc.set(100, root);
  CHECK(scene.look().root_start == 2000);
  CHECK(scene.look().cpu.user == ticks(2));
}

TEST_CASE("ProcessTrees: bytes read and written count for the tree, and go on as CPU time does") {
  Scene scene;
  MadeProcess root = child_of(1);
  MadeProcess child = child_of(100);
  root.read = 10;
  child.read = 4096;
  child.written = 100;
  scene.proc.set(100, root);
  scene.proc.set(101, child);
  CHECK(scene.look().io == IoBytes{4106, 100});
  scene.proc.remove(101);
  root.read = 10 + 4096;
  scene.proc.set(100, root);
  CHECK(scene.look().io == IoBytes{4106, 100});
}

TEST_CASE("ProcessTrees: open descriptors and their limit are the main process's own") {
  Scene scene;
  scene.proc.set(100, child_of(1));
  scene.proc.set(101, child_of(100));
  for (const char* const each : {"100/fd/0", "100/fd/1", "100/fd/17", "101/fd/0"}) {
    scene.proc.put(each, "");
  }
  CHECK(scene.look().open_fds == 3);
  CHECK(scene.look().max_fds == 1024);
}

TEST_CASE("ProcessTrees: proportional memory is read only if asked for") {
  MadeProc proc;
  proc.set(100, child_of(1));
  proc.set(101, child_of(100));
  ProcessTrees trees({proc.path()});
  CHECK_FALSE(trees.measure({{100}}, tests::plenty()).front()->proportional_bytes);
  trees.measure_proportional_memory(true);
  CHECK(trees.measure({{100}}, tests::plenty()).front()->proportional_bytes == 10240);
}

TEST_CASE("ProcessTrees: a member whose files go while they are read has ended: that is no error") {
  Scene scene;
  scene.proc.set(100, child_of(1));
  scene.proc.set(101, child_of(100));
  scene.proc.remove("101/io");
  scene.proc.remove("101/smaps_rollup");
  CHECK(scene.look().io == IoBytes{0, 0});
}

TEST_CASE("ProcessTrees: a root whose files go while they are read has no bytes") {
  Scene scene;
  scene.proc.set(100, child_of(1));
  scene.proc.remove("100/io");
  scene.proc.remove("100/fd");
  scene.proc.remove("100/limits");
  const TreeUsage usage = scene.look();
  CHECK_FALSE(usage.io);
  CHECK_FALSE(usage.open_fds);
  CHECK_FALSE(usage.max_fds);
}

TEST_CASE(
    "ProcessTrees: what one member hides is absent for the tree, and comes back with what was "
    "meanwhile") {
  if (::geteuid() == 0) {
    return;  // nothing can be hidden from root by permissions: see the live test
  }
  Scene scene;
  MadeProcess root = child_of(1);
  root.read = 5;
  scene.proc.set(100, root);
  scene.proc.set(101, child_of(100));
  CHECK(scene.look().io == IoBytes{5, 0});
  const std::string file = scene.proc.path() + "/101/io";
  ::chmod(file.c_str(), 0);
  CHECK_FALSE(scene.look().io);
  ::chmod(file.c_str(), 0600);
  CHECK(scene.look().io == IoBytes{5, 0});
}

TEST_CASE("ProcessTrees: files that name each other as parents do not keep us busy for ever") {
  Scene scene;
  scene.proc.set(100, child_of(101));
  scene.proc.set(101, child_of(100));
  CHECK(scene.look().processes >= 2);
}

TEST_CASE("ProcessTrees: without /proc nothing is said of anybody") {
  ProcessTrees trees({"/nonexistent"});
  CHECK(trees.measure({{1}, {2}}, tests::plenty()) == std::vector<std::optional<TreeUsage>>(2));
}

TEST_CASE(
    "ProcessTrees: programs whose parent is the daemon are here; with another parent, elsewhere") {
  MadeProc proc;
  proc.set(500, child_of(42));
  proc.set(501, child_of(42));
  proc.set(600, child_of(7));
  CHECK(locate({42}, {{{500}, {}}, {{501}, {}}}, proc.path()) == Locality::here);
  CHECK(locate({42}, {{{500}, {}}, {{999}, {}}}, proc.path()) == Locality::here);
  CHECK(locate({42}, {{{500}, {}}, {{600}, {}}}, proc.path()) == Locality::elsewhere);
  CHECK(locate({42}, {{{999}, {}}}, proc.path()) == Locality::unknown);
  CHECK(locate({42}, {}, proc.path()) == Locality::unknown);
}

TEST_CASE(
    "ProcessTrees: children of process 1 are a daemon's only if one was started when it says so") {
  MadeProc proc;
  MadeProcess made = child_of(1);
  made.start = static_cast<int>(100 * ::sysconf(_SC_CLK_TCK));
  proc.set(500, made);
  proc.set(501, made);
  const std::chrono::sys_seconds started(1'700'000'100s);
  CHECK(locate({1}, {{{500}, started + 2s}}, proc.path()) == Locality::here);
  CHECK(locate({1}, {{{500}, started - 100s}, {{501}, started}}, proc.path()) == Locality::here);
  CHECK(locate({1}, {{{500}, started - 100s}}, proc.path()) == Locality::unknown);
  CHECK(locate({1}, {{{500}, {}}}, proc.path()) == Locality::unknown);
}

}  // namespace
}  // namespace reeve::procfs
