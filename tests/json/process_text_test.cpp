#include "json/process_text.h"

#include <memory>
#include <random>
#include <vector>

#include <nlohmann/json.hpp>

#include "json/json.h"
#include "monitor/snapshot.h"
#include "support/catch.h"

namespace reeve::json {
namespace {

std::string text_of(const monitor::SupervisorSnapshot& supervisor,
                    const monitor::ProcessSnapshot& process) {
  std::string text = "before";
  append_process(text, supervisor, process);
  return text.substr(6);
}

/// Fills a process with anything.
class AnyProcess {
 public:
  [[nodiscard]] monitor::ProcessSnapshot make() {
    monitor::ProcessSnapshot process;
    auto& detail = process.detail;
    detail.name = {text(), text()};
    detail.state = substrate::all_instance_states[number(substrate::all_instance_states.size())];
    detail.pid = maybe(substrate::Pid{static_cast<std::int64_t>(number(99'999))});
    detail.description = text();
    detail.now = time();
    detail.start_time = maybe(time());
    detail.stop_time = maybe(time());
    detail.spawn_error = text();
    detail.stdout_log = text();
    detail.stderr_log = text();
    process.counters.starts = number(1'000'000);
    process.counters.restarts = std::uint64_t{1} << number(64);
    process.exit_status = maybe(static_cast<int>(number(300)) - 1);
    process.exit_signal = maybe(static_cast<int>(number(64)));
    process.last_exit_expected = maybe(number(2) == 1);
    return process;
  }
  /// Of this run, of another, or none.
  [[nodiscard]] monitor::Usages usages_of(const monitor::ProcessSnapshot& process) {
    monitor::ProcessUsage usage;
    usage.name = process.detail.name;
    usage.pid = maybe(process.detail.pid.value_or(substrate::Pid{1})).value_or(substrate::Pid{2});
    usage.tree.cpu = {std::chrono::milliseconds(10 * number(1'000'000'000)),
                      std::chrono::milliseconds(10 * number(1'000))};
    usage.tree.resident_bytes = number(1'000'000'000);
    usage.tree.proportional_bytes = maybe(std::uint64_t{number(1'000'000)});
    usage.tree.threads = number(100);
    usage.tree.processes = number(10);
    usage.tree.open_fds = maybe(std::uint64_t{number(1024)});
    usage.tree.max_fds = maybe(std::uint64_t{1024});
    usage.tree.io = maybe(procfs::IoBytes{number(1'000'000), number(1'000'000)});
    return std::make_shared<const std::vector<monitor::ProcessUsage>>(1, usage);
  }

 private:
  std::size_t number(std::size_t limit) { return engine_() % limit; }
  std::string text() {
    std::string bytes(number(12), ' ');
    const bool is_ascii = number(2) == 0;
    for (char& each : bytes) {
      each = static_cast<char>(number(is_ascii ? 128 : 256));
    }
    return number(4) == 0 ? bytes + "\u00e9\xC2\x9B\u2028\"\\\x7f" : bytes;
  }
  substrate::ManagerTime time() {
    return substrate::ManagerTime(std::chrono::seconds(number(2'000'000'000)));
  }
  template <class T>
  std::optional<T> maybe(T value) {
    return number(3) == 0 ? std::nullopt : std::optional(value);
  }

  std::mt19937 engine_{7};
};

TEST_CASE("append_process: the text of the process's JSON, whatever is in it") {
  AnyProcess any;
  monitor::SupervisorSnapshot supervisor;
  supervisor.up = true;
  for (int i = 0; i < 2'000; ++i) {
    supervisor.name = i % 2 == 0 ? "" : "w\xFF\n";
    const monitor::ProcessSnapshot process = any.make();
    supervisor.usages = any.usages_of(process);
    REQUIRE(text_of(supervisor, process) == to_text(to_json(supervisor, process)));
  }
}

TEST_CASE("append_process: while the supervisord cannot be read the present state is null") {
  AnyProcess any;
  const monitor::ProcessSnapshot process = any.make();
  nlohmann::ordered_json expected = to_json(monitor::SupervisorSnapshot(), process);
  for (const char* member :
       {"state", "state_code", "pid", "description", "now", "uptime_seconds"}) {
    expected[member] = nullptr;
  }
  CHECK(text_of({}, process) == to_text(expected));
}

}  // namespace
}  // namespace reeve::json
