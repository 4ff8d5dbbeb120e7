#include "coordination/documents.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "records/json_reader.h"
#include "reeve/base/endpoint.h"

namespace reeve::coordination {

using base::ErrorKind;
using records::Json;
using records::JsonReader;
using std::chrono::seconds;

namespace {

constexpr std::size_t max_labels = 64;
constexpr std::size_t max_text_bytes = 1024;

/// Read from others: shortened, in UTF-8, without control characters.
void read_text(JsonReader& reader, const char* name, std::string& into,
               std::size_t max_bytes = max_text_bytes) {
  reader.text(name, into);
  into = base::to_utf8(std::string_view(into).substr(0, max_bytes));
  std::replace_if(
      into.begin(), into.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
}

/// Whole seconds, at most `max`.
void read_seconds(JsonReader& reader, const char* name, base::Duration& into, base::Duration max) {
  std::int64_t count = std::chrono::duration_cast<seconds>(into).count();
  reader.number(name, count);
  if (count < 0 || count > std::chrono::duration_cast<seconds>(max).count()) {
    reader.fail();
    return;
  }
  into = seconds(count);
}

std::int64_t in_seconds(base::Duration span) {
  return std::chrono::ceil<seconds>(span).count();
}

void read_time(JsonReader& reader, const char* name, base::SystemTime& into) {
  std::string text;
  read_text(reader, name, text);
  if (const auto time = base::parse_rfc3339(text)) {
    into = *time;
  } else {
    reader.fail();
  }
}

template <class T>
std::optional<T> parse(std::string_view text, const std::function<void(JsonReader&, T&)>& read) {
  T value;
  const bool is_good = text.size() <= max_document_bytes &&
                       records::read_object(text, [&](JsonReader& reader) { read(reader, value); });
  return is_good ? std::optional(std::move(value)) : std::nullopt;
}

bool is_count(unsigned count) {
  return count >= 1 && count <= Limit::max_count;
}

/// Calls `use` with each member of the object `name`, at most `max`.
void for_each_member(const Json& object, std::size_t max,
                     const std::function<void(const std::string&, const Json&)>& use) {
  for (auto each = object.begin(); each != object.end() && max > 0; ++each, --max) {
    use(base::to_utf8(std::string_view(each.key()).substr(0, max_text_bytes)), each.value());
  }
}

/// Control characters have no place in what is shown.
bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

bool is_name(std::string_view text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-_.").find(c) != std::string_view::npos;
         });
}

bool is_label_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= max_name_bytes && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

base::Result<void> check(const Limit& limit) {
  const auto refuse = [](const char* why) {
    return base::failure(ErrorKind::invalid_argument, why);
  };
  if (!is_count(limit.at_once)) {
    return refuse("at_once is a number from 1 to 1000");
  }
  if (limit.budget && (!is_count(limit.budget->count) || limit.budget->window < seconds(1) ||
                       limit.budget->window > Limit::max_span)) {
    return refuse("a budget is a number from 1 to 1000 and a span up to 168h, like 5/1h");
  }
  if (limit.hold_failed < base::Duration::zero() || limit.hold_failed > Limit::max_span) {
    return refuse("hold_failed is a span up to 168h; 0s: a failed action keeps no slot");
  }
  return {};
}

base::Result<Budget> parse_budget(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto count = base::parse_number<unsigned>(text.substr(0, slash));
  const auto window =
      base::parse_duration(slash == text.size() ? std::string_view() : text.substr(slash + 1));
  const Budget budget{count.value_or(0), window.value_or(base::Duration::zero())};
  return check(Limit{.budget = budget}).map([&] { return budget; });
}

Holder unreadable_holder() {
  Holder holder;
  holder.host = "unknown";
  return holder;
}

std::string describe(const Holder& holder) {
  return holder.host + " (" + holder.process + ", operation " + holder.operation + ", " +
         (holder.failed ? "failed, held " : "") + "since " + base::to_rfc3339(holder.since) + ")";
}

std::string describe(const std::vector<Holder>& holders) {
  constexpr std::size_t max_shown = 5;
  const auto shown = std::vector<Holder>(
      holders.begin(),
      holders.begin() + static_cast<std::ptrdiff_t>(std::min(holders.size(), max_shown)));
  const std::string text =
      base::join(shown, ", ", [](const Holder& each) { return describe(each); });
  return holders.size() <= max_shown
             ? text
             : text + " and " + std::to_string(holders.size() - max_shown) + " more";
}

std::string to_text(const Limit& limit) {
  Json object = {{"at_once", limit.at_once}, {"hold_failed", in_seconds(limit.hold_failed)}};
  if (limit.budget) {
    object["budget"] = {{"count", limit.budget->count},
                        {"window", in_seconds(limit.budget->window)}};
  }
  return records::to_line(object);
}

std::string to_text(const Holder& holder) {
  Json object = {{"host", holder.host},
                 {"process", base::to_utf8(holder.process)},
                 {"operation", holder.operation},
                 {"since", base::to_rfc3339(holder.since)}};
  if (holder.failed) {
    object["failed"] = true;
  }
  return records::to_line(object);
}

std::string to_text(const SharedMaintenance& window) {
  return records::to_line(Json{{"scope", window.scope},
                               {"reason", window.reason},
                               {"actor", window.actor},
                               {"host", window.host},
                               {"until", base::to_rfc3339(window.until)},
                               {"span", in_seconds(window.span)}});
}

std::string to_text(const MemberInfo& info) {
  Json object = {{"metrics", info.metrics}, {"control", info.control}, {"version", info.version}};
  object["labels"] = Json::object();
  for (const auto& [name, value] : info.labels) {
    object["labels"][name] = value;
  }
  return records::to_line(object);
}

std::string to_text(const MemberReport& report) {
  Json groups = Json::object();
  for (const auto& [group, states] : report.groups) {
    if (groups.size() == MemberReport::max_groups) {
      break;
    }
    groups[base::to_utf8(group)] = states;
  }
  Json problems = Json::array();
  for (const ProblemReport& each : report.problems) {
    if (problems.size() == MemberReport::max_problems) {
      break;
    }
    problems.push_back({{"process", base::to_utf8(each.process)}, {"problem", each.problem}});
  }
  Json object = {{"guards", report.guards},
                 {"configuration_revision", report.configuration_revision},
                 {"groups", std::move(groups)},
                 {"problems", std::move(problems)}};
  std::string text = records::to_line(object);
  for (const char* const part : {"problems", "groups"}) {
    if (text.size() > max_document_bytes) {
      object.erase(part);
      text = records::to_line(object);
    }
  }
  return text;
}

std::optional<Limit> parse_limit(std::string_view text) {
  const auto limit = parse<Limit>(text, [](JsonReader& reader, Limit& into) {
    reader.number("at_once", into.at_once);
    read_seconds(reader, "hold_failed", into.hold_failed, Limit::max_span);
    reader.inside("budget", [&](JsonReader& inner) {
      Budget& budget = into.budget.emplace();
      inner.number("count", budget.count);
      read_seconds(inner, "window", budget.window, Limit::max_span);
    });
  });
  return limit && check(*limit) ? limit : std::nullopt;
}

std::optional<Holder> parse_holder(std::string_view text) {
  return parse<Holder>(text, [](JsonReader& reader, Holder& into) {
    read_text(reader, "host", into.host, max_member_name_bytes);
    read_text(reader, "process", into.process);
    read_text(reader, "operation", into.operation, max_name_bytes);
    read_time(reader, "since", into.since);
    reader.flag("failed", into.failed);
  });
}

std::optional<SharedMaintenance> parse_maintenance(std::string_view text) {
  auto window = parse<SharedMaintenance>(text, [](JsonReader& reader, SharedMaintenance& into) {
    reader.text("scope", into.scope);
    read_text(reader, "reason", into.reason);
    read_text(reader, "actor", into.actor, max_member_name_bytes);
    read_text(reader, "host", into.host, max_member_name_bytes);
    read_time(reader, "until", into.until);
    read_seconds(reader, "span", into.span, SharedMaintenance::max_span);
  });
  const bool is_good = window && !window->scope.empty() && base::is_utf8(window->scope) &&
                       is_plain(window->scope) &&
                       window->scope.size() <= SharedMaintenance::max_scope_bytes;
  return is_good ? window : std::nullopt;
}

std::optional<MemberInfo> parse_member(std::string_view name, std::string_view text) {
  if (!is_name(name, max_member_name_bytes)) {
    return std::nullopt;
  }
  auto info = parse<MemberInfo>(text, [](JsonReader& reader, MemberInfo& into) {
    read_text(reader, "metrics", into.metrics, 300);
    read_text(reader, "control", into.control);
    read_text(reader, "version", into.version, max_name_bytes);
    const Json* const labels = reader.find("labels");
    if (labels == nullptr || !labels->is_object()) {
      return;
    }
    for_each_member(*labels, max_labels, [&](const std::string& label, const Json&) {
      if (is_label_name(label)) {
        JsonReader inner(*labels);
        read_text(inner, label.c_str(), into.labels[label]);
      }
    });
  });
  if (info) {
    info->name = name;
    const auto address = base::ListenAddress::parse(info->metrics);
    if (!address || address->host.empty()) {
      info->metrics.clear();  // it would be no target
    }
  }
  return info;
}

std::optional<MemberReport> parse_report(std::string_view text) {
  return parse<MemberReport>(text, [](JsonReader& reader, MemberReport& into) {
    constexpr std::size_t max_states = 16;
    reader.number("guards", into.guards);
    read_text(reader, "configuration_revision", into.configuration_revision, max_name_bytes);
    const Json* const groups = reader.find("groups");
    for_each_member(groups != nullptr && groups->is_object() ? *groups : Json::object(),
                    MemberReport::max_groups, [&](const std::string& group, const Json& states) {
                      if (!is_plain(group) || !states.is_object()) {
                        return;
                      }
                      for_each_member(states, max_states,
                                      [&](const std::string& state, const Json&) {
                                        if (is_name(state)) {
                                          JsonReader inner(states);
                                          inner.number(state.c_str(), into.groups[group][state]);
                                        }
                                      });
                    });
    if (!reader.has("problems")) {
      return;
    }
    reader.each_object("problems", [&](JsonReader& each) {
      if (into.problems.size() < MemberReport::max_problems) {
        ProblemReport& problem = into.problems.emplace_back();
        read_text(each, "process", problem.process);
        read_text(each, "problem", problem.problem);
      }
    });
  });
}

}  // namespace reeve::coordination
