#include "alerts/slot_claims.h"

#include <chrono>
#include <utility>

#include "base/text.h"

namespace reeve::alerts {

using coordination::ClaimOutcome;
using coordination::ClaimResult;
using guards::Reason;
using guards::Refusal;

namespace {

/// For one claim, of all endpoints of etcd together.
constexpr std::chrono::seconds patience{5};

Refusal refuse(Reason reason, std::string detail) {
  return {reason, {base::ErrorKind::conflict, std::move(detail)}};
}

Refusal refusal_of(const ClaimResult& claim, const std::string& limit) {
  switch (claim.outcome) {
    case ClaimOutcome::no_free_slot:
      return refuse(Reason::waiting_for_slot, "all slots of '" + limit + "' are held: " +
                                                  coordination::describe(claim.holders));
    case ClaimOutcome::budget_used_up:
      return refuse(Reason::fleet_budget,
                    "the budget of '" + limit + "' is used up" +
                        (claim.free_in ? ": its oldest entry ends in " +
                                             base::readable_duration(*claim.free_in)
                                       : ""));
    case ClaimOutcome::no_such_limit:
      return refuse(Reason::no_such_limit,
                    "there is no limit '" + limit + "': set it with `reeve fleet limit set`");
    case ClaimOutcome::won:
    case ClaimOutcome::unreachable:
      break;
  }
  return refuse(Reason::coordination_unreachable, claim.detail);
}

std::vector<coordination::Holder> holders_of(const coordination::LimitState& limit) {
  std::vector<coordination::Holder> holders;
  for (const coordination::HeldSlot& each : limit.held) {
    holders.push_back(each.holder);
  }
  return holders;
}

}  // namespace

Reason reason_after_waiting(Reason obstacle) {
  return obstacle == Reason::waiting_for_slot ? Reason::no_slot : obstacle;
}

std::optional<Refusal> SlotClaims::obtain(guards::Command& command, const std::string& limit,
                                          Wait wait, base::Duration waited) {
  if (limit.empty() || command.dry_run) {
    return std::nullopt;
  }
  // Every guard first: a slot is for what acts at once.
  if (auto refusal = controller_.objection(command)) {
    return refusal;
  }
  if (coordinator_ == nullptr) {
    return refuse(Reason::coordination_unreachable, "no coordination is configured");
  }
  const auto view = coordinator_->view();
  if (view->current) {
    const auto found = view->limits.find(limit);
    if (found == view->limits.end()) {
      return refusal_of({.outcome = ClaimOutcome::no_such_limit}, limit);
    }
    if (!found->second.has_free_slot()) {
      return refusal_of(
          {.outcome = ClaimOutcome::no_free_slot, .holders = holders_of(found->second)}, limit);
    }
  }
  if (wait == Wait::no) {
    return view->current
               ? refuse(Reason::waiting_for_slot, "a slot of '" + limit + "' is claimed")
               : refuse(Reason::coordination_unreachable, "the limits cannot be read from etcd");
  }
  return claim(command, limit, waited);
}

std::optional<Refusal> SlotClaims::claim(guards::Command& command, const std::string& limit,
                                         base::Duration waited) {
  const auto until = unreachable_until_.copy();
  if (until && clock_.steady_now() < *until) {
    return refuse(Reason::coordination_unreachable, "etcd could not be asked a moment ago");
  }
  command.reserved_id = controller_.reserve_id();
  const ClaimResult claim = coordinator_->claim(
      {.limit = limit,
       .holder = {member_name_, command.target.text(), command.reserved_id, clock_.system_now()},
       .takes_budget = true,
       .waited = waited},
      base::Deadline::after(clock_, patience, stop_requested_.get_token()));
  if (claim.outcome == ClaimOutcome::won) {
    command.slot = claim.slot;
    return std::nullopt;
  }
  if (claim.outcome == ClaimOutcome::unreachable) {
    unreachable_until_.with([&](auto& time) { time = clock_.steady_now() + patience; });
  }
  return refusal_of(claim, limit);
}

void SlotClaims::give_back(const guards::Command& command) {
  if (command.slot) {
    coordinator_->release(*command.slot,
                          base::Deadline::after(clock_, patience, stop_requested_.get_token()));
  }
}

bool SlotClaims::may_be_free(Reason obstacle, const std::string& limit) const {
  if (coordinator_ == nullptr) {
    return false;
  }
  const auto view = coordinator_->view();
  const auto found = view->limits.find(limit);
  return (obstacle == Reason::coordination_unreachable && view->current) ||
         (obstacle == Reason::waiting_for_slot &&
          (found == view->limits.end() || found->second.has_free_slot()));
}

}  // namespace reeve::alerts
