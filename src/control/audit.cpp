#include "control/audit.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/text.h"
#include "records/json_reader.h"
#include "records/line_file.h"

namespace reeve::control {

using base::Result;

namespace {

constexpr std::string_view audit_name = "audit.jsonl";

std::string rotated_name(std::uint64_t number) {
  return "audit." + std::to_string(number) + ".jsonl";
}

/// The numbers of the rotated files, oldest first.
std::set<std::uint64_t> numbers_in(const records::StateDir& state) {
  std::set<std::uint64_t> numbers;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(state.path("."), ignored)) {
    const std::string name = file.path().filename().string();
    const std::size_t before = std::string_view("audit.").size();
    const std::size_t after = std::string_view(".jsonl").size();
    const auto number = name.size() <= before + after
                            ? std::nullopt
                            : base::parse_number<std::uint64_t>(std::string_view(name).substr(
                                  before, name.size() - before - after));
    if (number && name == rotated_name(*number)) {
      numbers.insert(*number);
    }
  }
  return numbers;
}

/// Such entries must survive a loss of power.
bool is_about_an_action(const AuditEntry& entry) {
  return entry.kind != AuditKind::decision || entry.decision == to_string(guards::Reason::accepted);
}

/// Collects the newest entries.
class NewestEntries {
 public:
  NewestEntries(std::optional<base::SystemTime> since, std::size_t limit)
      : since_(since), limit_(limit) {}

  /// Files are read from the newest to the oldest, each from its beginning.
  [[nodiscard]] Result<void> read(const std::string& path) {
    std::deque<AuditEntry> here;
    bool any_older = false;
    const std::size_t room = limit_ - entries_.size();
    const auto all_read = records::read_lines(path, [&](std::string_view line) -> Result<void> {
      auto entry = audit_entry_from(line);
      const bool older = entry && since_ && entry->at < *since_;
      any_older = any_older || older;
      if (entry && !older) {
        here.push_back(*std::move(entry));
      }
      if (here.size() > room) {
        here.pop_front();
      }
      return {};
    });
    entries_.insert(entries_.begin(), here.begin(), here.end());
    done_ = entries_.size() >= limit_ || (any_older && here.empty());
    const bool missing = !all_read && all_read.error().kind == base::ErrorKind::not_found;
    return missing ? Result<void>() : all_read;
  }
  /// The limit is reached, or a whole file was too old, as are those before it.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::vector<AuditEntry> take() { return {entries_.begin(), entries_.end()}; }

 private:
  const std::optional<base::SystemTime> since_;
  const std::size_t limit_;
  std::deque<AuditEntry> entries_;
  bool done_ = false;
};

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

}  // namespace

AuditEntry audit_entry_of(const Operation& operation) {
  AuditEntry entry = entry_about(operation.command, AuditKind::operation,
                                 operation.finished_at.value_or(operation.created_at));
  entry.decision = operation.refused_for ? to_string(*operation.refused_for) : "";
  entry.reason =
      join_reasons(operation.command.reason, operation.error ? operation.error->message : "");
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
  entry.reason = join_reasons(command.reason, refusal.error.message);
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

struct Audit::State {
  State(const records::StateDir& directory, base::Log its_log, const AuditLimits& its_limits,
        records::LineFile lines)
      : state(directory),
        log(std::move(its_log)),
        limits(its_limits),
        file(std::move(lines)),
        rotated(numbers_in(directory)) {}

  [[nodiscard]] Result<void> append(const std::vector<AuditEntry>& entries);
  [[nodiscard]] Result<void> rotate();
  void make_room();

  const records::StateDir& state;
  const base::Log log;
  const AuditLimits limits;
  Listener listener;
  /// Held while the file is written: it keeps the lines in order.
  std::mutex writing;
  records::LineFile file;
  std::set<std::uint64_t> rotated;
};

Result<void> Audit::State::append(const std::vector<AuditEntry>& entries) {
  const std::string lines =
      base::join(entries, "", [](const AuditEntry& each) { return to_line(each) + "\n"; });
  const bool sync = std::any_of(entries.begin(), entries.end(), is_about_an_action);
  const std::scoped_lock lock(writing);
  if (file.size() > 0 && file.size() + lines.size() > limits.file_bytes) {
    if (auto moved = rotate(); !moved) {
      log.error("the full audit file cannot be rotated", {{"error", moved.error().message}});
    }
  }
  return file.append(lines, sync ? records::Durability::synced : records::Durability::written);
}

Result<void> Audit::State::rotate() {
  const std::uint64_t number = rotated.empty() ? 1 : *rotated.rbegin() + 1;
  const std::string current = state.path(audit_name);
  if (std::rename(current.c_str(), state.path(rotated_name(number)).c_str()) == 0) {
    rotated.insert(number);
    make_room();
  } else if (errno != ENOENT) {  // ENOENT: it was renamed before, and no new one could be opened
    return base::failure(base::ErrorKind::internal, "cannot rename " + current + ": " +
                                                        std::generic_category().message(errno));
  }
  return records::LineFile::open(current).and_then([this](records::LineFile next) {
    file = std::move(next);
    return state.sync();
  });
}

void Audit::State::make_room() {
  while (rotated.size() > limits.rotated_files) {
    const std::string oldest = state.path(rotated_name(*rotated.begin()));
    log.warning("the oldest audit file is removed: there are too many", {{"file", oldest}});
    (void)::unlink(oldest.c_str());
    rotated.erase(rotated.begin());
  }
}

Audit::Audit(std::unique_ptr<State> state) : state_(std::move(state)) {}
Audit::~Audit() = default;

Result<std::unique_ptr<Audit>> Audit::open(const records::StateDir& state, base::Log log,
                                           const AuditLimits& limits) {
  return records::LineFile::open(state.path(audit_name)).and_then([&](records::LineFile file) {
    return state.sync().map([&] {
      return std::unique_ptr<Audit>(
          new Audit(std::make_unique<State>(state, std::move(log), limits, std::move(file))));
    });
  });
}

void Audit::record(const std::vector<AuditEntry>& entries) {
  if (entries.empty()) {
    return;
  }
  if (const auto appended = state_->append(entries); !appended) {
    for (const AuditEntry& each : entries) {
      state_->log.error("an audit entry cannot be written",
                        {{"entry", to_line(each)}, {"error", appended.error().message}});
    }
  }
  if (state_->listener) {
    state_->listener(entries);
  }
}

Result<std::vector<AuditEntry>> Audit::read(std::optional<base::SystemTime> since,
                                            std::size_t limit) const {
  // If a file is rotated meanwhile, it would be read twice: then start again.
  for (;;) {
    const auto numbers_now = [this] {
      const std::scoped_lock lock(state_->writing);
      return state_->rotated;
    };
    const std::set<std::uint64_t> rotated = numbers_now();
    NewestEntries newest(since, limit);
    auto read = newest.read(state_->state.path(audit_name));
    for (auto number = rotated.rbegin(); read && number != rotated.rend() && !newest.done();
         ++number) {
      read = newest.read(state_->state.path(rotated_name(*number)));
    }
    if (rotated == numbers_now()) {
      return read.map([&] { return newest.take(); });
    }
  }
}

void Audit::on_record(Listener listener) {
  state_->listener = std::move(listener);
}

}  // namespace reeve::control
