#include "metrics/fleets.h"
#include "metrics/pages.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

using Catch::Contains;

/// `web` runs as 4711; `usages` are what was measured.
monitor::SupervisorSnapshot measured(std::vector<monitor::ProcessUsage> usages) {
  auto supervisor = supervisord(
      {process("a", substrate::InstanceState::exited), running_process("web", 4711, 1)});
  supervisor.usages = usages_of(std::move(usages));
  return supervisor;
}

TEST_CASE("what a program uses is shown in base units") {
  const std::string text =
      page(fleet_of({measured({{{"web", "web"}, {4711}, everything_used()}})}));
  const std::string web = R"({group="web",name="web"} )";
  CHECK(has(text,
            R"(supervisord_process_cpu_seconds_total{group="web",name="web",mode="user"} 12.34)"));
  CHECK(has(text,
            R"(supervisord_process_cpu_seconds_total{group="web",name="web",mode="system"} 0.05)"));
  CHECK(has(text, "supervisord_process_resident_memory_bytes" + web + "5000000000"));
  CHECK(has(text, "supervisord_process_proportional_memory_bytes" + web + "4096"));
  CHECK(has(text, "supervisord_process_open_fds" + web + "9"));
  CHECK(has(text, "supervisord_process_max_fds" + web + "1024"));
  CHECK(has(text, "supervisord_process_threads" + web + "17"));
  CHECK(has(text, "supervisord_process_tree_size" + web + "3"));
  CHECK(has(text, "supervisord_process_read_bytes_total" + web + "8192"));
  CHECK(has(text, "supervisord_process_written_bytes_total" + web + "512"));
}

TEST_CASE("what a process hides is absent") {
  procfs::TreeUsage usage;
  usage.processes = 1;
  const std::string text = page(fleet_of({measured({{{"web", "web"}, {4711}, usage}})}));
  CHECK_THAT(text, Contains("supervisord_process_tree_size"));
  for (const char* absent :
       {"proportional_memory", "open_fds", "max_fds", "read_bytes", "written"}) {
    CHECK_THAT(text, !Contains(std::string("supervisord_process_") + absent));
  }
}

TEST_CASE("the figures of a run that has ended are not shown for the next one") {
  const auto usage = everything_used();
  const std::string text = page(fleet_of({measured({{{"a", "a"}, {4700}, usage},
                                                    {{"gone", "gone"}, {4800}, usage},
                                                    {{"web", "web"}, {4710}, usage}})}));
  CHECK_THAT(text, !Contains("supervisord_process_cpu_seconds_total"));
}

TEST_CASE("while supervisord is down, or nothing was measured, there are no resources") {
  auto down = measured({{{"web", "web"}, {4711}, everything_used()}});
  down.up = false;
  CHECK_THAT(page(fleet_of({down})), !Contains("supervisord_process_cpu_seconds_total"));
  auto unmeasured = measured({});
  unmeasured.usages = nullptr;
  CHECK_THAT(page(fleet_of({unmeasured})), !Contains("supervisord_process_cpu_seconds_total"));
}

TEST_CASE("each process has its own figures, whatever is not shown or not measured between them") {
  auto one = everything_used();
  one.threads = 1;
  auto three = everything_used();
  three.threads = 3;
  auto supervisor = supervisord({running_process("a", 1, 1), running_process("b", 2, 1),
                                 running_process("c", 3, 1), running_process("d", 4, 1)});
  supervisor.usages =
      usages_of({{{"a", "a"}, {1}, one}, {{"b", "b"}, {2}, {}}, {{"d", "d"}, {4}, three}});
  Options options;
  options.exclude = {"b:b"};
  const std::string text = page(fleet_of({supervisor}), options);
  CHECK(has(text, R"(supervisord_process_threads{group="a",name="a"} 1)"));
  CHECK(has(text, R"(supervisord_process_threads{group="d",name="d"} 3)"));
  CHECK_THAT(text, !Contains(R"(supervisord_process_threads{group="b")"));
  CHECK_THAT(text, !Contains(R"(supervisord_process_threads{group="c")"));
}

}  // namespace
}  // namespace reeve::metrics
