#include "guards/guard_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "guards/state_times.h"

namespace reeve::guards {

namespace {

records::Json entry_to_json(const Target& target, const TargetBook& book) {
  return {{"supervisor", records::text_to_json(target.supervisor)},
          {"group", records::text_to_json(target.name.group)},
          {"name", records::text_to_json(target.name.name)},
          {"actions", to_json(book.actions)},
          {"cooldown_until", to_json(book.cooldown_until)},
          {"in_row", book.in_row},
          {"in_row_until", to_json(book.in_row_until)},
          {"budget_actions", book.budget.actions},
          {"budget_within", book.budget.within.count()},
          {"gave_up", book.gave_up}};
}

/// False if it is not whole.
bool read_target(const records::Json& value, const StateTimes& times, Book& book) {
  constexpr std::array demanded = {"supervisor",     "group",         "name",   "in_row",
                                   "budget_actions", "budget_within", "gave_up"};
  records::JsonReader reader(value);
  Target target;
  TargetBook entry;
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
  const bool whole = std::all_of(demanded.begin(), demanded.end(),
                                 [&](const char* name) { return reader.find(name) != nullptr; });
  return whole && reader.good() && book.targets.emplace(target, std::move(entry)).second;
}

}  // namespace

std::string to_text(const Book& book, const Stamp& stamp) {
  records::Json object = state_object(stamp);
  object["begun"] = to_json(book.begun);
  object["breaker_until"] = to_json(book.breaker_until);
  object["total"] = to_json(book.total);
  records::Json& targets = object["targets"] = records::Json::array();
  for (const auto& [target, entry] : book.targets) {
    targets.push_back(entry_to_json(target, entry));
  }
  return records::to_line(object);
}

std::optional<ReadBook> parse_book(std::string_view text, const GuardClock& clock) {
  const auto object = records::parse_object(text);
  if (!object) {
    return std::nullopt;
  }
  records::JsonReader reader(*object);
  const StateTimes times(reader, clock);
  Book book;
  times.read(reader, "begun", book.begun);
  times.read(reader, "breaker_until", book.breaker_until);
  times.read_past(reader, "total", book.total);
  const records::Json* const targets = reader.find("targets");
  const bool whole = reader.good() && targets != nullptr && targets->is_array() &&
                     std::all_of(targets->begin(), targets->end(), [&](const records::Json& each) {
                       return read_target(each, times, book);
                     });
  return whole ? std::optional(ReadBook{std::move(book), times.future_dated()}) : std::nullopt;
}

}  // namespace reeve::guards
