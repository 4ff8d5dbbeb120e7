#include "api/snapshot_changes.h"

#include "json/json.h"

namespace reeve::api {
namespace {

using monitor::ProcessSnapshot;
using monitor::SupervisorSnapshot;

class Comparison {
 public:
  explicit Comparison(std::size_t limit) : limit_(limit) {}

  void compare(const SupervisorSnapshot& before, const SupervisorSnapshot& after) {
    if (before.up != after.up || before.shutting_down != after.shutting_down ||
        before.pid != after.pid) {
      add({"supervisor", json::to_json(after)});
    }
    if (before.snapshot_at && after.snapshot_at) {
      compare(after.name, before.processes, after.processes);
    }
  }
  [[nodiscard]] std::vector<Change> take() { return std::move(changes_); }

 private:
  void compare(const std::string& supervisor, const monitor::ProcessList& before,
               const monitor::ProcessList& after) {
    auto old = before.begin();
    auto fresh = after.begin();
    while (!full() && (old != before.end() || fresh != after.end())) {
      const bool gone =
          fresh == after.end() || (old != before.end() && old->detail.name < fresh->detail.name);
      const bool came = !gone && (old == before.end() || fresh->detail.name < old->detail.name);
      if (gone) {
        tell("vanished", supervisor, *old++);
      } else if (came) {
        tell("appeared", supervisor, *fresh++);
      } else {
        compare(supervisor, *old++, *fresh++);
      }
    }
  }

  void compare(const std::string& supervisor, const ProcessSnapshot& before,
               const ProcessSnapshot& after) {
    const auto& old = before.detail;
    const auto& fresh = after.detail;
    const bool same = &before == &after || (old.state == fresh.state && old.pid == fresh.pid &&
                                            old.start_time == fresh.start_time);
    if (!same) {
      tell("changed", supervisor, after);
      changes_.back().data["from"] = substrate::to_string(old.state);
    }
  }

  void tell(std::string_view change, const std::string& supervisor,
            const ProcessSnapshot& process) {
    add({"process", {{"change", change}, {"process", json::to_json(supervisor, process)}}});
  }
  void add(Change change) {
    if (!full()) {
      changes_.push_back(std::move(change));
    }
  }
  [[nodiscard]] bool full() const { return changes_.size() >= limit_; }

  std::size_t limit_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> changes_between(const monitor::Snapshot& before, const monitor::Snapshot& after,
                                    std::size_t limit) {
  Comparison comparison(limit);
  for (const SupervisorSnapshot& supervisor : after.supervisors) {
    if (const SupervisorSnapshot* const old = before.find(supervisor.name)) {
      comparison.compare(*old, supervisor);
    }
  }
  return comparison.take();
}

}  // namespace reeve::api
