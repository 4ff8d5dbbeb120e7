#include "coordination/etcd_claims.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

namespace reeve::coordination::etcd {

using base::Deadline;
using base::ErrorKind;

namespace {

/// More claimers than this never win before one: then the deadline is long over.
constexpr unsigned max_tries = 100;

Json grant_body(base::Duration span) {
  return {{"TTL", std::to_string(std::chrono::ceil<std::chrono::seconds>(span).count())}};
}

ClaimResult unreachable(const base::Error& error) {
  return {.outcome = ClaimOutcome::unreachable, .detail = error.message};
}

}  // namespace

/// A limit and what is taken of it, at one revision.
struct Claims::Slots {
  struct Taken {
    unsigned index = 0;
    KeyValue entry;
    Holder holder;
  };

  std::optional<Limit> limit;
  std::int64_t limit_modified = 0;
  std::vector<Taken> slots;
  std::vector<Taken> budget;

  static std::vector<unsigned> places(const std::vector<Taken>& taken) {
    std::vector<unsigned> all;
    std::transform(taken.begin(), taken.end(), std::back_inserter(all),
                   [](const Taken& each) { return each.index; });
    return all;
  }
  /// The one that this operation has; null if it has none.
  static const Taken* find_own(const std::vector<Taken>& taken, const Holder& holder) {
    const auto own = std::find_if(taken.begin(), taken.end(), [&](const Taken& each) {
      return each.holder.operation == holder.operation && each.holder.host == holder.host;
    });
    return own == taken.end() ? nullptr : &*own;
  }
};

std::optional<unsigned> free_place(const std::vector<unsigned>& taken, unsigned count,
                                   std::size_t spread) {
  // Each place taken beyond `usable` costs one of those below.
  unsigned usable = count;
  const auto beyond = [&] {
    return static_cast<unsigned>(
        std::count_if(taken.begin(), taken.end(), [&](unsigned each) { return each >= usable; }));
  };
  while (usable > 0 && usable + beyond() > count) {
    --usable;
  }
  std::vector<unsigned> free;
  for (unsigned place = 0; place < usable; ++place) {
    if (std::find(taken.begin(), taken.end(), place) == taken.end()) {
      free.push_back(place);
    }
  }
  return free.empty() ? std::nullopt : std::optional(free[spread % free.size()]);
}

Claims::Slots Claims::slots_of(const Json& transaction) const {
  Slots found;
  for (const KeyValue& each : key_values(range_answer(transaction, 0))) {
    found.limit = parse_limit(each.value);
    found.limit_modified = each.modified;
  }
  const auto taken_of = [&](std::size_t at) {
    std::vector<Slots::Taken> all;
    for (KeyValue& each : key_values(range_answer(transaction, at))) {
      // What cannot be read is taken all the same.
      if (const auto parts = keys_.parts_of(each.key); parts && parts->index) {
        Holder holder = parse_holder(each.value).value_or(unreadable_holder());
        all.push_back({*parts->index, std::move(each), std::move(holder)});
      }
    }
    return all;
  };
  found.slots = taken_of(1);
  found.budget = taken_of(2);
  return found;
}

namespace {

/// The ranges of which slots_of() reads the answers.
std::vector<Json> ranges(const Keys& keys, const std::string& limit) {
  return {in_transaction("request_range", get(keys.limit(limit))),
          in_transaction("request_range", get(keys.slots(limit))),
          in_transaction("request_range", get(keys.budget_entries(limit)))};
}

}  // namespace

base::Result<Claims::Slots> Claims::read(const std::string& limit, const Deadline& deadline) {
  const Json body = transaction({}, ranges(keys_, limit));
  return gateway_.call(Call::transaction, body, deadline).map([&](const Json& answer) {
    return slots_of(answer);
  });
}

std::optional<base::Duration> Claims::remaining(std::int64_t lease, const Deadline& deadline) {
  const auto answer = gateway_.call(Call::time_to_live, {{"ID", std::to_string(lease)}}, deadline);
  const std::int64_t left = answer ? number(*answer, "TTL") : 0;
  return left > 0 ? std::optional<base::Duration>(std::chrono::seconds(left)) : std::nullopt;
}

std::optional<ClaimResult> Claims::decided(const ClaimRequest& request, const Slots& slots,
                                           const Deadline& deadline) {
  if (!slots.limit) {
    return ClaimResult{.outcome = ClaimOutcome::no_such_limit};
  }
  if (const auto* const own = Slots::find_own(slots.slots, request.holder)) {
    const auto* const entry = Slots::find_own(slots.budget, request.holder);
    return ClaimResult{.outcome = ClaimOutcome::won,
                       .slot = {request.limit, own->index, own->entry.lease,
                                entry == nullptr ? 0 : entry->entry.lease}};
  }
  if (!free_place(Slots::places(slots.slots), slots.limit->at_once, 0)) {
    ClaimResult result{.outcome = ClaimOutcome::no_free_slot};
    for (const Slots::Taken& each : slots.slots) {
      result.holders.push_back(each.holder);
    }
    return result;
  }
  const auto& budget = slots.limit->budget;
  if (request.takes_budget && budget &&
      !free_place(Slots::places(slots.budget), budget->count, 0)) {
    const auto oldest = std::min_element(
        slots.budget.begin(), slots.budget.end(),
        [](const auto& one, const auto& other) { return one.entry.created < other.entry.created; });
    return ClaimResult{.outcome = ClaimOutcome::budget_used_up,
                       .free_in = remaining(oldest->entry.lease, deadline)};
  }
  return std::nullopt;
}

base::Result<std::int64_t> Claims::grant(base::Duration span, const Deadline& deadline) {
  return gateway_.call(Call::grant, grant_body(span), deadline)
      .and_then([](const Json& answer) -> base::Result<std::int64_t> {
        const std::int64_t lease = number(answer, "ID");
        return lease != 0 ? base::Result<std::int64_t>(lease)
                          : base::failure(ErrorKind::malformed, "etcd granted a lease without ID");
      });
}

base::Result<void> Claims::grant_leases(const ClaimRequest& request, const Slots& slots,
                                        const Deadline& deadline, Leases& leases) {
  const auto grant_to = [&](std::int64_t& into, base::Duration span) -> base::Result<void> {
    const auto lease = grant(span, deadline);
    if (!lease) {
      return base::failure(lease.error());
    }
    into = *lease;
    leases.granted.push_back(*lease);
    return {};
  };
  base::Result<void> done;
  if (leases.slot == 0) {
    done = grant_to(leases.slot, lease_);
  }
  const base::Duration window = request.takes_budget && slots.limit->budget
                                    ? slots.limit->budget->window
                                    : base::Duration::zero();
  if (done && leases.window != window) {
    leases.window = window;
    leases.budget = 0;
    done = window == base::Duration::zero() ? done : grant_to(leases.budget, window);
  }
  return done;
}

Json Claims::transaction_for(const ClaimRequest& request, const Slots& slots, const Leases& leases,
                             Slot& slot) const {
  const std::size_t spread = std::hash<std::string>()(request.holder.operation);
  const std::string value = to_text(request.holder);
  slot = {request.limit, *free_place(Slots::places(slots.slots), slots.limit->at_once, spread),
          leases.slot, leases.budget};
  const std::string key = keys_.slot(request.limit, slot.index);
  std::vector<Json> compare = {is_unmodified(keys_.limit(request.limit), slots.limit_modified),
                               is_absent(key)};
  std::vector<Json> success = {in_transaction("request_put", put(key, value, leases.slot))};
  if (leases.budget != 0) {
    const std::string entry = keys_.budget_entry(
        request.limit,
        *free_place(Slots::places(slots.budget), slots.limit->budget->count, spread));
    compare.push_back(is_absent(entry));
    success.push_back(in_transaction("request_put", put(entry, value, leases.budget)));
  }
  return transaction(std::move(compare), std::move(success), ranges(keys_, request.limit));
}

base::Result<void> Claims::revoke(std::int64_t lease, const Deadline& deadline) {
  const auto answer = gateway_.call(Call::revoke, {{"ID", std::to_string(lease)}}, deadline);
  const bool is_gone = answer || answer.error().kind == ErrorKind::not_found;
  return is_gone ? base::Result<void>() : base::failure(answer.error());
}

ClaimResult Claims::try_to_claim(const ClaimRequest& request, const Deadline& deadline,
                                 Leases& leases) {
  auto slots = read(request.limit, deadline);
  for (unsigned tries = 0; slots && tries < max_tries; ++tries) {
    if (auto result = decided(request, *slots, deadline)) {
      return *std::move(result);
    }
    if (const auto granted = grant_leases(request, *slots, deadline, leases); !granted) {
      return unreachable(granted.error());
    }
    Slot slot;
    const auto answer =
        gateway_.call(Call::transaction, transaction_for(request, *slots, leases, slot), deadline);
    if (answer && succeeded(*answer)) {
      return {.outcome = ClaimOutcome::won, .slot = std::move(slot)};
    }
    if (answer) {  // the transaction may have been sent twice: decided() finds the slot then
      slots = slots_of(*answer);
      continue;
    }
    slots = read(request.limit, deadline);
    const auto result = slots ? decided(request, *slots, deadline) : std::nullopt;
    if (!result || result->outcome != ClaimOutcome::won) {
      return unreachable(answer.error());  // it may come to pass yet: its leases are revoked
    }
  }
  return slots ? unreachable({ErrorKind::conflict, "too many others claim at the same time"})
               : unreachable(slots.error());
}

ClaimResult Claims::claim(const ClaimRequest& request, const Deadline& deadline,
                          std::vector<std::int64_t>& abandoned) {
  Leases leases;
  ClaimResult result = try_to_claim(request, deadline, leases);
  for (const std::int64_t lease : leases.granted) {
    const bool is_used = result.outcome == ClaimOutcome::won &&
                         (lease == result.slot.lease ||
                          (lease == leases.budget && result.slot.lease == leases.slot));
    if (!is_used && !revoke(lease, deadline)) {
      abandoned.push_back(lease);
    }
  }
  return result;
}

base::Result<void> Claims::hold(const Slot& slot, base::Duration span, const Deadline& deadline) {
  const std::string key = keys_.slot(slot.limit, slot.index);
  const auto answer = gateway_.call(Call::range, get(key), deadline);
  if (!answer) {
    return base::failure(answer.error());
  }
  const auto found = key_values(*answer);
  if (found.empty() || found.front().lease != slot.lease) {
    return base::failure(ErrorKind::not_found, "the slot is not held any more");
  }
  Holder holder = parse_holder(found.front().value).value_or(Holder{});
  holder.failed = true;
  const auto lease = grant(span, deadline);
  if (!lease) {
    return base::failure(lease.error());
  }
  const auto held =
      gateway_.call(Call::transaction,
                    transaction({is_unmodified(key, found.front().modified)},
                                {in_transaction("request_put", put(key, to_text(holder), *lease))}),
                    deadline);
  if (!held || !succeeded(*held)) {
    (void)revoke(*lease, deadline);
    return held ? base::failure(ErrorKind::not_found, "somebody has released the slot")
                : base::failure(held.error());
  }
  return revoke(slot.lease, deadline);  // its key has the new one
}

}  // namespace reeve::coordination::etcd
