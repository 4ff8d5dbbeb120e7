// So many members of one cluster in one process, each with a coordinator of its own, as agents have
// them. Prints `ready` once all are entered; for so many seconds every member writes its report
// twice a minute, and a limit is changed ten times; then it prints what that took, as JSON. Run by
// members.py.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coordination/etcd_coordinator.h"

namespace {

using namespace reeve;
using namespace std::chrono_literals;
using coordination::EtcdCoordinator;

constexpr unsigned changes = 10;
constexpr auto report_interval = 30s;  // of each member
constexpr auto patience = 120s;

class Cluster {
 public:
  Cluster(const std::string& url, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      coordination::Options options;
      options.etcd.endpoints = {base::Endpoint::parse(url, "/").value()};
      options.etcd.timeout = 10s;  // all of them share this machine
      options.member.name = "host" + std::to_string(i);
      options.member.metrics = options.member.name + ":19001";
      members_.push_back(std::make_unique<EtcdCoordinator>(options, clock_, base::Log()));
      members_.back()->start();
    }
  }

  /// False if it does not become true in time.
  template <class Predicate>
  bool wait(const Predicate& predicate) const {
    const auto until = base::Deadline::after(clock_, patience);
    while (!predicate()) {
      if (until.expired()) {
        return false;
      }
      pause(1ms);
    }
    return true;
  }
  void pause(base::Duration span) const { (void)clock_.wait_until(clock_.steady_now() + span, {}); }
  [[nodiscard]] bool is_complete() const {
    const auto all = members_.front()->members(base::Deadline::after(clock_, patience));
    return all &&
           std::count_if(all->begin(), all->end(), [](const auto& each) { return each.alive; }) ==
               static_cast<std::ptrdiff_t>(members_.size()) &&
           std::all_of(members_.begin(), members_.end(),
                       [](const auto& each) { return each->view()->current; });
  }
  /// Milliseconds until every member's view has the limit; negative: it did not come to that.
  [[nodiscard]] double change_limit(unsigned at_once) const {
    const auto began = clock_.steady_now();
    const auto changed = members_.back()->change(
        coordination::SetLimit{"web", {.at_once = at_once, .budget = std::nullopt}},
        base::Deadline::after(clock_, patience));
    const bool reached =
        changed && wait([&] {
          return std::all_of(members_.begin(), members_.end(), [&](const auto& each) {
            const auto view = each->view();
            const auto limit = view->limits.find("web");
            return limit != view->limits.end() && limit->second.limit.at_once == at_once;
          });
        });
    const std::chrono::duration<double, std::milli> taken = clock_.steady_now() - began;
    return reached ? taken.count() : -1;
  }
  /// Those whose turn it is in this round of `rounds`.
  void report(unsigned round, unsigned rounds) const {
    for (std::size_t i = round % rounds; i < members_.size(); i += rounds) {
      coordination::MemberReport report;
      report.groups["web"] = {{"RUNNING", 3}, {"STARTING", round}};
      members_[i]->report(report);
    }
  }
  /// By call; what failed in one row of its own.
  [[nodiscard]] std::map<std::string, std::uint64_t> requests() const {
    std::map<std::string, std::uint64_t> all;
    for (const auto& each : members_) {
      for (const auto& [key, count] : each->stats().requests) {
        all[key.second == "success" || key.second == "cancelled" ? key.first : "failed"] += count;
      }
    }
    return all;
  }

 private:
  base::SystemClock clock_;
  std::vector<std::unique_ptr<EtcdCoordinator>> members_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: bench_members URL MEMBERS SECONDS\n";
    return 2;
  }
  const auto seconds = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
  const Cluster cluster(argv[1], static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));
  if (!cluster.wait([&] { return cluster.is_complete(); })) {
    std::cerr << "not all members are entered\n";
    return 1;
  }
  const auto before = cluster.requests();
  std::cout << "ready" << std::endl;
  std::vector<double> taken;
  for (unsigned second = 0; second < seconds; ++second) {
    cluster.report(second, report_interval / 1s);
    if (second % std::max(seconds / changes, 1U) == 0) {
      taken.push_back(cluster.change_limit(1 + second));
    }
    cluster.pause(1s);
  }
  auto requests = cluster.requests();
  for (const auto& [call, count] : before) {
    requests[call] -= count;
  }
  std::cout << nlohmann::json{{"requests", requests}, {"changes", taken}}.dump() << std::endl;
  return EXIT_SUCCESS;
}
