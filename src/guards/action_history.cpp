#include "guards/action_history.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "records/json_reader.h"

namespace reeve::guards {

using base::Duration;
using base::SteadyTime;
using records::JsonReader;

namespace {

constexpr Duration history_kept_for = Budget::max_within;

Duration cooldown_after(const Cooldown& cooldown, unsigned before, double random) {
  const double grown =
      static_cast<double>(cooldown.initial.count()) * std::pow(cooldown.factor, before);
  const double base = std::min(grown, static_cast<double>(cooldown.max.count()));
  const double jittered = base * (1 + cooldown.jitter * (2 * random - 1));
  return Duration(static_cast<Duration::rep>(
      std::clamp(jittered, 0.0, static_cast<double>(history_kept_for.count()))));
}

void add(ActionTimes& actions, SteadyTime now) {
  actions.push_back(now);
  if (actions.size() > Budget::max_actions) {
    actions.erase(actions.begin());
  }
}

void prune(ActionTimes& actions, SteadyTime now) {
  std::erase_if(actions, [&](SteadyTime at) { return now - at >= history_kept_for; });
}

records::Json to_json(const Target& target, const TargetHistory& history) {
  return {{"supervisor", records::text_to_json(target.supervisor)},
          {"group", records::text_to_json(target.name.group)},
          {"name", records::text_to_json(target.name.name)},
          {"actions", records::to_json(history.actions)},
          {"cooldown_until", records::to_json(history.cooldown_until)},
          {"in_row", history.in_row},
          {"in_row_until", records::to_json(history.in_row_until)},
          {"budget_actions", history.budget.actions},
          {"budget_within", history.budget.within.count()},
          {"gave_up", history.gave_up}};
}

void read_target(JsonReader& reader, const records::TimeReader& times, ActionHistory& history) {
  constexpr std::array required = {"supervisor",     "group",         "name",   "in_row",
                                   "budget_actions", "budget_within", "gave_up"};
  Target target;
  TargetHistory entry;
  reader.text("supervisor", target.supervisor);
  reader.text("group", target.name.group);
  reader.text("name", target.name.name);
  times.read_past(reader, "actions", entry.actions);
  times.read(reader, "cooldown_until", entry.cooldown_until);
  reader.number("in_row", entry.in_row);
  times.read(reader, "in_row_until", entry.in_row_until);
  reader.number("budget_actions", entry.budget.actions);
  reader.span("budget_within", entry.budget.within);
  reader.flag("gave_up", entry.gave_up);
  const bool whole = std::all_of(required.begin(), required.end(),
                                 [&](const char* name) { return reader.has(name); });
  if (!whole || !history.targets.emplace(target, std::move(entry)).second) {
    reader.fail();
  }
}

}  // namespace

bool is_ahead(const std::optional<SteadyTime>& time, SteadyTime now) {
  return time && *time > now;
}

std::size_t count_within(const ActionTimes& actions, Duration within, SteadyTime now) {
  return static_cast<std::size_t>(std::count_if(actions.begin(), actions.end(),
                                                [&](SteadyTime at) { return now - at < within; }));
}

bool used_up(const ActionTimes& actions, const Budget& budget, SteadyTime now) {
  return count_within(actions, budget.within, now) >= std::min(budget.actions, Budget::max_actions);
}

std::optional<SteadyTime> cooling_until(const ActionHistory& history, const Target& target,
                                        const Cooldown& cooldown, SteadyTime now) {
  const auto known = history.targets.find(target);
  std::optional<SteadyTime> until;
  if (known != history.targets.end()) {
    until = known->second.cooldown_until;
  } else if (history.begun) {
    until = *history.begun + cooldown.initial;
  }
  return is_ahead(until, now) ? until : std::nullopt;
}

unsigned in_row(const TargetHistory& history, SteadyTime now) {
  return is_ahead(history.in_row_until, now) ? history.in_row : 0;
}

void add_action(ActionHistory& history, const Target& target, const Limits& limits, SteadyTime now,
                double random) {
  TargetHistory& entry = history.targets[target];
  const unsigned before = in_row(entry, now);
  add(entry.actions, now);
  add(history.total, now);
  entry.cooldown_until = now + cooldown_after(limits.cooldown, before, random);
  entry.in_row = before + 1;
  entry.in_row_until = now + limits.cooldown.reset_after;
  entry.budget = limits.per_target;
}

void reset(ActionHistory& history, const Target& target) {
  history.targets[target] = {};
}

void prune(ActionHistory& history, SteadyTime now) {
  prune(history.total, now);
  if (history.begun && now - *history.begun >= history_kept_for) {
    history.begun.reset();
  }
  for (auto& [target, entry] : history.targets) {
    prune(entry.actions, now);
  }
  std::erase_if(history.targets, [&](const auto& each) {
    const TargetHistory& entry = each.second;
    return !history.begun && entry.actions.empty() && !entry.gave_up &&
           !is_ahead(entry.cooldown_until, now) && !is_ahead(entry.in_row_until, now);
  });
}

std::string to_text(const ActionHistory& history, const records::WrittenAt& written) {
  records::Json object = records::timed_object(written);
  object["begun"] = records::to_json(history.begun);
  object["breaker_until"] = records::to_json(history.breaker_until);
  object["total"] = records::to_json(history.total);
  records::Json& targets = object["targets"] = records::Json::array();
  for (const auto& [target, entry] : history.targets) {
    targets.push_back(to_json(target, entry));
  }
  return records::to_line(object);
}

std::optional<records::StateFile<ActionHistory>::Parsed> parse_history(
    std::string_view text, const records::StateClock& clock) {
  records::StateFile<ActionHistory>::Parsed parsed;
  const bool whole = records::read_object(text, [&](JsonReader& reader) {
    ActionHistory& history = parsed.value;
    const records::TimeReader times(reader, clock);
    parsed.future_dated = times.future_dated();
    times.read(reader, "begun", history.begun);
    times.read(reader, "breaker_until", history.breaker_until);
    times.read_past(reader, "total", history.total);
    reader.each_object("targets", [&](JsonReader& target) { read_target(target, times, history); });
  });
  return whole ? std::optional(std::move(parsed)) : std::nullopt;
}

}  // namespace reeve::guards
