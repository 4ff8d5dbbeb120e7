#include "guards/guard_book.h"

#include <algorithm>
#include <cmath>

namespace reeve::guards {

using base::Duration;
using base::SteadyTime;

namespace {

constexpr Duration kept_for = Budget::max_within;

Duration span_of(const Cooldown& cooldown, unsigned before, double random) {
  const double grown =
      static_cast<double>(cooldown.initial.count()) * std::pow(cooldown.factor, before);
  const double base = std::min(grown, static_cast<double>(cooldown.max.count()));
  const double jittered = base * (1 + cooldown.jitter * (2 * random - 1));
  return Duration(
      static_cast<Duration::rep>(std::clamp(jittered, 0.0, static_cast<double>(kept_for.count()))));
}

void add(ActionTimes& actions, SteadyTime now) {
  actions.push_back(now);
  if (actions.size() > Budget::max_actions) {
    actions.erase(actions.begin());
  }
}

void prune(ActionTimes& actions, SteadyTime now) {
  std::erase_if(actions, [&](SteadyTime at) { return now - at >= kept_for; });
}

bool over(const std::optional<SteadyTime>& until, SteadyTime now) {
  return !until || *until <= now;
}

}  // namespace

std::size_t used(const ActionTimes& actions, Duration within, SteadyTime now) {
  return static_cast<std::size_t>(std::count_if(actions.begin(), actions.end(),
                                                [&](SteadyTime at) { return now - at < within; }));
}

bool used_up(const ActionTimes& actions, const Budget& budget, SteadyTime now) {
  return used(actions, budget.within, now) >= std::min(budget.actions, Budget::max_actions);
}

std::optional<SteadyTime> cooling_until(const Book& book, const Target& target,
                                        const Cooldown& cooldown, SteadyTime now) {
  const auto known = book.targets.find(target);
  std::optional<SteadyTime> until;
  if (known != book.targets.end()) {
    until = known->second.cooldown_until;
  } else if (book.begun) {
    until = *book.begun + cooldown.initial;
  }
  return over(until, now) ? std::nullopt : until;
}

unsigned in_row(const TargetBook& book, SteadyTime now) {
  return over(book.in_row_until, now) ? 0 : book.in_row;
}

void add_action(Book& book, const Target& target, const Limits& limits, SteadyTime now,
                double random) {
  TargetBook& entry = book.targets[target];
  const unsigned before = in_row(entry, now);
  add(entry.actions, now);
  add(book.total, now);
  entry.cooldown_until = now + span_of(limits.cooldown, before, random);
  entry.in_row = before + 1;
  entry.in_row_until = now + limits.cooldown.reset_after;
  entry.budget = limits.per_target;
}

void forget(Book& book, const Target& target) {
  book.targets[target] = {};
}

void prune(Book& book, SteadyTime now) {
  prune(book.total, now);
  if (book.begun && now - *book.begun >= kept_for) {
    book.begun.reset();
  }
  for (auto& [target, entry] : book.targets) {
    prune(entry.actions, now);
  }
  std::erase_if(book.targets, [&](const auto& each) {
    const TargetBook& entry = each.second;
    return !book.begun && entry.actions.empty() && !entry.gave_up &&
           over(entry.cooldown_until, now) && over(entry.in_row_until, now);
  });
}

}  // namespace reeve::guards
