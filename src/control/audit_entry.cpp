#include "control/audit_entry.h"

#include <array>

#include "base/text.h"
#include "records/json_reader.h"

namespace reeve::control {

namespace {

using Text = std::string AuditEntry::*;

/// Those that are left out where they are empty.
constexpr std::array<std::pair<const char*, Text>, 9> texts = {{
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

AuditEntry about(const guards::Command& command, AuditKind kind, base::SystemTime at) {
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

/// Why somebody wanted it, and why it was not done.
std::string reasons(const std::string& wanted, const std::string& hindered) {
  return wanted.empty() || hindered.empty() ? wanted + hindered : wanted + ": " + hindered;
}

}  // namespace

AuditEntry audit_entry_of(const Operation& operation) {
  AuditEntry entry = about(operation.command, AuditKind::operation,
                           operation.finished_at.value_or(operation.created_at));
  entry.decision = operation.verdict ? to_string(*operation.verdict) : "";
  entry.reason = reasons(operation.command.reason, operation.error ? operation.error->message : "");
  entry.operation = operation.id;
  entry.incarnation_before = text_of(operation.incarnation_before);
  entry.incarnation_after = text_of(operation.incarnation_after);
  entry.result = operation.result ? to_string(*operation.result) : "";
  return entry;
}

AuditEntry audit_entry_of(const guards::Command& command, const guards::Refusal& refusal,
                          base::SystemTime now) {
  AuditEntry entry = about(command, AuditKind::decision, now);
  entry.decision = refusal.verdict ? to_string(*refusal.verdict) : to_string(refusal.reason);
  entry.reason = reasons(command.reason, refusal.error.message);
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
    records::put_text(object, "name", entry.target->name.name);  // none: a whole group
  }
  for (const auto& [name, member] : texts) {
    if (!(entry.*member).empty()) {
      object[name] = records::text_to_json(entry.*member);
    }
  }
  return records::to_line(object);
}

std::optional<AuditEntry> audit_entry_from(std::string_view line) {
  const auto object = records::parse_object(line);
  if (!object) {
    return std::nullopt;
  }
  records::JsonReader reader(*object);
  AuditEntry entry;
  std::string at;
  reader.text("at", at);
  reader.word("kind", all_audit_kinds, entry.kind);
  reader.text("actor", entry.actor);
  reader.word("source", guards::all_sources, entry.source);
  for (const auto& [name, member] : texts) {
    reader.text(name, entry.*member);
  }
  if (reader.find("group") != nullptr) {
    guards::Target& target = entry.target.emplace();
    reader.text("supervisor", target.supervisor);
    reader.text("group", target.name.group);
    reader.text("name", target.name.name);
  }
  const auto time = base::parse_rfc3339(at);
  if (!reader.good() || !time) {
    return std::nullopt;
  }
  entry.at = *time;
  return entry;
}

}  // namespace reeve::control
