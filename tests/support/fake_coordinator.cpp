#include "support/fake_coordinator.h"

#include <algorithm>
#include <utility>

namespace reeve::tests {

using base::ErrorKind;
using coordination::ClaimOutcome;
using coordination::ClaimResult;
using coordination::View;

namespace {

tl::unexpected<base::Error> unreachable() {
  return base::failure(ErrorKind::unreachable, "the engine cannot be asked");
}

coordination::LimitState state_of(const std::string& name, const FakeEngine::LimitEntry& entry) {
  coordination::LimitState state{.name = name,
                                 .limit = entry.limit,
                                 .held = {},
                                 .budget_used = static_cast<unsigned>(entry.budget.size())};
  for (const FakeEngine::Slot& each : entry.slots) {
    state.held.push_back(each.held);
  }
  return state;
}

/// Carries a change out on the content.
struct Changer {
  FakeEngine::Content& content;
  base::SteadyTime now;

  base::Result<void> operator()(const coordination::SetLimit& change) const {
    if (!coordination::is_name(change.name)) {
      return base::failure(ErrorKind::invalid_argument, "not a limit's name");
    }
    return check(change.limit).map([&] { content.limits[change.name].limit = change.limit; });
  }
  base::Result<void> operator()(const coordination::DeleteLimit& change) const {
    return found(content.limits.erase(change.name) > 0);
  }
  base::Result<void> operator()(const coordination::ReleaseHolder& change) const {
    const auto limit = content.limits.find(change.limit);
    return found(limit != content.limits.end() &&
                 std::erase_if(limit->second.slots, [&](const FakeEngine::Slot& slot) {
                   return slot.held.holder.host == change.holder ||
                          slot.held.holder.operation == change.holder;
                 }) > 0);
  }
  base::Result<void> operator()(const coordination::SetMaintenance& change) const {
    content.maintenance[change.window.scope] = {change.window, now + change.window.span};
    return {};
  }
  base::Result<void> operator()(const coordination::ClearMaintenance& change) const {
    return found(content.maintenance.erase(change.scope) > 0);
  }
  base::Result<void> operator()(const coordination::ForgetMember& change) const {
    if (content.alive.contains(change.name)) {
      return base::failure(ErrorKind::conflict, "it is alive");
    }
    return found(content.members.erase(change.name) > 0);
  }

  static base::Result<void> found(bool was_there) {
    return was_there ? base::Result<void>() : base::failure(ErrorKind::not_found, "no such thing");
  }
};

}  // namespace

void FakeEngine::expire(Content& content) const {
  const base::SteadyTime now = clock.steady_now();
  for (auto& [name, entry] : content.limits) {
    std::erase_if(entry.slots, [&](const Slot& slot) { return slot.ends && *slot.ends <= now; });
    std::erase_if(entry.budget, [&](const auto& each) { return each.second <= now; });
  }
  std::erase_if(content.maintenance, [&](const auto& each) { return each.second.ends <= now; });
}

void FakeEngine::changed() {
  for (const auto& each : observers.copy()) {
    each();
  }
}

FakeCoordinator::FakeCoordinator(FakeEngine& engine, coordination::MemberInfo info)
    : engine_(engine), info_(std::move(info)) {
  is_entered_ = engine_.with([&](FakeEngine::Content& content) {
    if (content.alive.contains(info_.name)) {
      return false;
    }
    content.members[info_.name] = info_;
    content.alive[info_.name] = {};
    return true;
  });
  engine_.changed();
}

FakeCoordinator::~FakeCoordinator() {
  const auto kept = kept_.copy();
  engine_.with([&](FakeEngine::Content& content) {
    if (is_entered_) {
      content.alive.erase(info_.name);
    }
    for (auto& [name, entry] : content.limits) {
      for (FakeEngine::Slot& slot : entry.slots) {
        if (kept.contains(slot.held.lease)) {
          slot.ends = engine_.clock.steady_now() + std::chrono::seconds(30);
        }
      }
    }
  });
}

void FakeCoordinator::set_reachable(bool reachable) {
  (void)view();
  reachable_.with([&](bool& now) { now = reachable; });
  engine_.changed();
}

View FakeCoordinator::current_view() const {
  View view{.read = true, .current = true};
  engine_.with([&](const FakeEngine::Content& content) {
    for (const auto& [name, entry] : content.limits) {
      view.limits[name] = state_of(name, entry);
    }
    for (const auto& [name, info] : content.members) {
      view.members.push_back(info);
    }
    for (const auto& [scope, each] : content.maintenance) {
      view.maintenance.push_back(each.window);
    }
  });
  return view;
}

std::shared_ptr<const View> FakeCoordinator::view() const {
  if (reachable_.copy()) {
    auto now = std::make_shared<const View>(current_view());
    last_view_.with([&](auto& kept) { kept = now; });
    return now;
  }
  View old = *last_view_.copy();
  old.current = false;
  return std::make_shared<const View>(std::move(old));
}

void FakeCoordinator::on_change(std::function<void()> observer) {
  engine_.observers.with([&](auto& all) { all.push_back(std::move(observer)); });
}

void FakeCoordinator::report(const coordination::MemberReport& report) {
  engine_.with([&](FakeEngine::Content& content) {
    if (is_entered_) {
      content.alive[info_.name] = report;
    }
  });
}

base::Result<std::vector<coordination::Member>> FakeCoordinator::members(const base::Deadline&) {
  if (!reachable_.copy()) {
    return unreachable();
  }
  return engine_.with([](const FakeEngine::Content& content) {
    std::vector<coordination::Member> members;
    for (const auto& [name, info] : content.members) {
      const auto alive = content.alive.find(name);
      const bool is_alive = alive != content.alive.end();
      members.push_back({info, is_alive, is_alive ? std::optional(alive->second) : std::nullopt});
    }
    return members;
  });
}

ClaimResult FakeCoordinator::claim(const coordination::ClaimRequest& request,
                                   const base::Deadline&) {
  ClaimResult result{.outcome = ClaimOutcome::unreachable, .detail = "the engine cannot be asked"};
  if (reachable_.copy()) {
    result = engine_.with([&](FakeEngine::Content& content) -> ClaimResult {
      const base::SteadyTime now = engine_.clock.steady_now();
      const auto found = content.limits.find(request.limit);
      if (found == content.limits.end()) {
        return {.outcome = ClaimOutcome::no_such_limit};
      }
      FakeEngine::LimitEntry& entry = found->second;
      std::vector<coordination::Holder> holders;
      std::int64_t budget_lease = 0;
      for (const FakeEngine::Slot& slot : entry.slots) {
        if (slot.held.holder.operation == request.holder.operation) {
          return {.outcome = ClaimOutcome::won,
                  .slot = {request.limit, slot.held.index, slot.held.lease,
                           entry.budget.contains(slot.budget_lease) ? slot.budget_lease : 0}};
        }
        holders.push_back(slot.held.holder);
      }
      if (holders.size() >= entry.limit.at_once) {
        return {.outcome = ClaimOutcome::no_free_slot, .holders = holders};
      }
      if (request.takes_budget && entry.limit.budget) {
        if (entry.budget.size() >= entry.limit.budget->count) {
          const auto first =
              std::min_element(entry.budget.begin(), entry.budget.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; });
          return {.outcome = ClaimOutcome::budget_used_up, .free_in = first->second - now};
        }
        budget_lease = ++content.last_lease;
        entry.budget[budget_lease] = now + entry.limit.budget->window;
      }
      const auto index = static_cast<unsigned>(content.last_lease);
      entry.slots.push_back(
          {{index, ++content.last_lease, request.holder}, std::nullopt, budget_lease});
      return {.outcome = ClaimOutcome::won,
              .slot = {request.limit, index, content.last_lease, budget_lease}};
    });
  }
  counted_.with([&](auto& stats) { ++stats.claims[{request.limit, result.outcome}]; });
  if (result.outcome == ClaimOutcome::won) {
    kept_.with([&](auto& kept) { kept.insert(result.slot.lease); });
    engine_.changed();
  }
  return result;
}

void FakeCoordinator::release(const coordination::Slot& slot, const base::Deadline&) {
  engine_.with([&](FakeEngine::Content& content) {
    for (auto& [name, entry] : content.limits) {
      std::erase_if(entry.slots, [&](const auto& each) { return each.held.lease == slot.lease; });
      entry.budget.erase(slot.budget_lease);
    }
  });
  engine_.changed();
}

void FakeCoordinator::hold(const coordination::Slot& slot, base::Duration span,
                           const base::Deadline&) {
  engine_.with([&](FakeEngine::Content& content) {
    for (FakeEngine::Slot& each : content.limits[slot.limit].slots) {
      if (each.held.lease == slot.lease) {
        each.held.holder.failed = true;
        each.held.lease = ++content.last_lease;
        each.ends = engine_.clock.steady_now() + span;
      }
    }
  });
  engine_.changed();
}

base::Result<void> FakeCoordinator::change(const coordination::Change& change,
                                           const base::Deadline&) {
  if (!reachable_.copy()) {
    return unreachable();
  }
  auto changed = engine_.with([&](FakeEngine::Content& content) {
    return std::visit(Changer{content, engine_.clock.steady_now()}, change);
  });
  engine_.changed();
  return changed;
}

coordination::Stats FakeCoordinator::stats() const {
  coordination::Stats stats = counted_.copy();
  stats.up = reachable_.copy();
  const auto now = view();
  stats.limits = now->limits;
  return stats;
}

}  // namespace reeve::tests
