#pragma once

// What many hosts agree on: who is there, how many may act at once and how often, where there is
// maintenance. An interface without an engine: EtcdCoordinator is the one for etcd, tests have a
// fake. It knows no process manager: holders and reports are texts.
//
// view() is a copy in memory and waits for nothing; it follows the engine by a watch. What must be
// true at this moment (a claim, the list of members) is asked of the engine, within the caller's
// deadline. A slot that was claimed is kept until it is released, held, or its lease is lost.
// Whatever is read was written by others: it is bounded and checked (documents.h), and at worst it
// withholds an action. Thread-safe; never throws.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordination/documents.h"
#include "coordination/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/deadline.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"

namespace reeve::coordination {

struct HeldSlot {
  unsigned index = 0;
  std::int64_t lease = 0;
  Holder holder;
  friend bool operator==(const HeldSlot&, const HeldSlot&) = default;
};

/// A limit, with who holds its slots.
struct LimitState {
  std::string name;
  Limit limit = {};
  std::vector<HeldSlot> held = {};
  unsigned budget_used = 0;

  [[nodiscard]] bool has_free_slot() const { return held.size() < limit.at_once; }
  friend bool operator==(const LimitState&, const LimitState&) = default;
};

/// What the watch has brought, except for who is alive.
struct View {
  bool read = false;     ///< it was read at least once
  bool current = false;  ///< the watch stands: it is not older than the engine's answers
  std::map<std::string, LimitState> limits = {};
  std::vector<MemberInfo> members = {};
  std::vector<SharedMaintenance> maintenance = {};
  friend bool operator==(const View&, const View&) = default;
};

struct Member {
  MemberInfo info;
  bool alive = false;
  std::optional<MemberReport> report;  ///< of one that is alive
  friend bool operator==(const Member&, const Member&) = default;
};

struct ClaimRequest {
  std::string limit;
  /// Holder::operation identifies the claim: the same one is never given two slots.
  Holder holder;
  bool takes_budget = true;
  /// For the statistics: how long the claimer has been waiting.
  base::Duration waited = {};
};

enum class ClaimOutcome : std::uint8_t {
  won,
  no_free_slot,
  budget_used_up,
  no_such_limit,
  unreachable,  ///< the engine cannot be asked, or what became of the claim is not known
};
inline constexpr auto all_claim_outcomes = base::all_of<ClaimOutcome, ClaimOutcome::unreachable>();
[[nodiscard]] constexpr std::string_view to_string(ClaimOutcome outcome) {
  return base::name_of<all_claim_outcomes>(
      outcome, {"won", "no_free_slot", "budget_used_up", "no_such_limit", "unreachable"});
}

struct ClaimResult {
  ClaimOutcome outcome = ClaimOutcome::unreachable;
  Slot slot = {};                                        ///< won
  std::vector<Holder> holders = {};                      ///< no_free_slot
  std::optional<base::Duration> free_in = std::nullopt;  ///< budget_used_up, where known
  std::string detail = {};                               ///< unreachable: why
  friend bool operator==(const ClaimResult&, const ClaimResult&) = default;
};

// The changes that people make.
struct SetLimit {
  std::string name;
  Limit limit;
};
struct DeleteLimit {
  std::string name;
};
/// Takes a slot away from its holder: a host's name or an operation's id.
struct ReleaseHolder {
  std::string limit;
  std::string holder;
};
/// Replaces one of the same scope.
struct SetMaintenance {
  SharedMaintenance window;
};
struct ClearMaintenance {
  std::string scope;
};
/// A member that is alive is a conflict.
struct ForgetMember {
  std::string name;
};
using Change = std::variant<SetLimit, DeleteLimit, ReleaseHolder, SetMaintenance, ClearMaintenance,
                            ForgetMember>;

/// Upper bounds in seconds of reeve_limit_wait_seconds.
inline constexpr std::array wait_bounds = {0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0};

struct WaitTimes {
  std::array<std::uint64_t, wait_bounds.size() + 1> counts{};  ///< not cumulated; the last is +Inf
  double sum_seconds = 0;
  friend bool operator==(const WaitTimes&, const WaitTimes&) = default;
};

struct Stats {
  bool up = false;
  std::optional<base::SystemTime> last_contact;
  /// By call and result: `success`, or an error kind.
  std::map<std::pair<std::string, std::string>, std::uint64_t> requests;
  std::size_t members_alive = 0;
  std::size_t members_not_alive = 0;
  std::map<std::string, LimitState> limits;
  std::map<std::pair<std::string, ClaimOutcome>, std::uint64_t> claims;  ///< by limit
  std::map<std::string, WaitTimes> waits;  ///< by limit, of won claims
};

class Coordinator {
 public:
  Coordinator() = default;
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  virtual ~Coordinator() = default;

  /// Never null.
  [[nodiscard]] virtual std::shared_ptr<const View> view() const = 0;
  /// Called after each change of the view, on the watch's thread; it must return quickly. Before
  /// the coordinator is started.
  virtual void on_change(std::function<void()> observer) = 0;
  /// What the others are to see of this member; written soon, and seldom.
  virtual void report(const MemberReport& report) = 0;
  /// All members, by name. unreachable, timeout, denied, malformed.
  [[nodiscard]] virtual base::Result<std::vector<Member>> members(
      const base::Deadline& deadline) = 0;
  [[nodiscard]] virtual ClaimResult claim(const ClaimRequest& request,
                                          const base::Deadline& deadline) = 0;
  /// Ends the claim; with a budget_lease also the budget entry: nothing was done. What cannot be
  /// done now is tried again until the leases have ended.
  virtual void release(const Slot& slot, const base::Deadline& deadline) = 0;
  /// The slot stays taken for `span`, with its holder marked as failed: likewise.
  virtual void hold(const Slot& slot, base::Duration span, const base::Deadline& deadline) = 0;
  /// not_found: no such limit, holder, window or member; conflict; unreachable, timeout, denied.
  [[nodiscard]] virtual base::Result<void> change(const Change& change,
                                                  const base::Deadline& deadline) = 0;
  [[nodiscard]] virtual Stats stats() const = 0;
};

}  // namespace reeve::coordination
