#include "monitor/resource_meter.h"

#include "procfs/made_proc.h"
#include "support/catch.h"
#include "support/plenty.h"
#include "support/recording_sink.h"

namespace reeve::monitor {
namespace {

constexpr int daemon_pid = 50;

/// A supervisord with two programs on this host, `web` with a child of its own.
struct Host {
  Host() {
    proc.set(1, child_of(0));
    proc.set(daemon_pid, child_of(1));
    proc.set(60, child_of(daemon_pid));
    proc.set(61, child_of(60));
    proc.set(70, child_of(daemon_pid));
    seen.up = true;
    seen.pid = substrate::Pid{daemon_pid};
    seen.processes = ProcessList({program("db", 70), program("idle", 0), program("web", 60)});
  }

  static procfs::MadeProcess child_of(int parent) {
    procfs::MadeProcess made;
    made.parent = parent;
    return made;
  }

  static ProcessSnapshot program(const std::string& name, int pid) {
    ProcessSnapshot process;
    process.detail.name = {name, name};
    if (pid > 0) {
      process.detail.pid = substrate::Pid{pid};
    }
    return process;
  }

  ResourceMeter meter(bool looks_local = true) const {
    return {looks_local, {.folder = proc.path()}, base::Log(sink)};
  }

  procfs::MadeProc proc;
  std::shared_ptr<tests::RecordingSink> sink = std::make_shared<tests::RecordingSink>();
  SupervisorSnapshot seen;
};

TEST_CASE("what each running program uses is measured with its children, in the order of names") {
  const Host host;
  auto meter = host.meter();
  const Usages usages = meter.measure(host.seen, {}, tests::plenty());
  REQUIRE(usages);
  REQUIRE(usages->size() == 2);
  CHECK((*usages)[0].name == substrate::InstanceName{"db", "db"});
  CHECK((*usages)[0].tree.processes == 1);
  CHECK((*usages)[1].name == substrate::InstanceName{"web", "web"});
  CHECK((*usages)[1].pid == substrate::Pid{60});
  CHECK((*usages)[1].tree.processes == 2);
  CHECK_FALSE((*usages)[1].tree.proportional_bytes);
}

TEST_CASE("while supervisord is not up nothing is measured") {
  Host host;
  host.seen.up = false;
  CHECK_FALSE(host.meter().measure(host.seen, {}, tests::plenty()));
}

TEST_CASE("by itself only what looks local is measured; on and off are obeyed") {
  const Host host;
  auto remote = host.meter(false);
  auto local = host.meter();
  CHECK_FALSE(remote.measure(host.seen, {MeasureResources::automatic}, tests::plenty()));
  CHECK(remote.measure(host.seen, {MeasureResources::on}, tests::plenty()));
  CHECK_FALSE(local.measure(host.seen, {MeasureResources::off}, tests::plenty()));
}

TEST_CASE("proportional memory is read from the moment that it is asked for, counters go on") {
  Host host;
  auto meter = host.meter();
  auto busy = Host::child_of(60);
  busy.user = 500;
  host.proc.set(61, busy);
  const auto before = meter.measure(host.seen, {}, tests::plenty())->back().tree;
  host.proc.remove(61);
  ResourceOptions proportional;
  proportional.proportional_memory = true;
  const auto after = meter.measure(host.seen, proportional, tests::plenty())->back().tree;
  CHECK(after.proportional_bytes == 5U * 1024);
  CHECK(after.cpu == before.cpu);
}

TEST_CASE("a supervisord whose pids mean strangers here is told about once and never measured") {
  Host host;
  host.proc.set(70, Host::child_of(2));
  auto meter = host.meter();
  for (int pass = 0; pass < 10; ++pass) {
    CHECK_FALSE(meter.measure(host.seen, {MeasureResources::on}, tests::plenty()));
  }
  REQUIRE(host.sink->entries().size() == 1);
  CHECK(host.sink->entries()[0].level == base::LogLevel::info);
}

TEST_CASE("without a visible program there is no proof and no measuring") {
  Host host;
  host.seen.processes = ProcessList({Host::program("web", 999)});
  auto meter = host.meter();
  for (int pass = 0; pass < 10; ++pass) {
    CHECK_FALSE(meter.measure(host.seen, {}, tests::plenty()));
  }
  CHECK(host.sink->entries().empty());
}

TEST_CASE("programs that a killed supervisord left behind do not refute its successor for long") {
  Host host;
  auto meter = host.meter();
  REQUIRE(meter.measure(host.seen, {}, tests::plenty()));
  host.proc.remove(daemon_pid);
  host.proc.set(51, Host::child_of(1));
  for (const int orphan : {60, 70}) {
    host.proc.set(orphan, Host::child_of(1));
  }
  host.seen.pid = substrate::Pid{51};
  host.seen.restarts = 1;
  CHECK_FALSE(meter.measure(host.seen, {}, tests::plenty()));
  host.proc.set(80, Host::child_of(51));
  host.seen.processes = ProcessList({Host::program("web", 80)});
  const Usages usages = meter.measure(host.seen, {}, tests::plenty());
  REQUIRE(usages);
  CHECK(usages->front().pid == substrate::Pid{80});
}

TEST_CASE("a restart that keeps the daemon's pid has to be proven anew") {
  Host host;
  auto meter = host.meter();
  REQUIRE(meter.measure(host.seen, {}, tests::plenty()));
  host.proc.set(60, Host::child_of(2));
  host.seen.restarts = 1;
  CHECK_FALSE(meter.measure(host.seen, {}, tests::plenty()));
}

TEST_CASE("a stranger that was given the pid of a program that has ended is not measured") {
  Host host;
  auto meter = host.meter();
  REQUIRE(meter.measure(host.seen, {}, tests::plenty())->size() == 2);
  host.proc.set(60, Host::child_of(1));
  const Usages usages = meter.measure(host.seen, {}, tests::plenty());
  REQUIRE(usages);
  REQUIRE(usages->size() == 1);
  CHECK(usages->front().name.name == "db");
}

}  // namespace
}  // namespace reeve::monitor
