#include "procfs/proc_fs.h"

#include <unistd.h>

#include "support/catch.h"

namespace reeve::procfs {
namespace {

constexpr const char* numbers =
    " S 25654 25654 24051 0 -1 4194304 97 0 0 0 11 22 33 44 20 0 5 0 364960 3133440 409"
    " 18446744073709551615 1 1 1 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n";

TEST_CASE("proc_fs: a process's stat has its parent, its times in ticks, its threads, its pages") {
  const auto stat = parse_stat(std::string("25706 (cat)") + numbers);
  REQUIRE(stat);
  CHECK(stat->pid == ProcessId{25706});
  CHECK(stat->parent == ProcessId{25654});
  CHECK(stat->state == 'S');
  CHECK(stat->user == 11);
  CHECK(stat->system == 22);
  CHECK(stat->children_user == 33);
  CHECK(stat->children_system == 44);
  CHECK(stat->threads == 5);
  CHECK(stat->start == 364960);
  CHECK(stat->resident_pages == 409);
  CHECK(stat->virtual_bytes == 3133440);
}

TEST_CASE("proc_fs: our own stat is read, and that of a process that is not there is not") {
  const auto own = read_own_stat();
  REQUIRE(own);
  CHECK(own->pid == ProcessId{::getpid()});
  CHECK(read_stat(own->parent)->pid == own->parent);
  CHECK_FALSE(read_stat({-1}));
  CHECK(read_boot_time());
}

TEST_CASE("proc_fs: a process may call itself anything") {
  const std::string name =
      GENERATE(std::string(""), std::string("a b"), std::string(") R 1 1 1"), std::string("((("),
               std::string("x\ny"), std::string(") S 1 2 3 4 5 6 7 8 9"), std::string(" "),
               std::string("\xff\xfe"));
  const auto stat = parse_stat("7 (" + name + ")" + numbers);
  REQUIRE(stat);
  CHECK(stat->parent == ProcessId{25654});
  CHECK(stat->start == 364960);
}

TEST_CASE("proc_fs: what is no stat is none") {
  const std::string text =
      GENERATE(std::string(""), std::string("x"), std::string("12 (cat"), std::string("12 (cat) "),
               std::string("12 (cat) S 1 2"), std::string("(cat) S 1 2 3"),
               std::string("12 (cat) SS 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
               std::string("12 (cat) S 1 1 1 0 -1 1 1 1 1 1 x 1 1 1 1 1 1 1 1 1 1 1"));
  CHECK_FALSE(parse_stat(text));
}

TEST_CASE("proc_fs: bytes from and to storage, not those of system calls") {
  CHECK(parse_io("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\n"
                 "cancelled_write_bytes: 7\n") == IoBytes{5, 6});
  CHECK_FALSE(parse_io("rchar: 1\n"));
  CHECK_FALSE(parse_io(""));
}

TEST_CASE("proc_fs: the soft limit of open files; none if there is no limit") {
  CHECK(parse_max_fds(
            "Limit  Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\n") ==
        1024);
  CHECK_FALSE(parse_max_fds("Max open files   unlimited   unlimited   files\n"));
  CHECK_FALSE(parse_max_fds(""));
}

TEST_CASE("proc_fs: proportional memory is Pss, in bytes") {
  CHECK(parse_proportional("0-1 ---p [rollup]\nRss:  9 kB\nPss:  7 kB\nPss_Anon: 3 kB\n") == 7168);
  CHECK_FALSE(parse_proportional("Pss_Anon: 3 kB\n"));
}

TEST_CASE("proc_fs: the time of boot") {
  CHECK(parse_boot_time("cpu 1\nbtime 1700000000\n") ==
        std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000)));
  CHECK_FALSE(parse_boot_time("cpu 1\n"));
}

}  // namespace
}  // namespace reeve::procfs
