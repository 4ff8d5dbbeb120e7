#include "control/audit_entry.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "records/json_reader.h"

namespace reeve::control {

namespace {

using Text = std::string AuditEntry::*;

/// The members that are left out where they are empty.
constexpr std::array<std::pair<const char*, Text>, 9> text_members = {{
    {"action", &AuditEntry::action},
    {"decision", &AuditEntry::decision},
    {"reason", &AuditEntry::reason},
    {"rule", &AuditEntry::rule},
    {"fingerprint", &AuditEntry::fingerprint},
    {"operation", &AuditEntry::operation},
    {"incarnation_before", &AuditEntry::incarnation_before},
    {"incarnation_after", &AuditEntry::incarnation_after},
    {"result", &AuditEntry::result},
}};

/// Of an entry that stands for several.
constexpr std::array<std::pair<const char*, std::optional<base::SystemTime> AuditEntry::*>, 2>
    time_members = {{{"first", &AuditEntry::first}, {"last", &AuditEntry::last}}};

void read_time(records::JsonReader& reader, const char* name,
               std::optional<base::SystemTime>& into) {
  std::string text;
  reader.text(name, text);
  if (reader.has(name)) {
    into = base::parse_rfc3339(text);
    if (!into) {
      reader.fail();
    }
  }
}

AuditEntry entry_about(const guards::Command& command, AuditKind kind, base::SystemTime at) {
  AuditEntry entry;
  entry.at = at;
  entry.kind = kind;
  entry.actor = command.actor;
  entry.source = command.source;
  entry.action = to_string(command.action);
  entry.target = command.target;
  if (command.trigger) {
    entry.rule = command.trigger->rule;
    entry.fingerprint = command.trigger->fingerprint;
  }
  return entry;
}

std::string text_of(const std::optional<substrate::Incarnation>& incarnation) {
  return incarnation ? incarnation->text() : "";
}

/// Why it was requested, and why it was not done.
std::string join_reasons(const std::string& wanted, const std::string& refused) {
  return wanted.empty() || refused.empty() ? wanted + refused : wanted + ": " + refused;
}

/// Bytes in the line. Of what was done the reason and the error are there in full.
constexpr std::size_t max_reason_of_act_bytes = 2400;
constexpr std::size_t max_reason_bytes = 400;
constexpr std::size_t max_wanted_bytes = 200;
constexpr std::size_t max_name_bytes = 128;

/// The kind of an entry whose line begins as to_line() writes it, and the time before it.
std::optional<AuditEntryHead> head_as_written(std::string_view line) {
  constexpr std::string_view before_time = R"({"at":")";
  constexpr std::string_view before_kind = R"(","kind":")";
  const std::size_t time_end = line.find('"', before_time.size());
  if (!line.starts_with(before_time) || time_end == std::string_view::npos ||
      !line.substr(time_end).starts_with(before_kind)) {
    return std::nullopt;
  }
  const auto at =
      base::parse_rfc3339(line.substr(before_time.size(), time_end - before_time.size()));
  const std::string_view rest = line.substr(time_end + before_kind.size());
  for (const AuditKind kind : all_audit_kinds) {
    const std::string_view word = to_string(kind);
    if (at && rest.starts_with(word) && rest.substr(word.size()).starts_with('"')) {
      return AuditEntryHead{.at = *at, .kind = kind};
    }
  }
  return std::nullopt;
}

/// A start of what ran, a stop of what had stopped. Of a group the members say it.
bool changed_nothing(const AuditEntry& entry) {
  return entry.result == to_string(OperationResult::succeeded) &&
         (entry.action == to_string(guards::Action::start) ||
          entry.action == to_string(guards::Action::stop)) &&
         entry.incarnation_before == entry.incarnation_after && entry.target &&
         !entry.target->name.name.empty();
}

}  // namespace

AuditEntry audit_entry_of(const Operation& operation) {
  AuditEntry entry = entry_about(operation.command, AuditKind::operation,
                                 operation.finished_at.value_or(operation.created_at));
  entry.decision = operation.refused_for ? to_string(*operation.refused_for) : "";
  constexpr std::size_t max_part_bytes = max_reason_of_act_bytes / 2;
  entry.reason = join_reasons(
      records::shortened(operation.command.reason, max_part_bytes),
      operation.error ? records::shortened(operation.error->message, max_part_bytes) : "");
  entry.operation = operation.id;
  entry.incarnation_before = text_of(operation.incarnation_before);
  entry.incarnation_after = text_of(operation.incarnation_after);
  entry.result = operation.result ? to_string(*operation.result) : "";
  return entry;
}

AuditEntry audit_entry_of(const guards::Command& command, const guards::Refusal& refusal,
                          base::SystemTime now) {
  AuditEntry entry = entry_about(command, AuditKind::decision, now);
  entry.decision = to_string(refusal.reason);
  entry.reason =
      join_reasons(records::shortened(command.reason, max_wanted_bytes), refusal.error.message);
  entry.operation = refusal.operation;
  return entry;
}

std::string to_line(const AuditEntry& entry) {
  records::Json object = {{"at", base::to_rfc3339(entry.at)},
                          {"kind", to_string(entry.kind)},
                          {"actor", records::text_to_json(entry.actor)},
                          {"source", to_string(entry.source)}};
  if (entry.target) {
    object["supervisor"] = records::text_to_json(entry.target->supervisor);
    object["group"] = records::text_to_json(entry.target->name.group);
    records::put_text(object, "name", entry.target->name.name);  // empty: a whole group
  }
  for (const auto& [name, member] : text_members) {
    if (!(entry.*member).empty()) {
      object[name] = records::text_to_json(entry.*member);
    }
  }
  if (entry.count != 1) {
    object["count"] = entry.count;
  }
  for (const auto& [name, member] : time_members) {
    if (entry.*member) {
      object[name] = base::to_rfc3339(*(entry.*member));
    }
  }
  return records::to_line(object);
}

std::optional<AuditEntry> audit_entry_from(std::string_view line) {
  AuditEntry entry;
  const bool good = records::read_object(line, [&](records::JsonReader& reader) {
    std::string at;
    reader.text("at", at);
    reader.word("kind", all_audit_kinds, entry.kind);
    reader.text("actor", entry.actor);
    reader.word("source", guards::all_sources, entry.source);
    for (const auto& [name, member] : text_members) {
      reader.text(name, entry.*member);
    }
    reader.number("count", entry.count);
    for (const auto& [name, member] : time_members) {
      read_time(reader, name, entry.*member);
    }
    if (reader.has("group")) {
      guards::Target& target = entry.target.emplace();
      reader.text("supervisor", target.supervisor);
      reader.text("group", target.name.group);
      reader.text("name", target.name.name);
    }
    if (const auto time = base::parse_rfc3339(at)) {
      entry.at = *time;
    } else {
      reader.fail();
    }
  });
  return good ? std::optional(std::move(entry)) : std::nullopt;
}

std::optional<AuditEntryHead> audit_entry_head_from(std::string_view line) {
  if (auto head = head_as_written(line)) {
    return head;
  }
  const auto entry = audit_entry_from(line);
  return entry ? std::optional(AuditEntryHead{.at = entry->at, .kind = entry->kind}) : std::nullopt;
}

bool has_effect(const AuditEntry& entry) {
  switch (entry.kind) {
    case AuditKind::decision:
      return entry.decision == to_string(guards::Reason::accepted);
    case AuditKind::operation:
      return entry.result != to_string(OperationResult::refused) && !changed_nothing(entry);
    case AuditKind::maintenance:
    case AuditKind::reset:
    case AuditKind::fleet:
    case AuditKind::gap:
      break;
  }
  return true;
}

void shorten(AuditEntry& entry) {
  const bool is_act = has_effect(entry);
  entry.reason =
      records::shortened(entry.reason, is_act ? max_reason_of_act_bytes : max_reason_bytes);
  if (is_act) {
    return;  // its names are those of processes and rules that there are
  }
  entry.fingerprint = records::shortened(entry.fingerprint, max_name_bytes);
  if (entry.target) {
    for (std::string* const name :
         {&entry.target->supervisor, &entry.target->name.group, &entry.target->name.name}) {
      *name = records::shortened(*name, max_name_bytes);
    }
  }
}

}  // namespace reeve::control
