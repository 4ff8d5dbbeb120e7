#pragma once

// The coordinator on etcd. Two threads: the watch follows all keys but `alive/` and publishes the
// view; the keeper keeps all leases alive (its own and those of the slots held), writes the report,
// and repeats releases that failed. Neither holds up any caller: claim(), members() and change()
// ask etcd on the caller's thread. That etcd is lost is logged when it goes and when it comes back.
//
// A member's name is taken by the key `alive/NAME` as long as its lease lives: a second agent of
// that name says so, is not entered, and tries again every few seconds, as does the next run of an
// agent that was killed, until its lease has ended.

#include <functional>
#include <memory>
#include <vector>

#include "base/log.h"
#include "coordination/coordinator.h"
#include "coordination/options.h"
#include "reeve/base/clock.h"

namespace reeve::coordination {

class EtcdCoordinator final : public Coordinator {
 public:
  /// `clock` must outlive this.
  EtcdCoordinator(const Options& options, const base::Clock& clock, base::Log log);
  ~EtcdCoordinator() override;  ///< stops, and leaves what is in etcd to its leases

  void start();
  /// Leaves the members that are alive, if that is possible until the deadline. Slots stay until
  /// their leases end: what acts now may be resumed by the next run. May be called twice.
  void stop(const base::Deadline& deadline);

  [[nodiscard]] std::shared_ptr<const View> view() const override;
  void on_change(std::function<void()> observer) override;
  void report(const MemberReport& report) override;
  [[nodiscard]] base::Result<std::vector<Member>> members(const base::Deadline& deadline) override;
  [[nodiscard]] ClaimResult claim(const ClaimRequest& request,
                                  const base::Deadline& deadline) override;
  void release(const Slot& slot, const base::Deadline& deadline) override;
  void hold(const Slot& slot, base::Duration span, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> change(const Change& change,
                                          const base::Deadline& deadline) override;
  [[nodiscard]] Stats stats() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::coordination
