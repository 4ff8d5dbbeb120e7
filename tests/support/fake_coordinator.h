#pragma once

// A coordinator in memory, for any number of hosts: each FakeCoordinator is one host's view of a
// FakeEngine. Leases end as the clock says, and those that a coordinator keeps end with it. It can
// be made unreachable. Under one contract with the one for etcd. Thread-safe.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "coordination/coordinator.h"
#include "reeve/base/clock.h"

namespace reeve::tests {

class FakeEngine {
 public:
  struct Slot {
    coordination::HeldSlot held;
    /// Nothing: kept by its coordinator.
    std::optional<base::SteadyTime> ends;
    std::int64_t budget_lease = 0;  ///< of the entry that was claimed with it
  };
  struct LimitEntry {
    coordination::Limit limit;
    std::vector<Slot> slots;
    std::map<std::int64_t, base::SteadyTime> budget;  ///< when each entry ends, by its lease
  };
  struct Content {
    std::map<std::string, LimitEntry> limits;
    std::map<std::string, coordination::MemberInfo> members;
    std::map<std::string, coordination::MemberReport> alive;
    struct Window {
      coordination::SharedMaintenance window;
      base::SteadyTime ends;
    };
    std::map<std::string, Window> maintenance;
    std::int64_t last_lease = 0;
  };

  explicit FakeEngine(const base::Clock& its_clock) : clock(its_clock) {}

  /// With what has ended taken out of it.
  template <class Use>
  auto with(const Use& use) {
    return content_.with([&](Content& content) {
      expire(content);
      return use(content);
    });
  }
  void changed();

  const base::Clock& clock;
  base::Guarded<std::vector<std::function<void()>>> observers;

 private:
  void expire(Content& content) const;

  base::Guarded<Content> content_;
};

class FakeCoordinator final : public coordination::Coordinator {
 public:
  /// `engine` must outlive this. A name that is taken is not entered.
  FakeCoordinator(FakeEngine& engine, coordination::MemberInfo info);
  ~FakeCoordinator() override;

  /// From now on nothing can be asked, or again everything.
  void set_reachable(bool reachable);

  [[nodiscard]] std::shared_ptr<const coordination::View> view() const override;
  void on_change(std::function<void()> observer) override;
  void report(const coordination::MemberReport& report) override;
  [[nodiscard]] base::Result<std::vector<coordination::Member>> members(
      const base::Deadline& deadline) override;
  [[nodiscard]] coordination::ClaimResult claim(const coordination::ClaimRequest& request,
                                                const base::Deadline& deadline) override;
  void release(const coordination::Slot& slot, const base::Deadline& deadline) override;
  void hold(const coordination::Slot& slot, base::Duration span,
            const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> change(const coordination::Change& change,
                                          const base::Deadline& deadline) override;
  [[nodiscard]] coordination::Stats stats() const override;

 private:
  [[nodiscard]] coordination::View current_view() const;

  FakeEngine& engine_;
  const coordination::MemberInfo info_;
  bool is_entered_ = false;
  base::Guarded<bool> reachable_{true};
  mutable base::Guarded<std::shared_ptr<const coordination::View>> last_view_;
  base::Guarded<std::set<std::int64_t>> kept_;
  base::Guarded<coordination::Stats> counted_;
};

}  // namespace reeve::tests
