#include "control/audit.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "base/wakeup.h"
#include "control/repeat_filter.h"

namespace reeve::control {

using base::Result;

namespace {

using Entries = std::vector<AuditEntry>;

std::string lines_of(const Entries& entries) {
  std::string lines;
  for (const AuditEntry& each : entries) {
    lines += to_line(each) + "\n";
  }
  return lines;
}

/// A row of files, and what is missing in it.
struct Record {
  records::RotatedLines lines;
  /// Entries that could not be written since the last that was.
  std::uint32_t lost = 0;
  base::SystemTime first_lost = {};
  base::SystemTime last_lost = {};
  std::string why_lost = {};
  std::vector<std::string> removed = {};  ///< files of which nothing is written yet

  /// Behind a word about what is missing.
  [[nodiscard]] Result<void> append(const Entries& entries, records::Durability durability,
                                    base::SystemTime now);
  void count_lost(const Entries& entries, const base::Error& error);
  [[nodiscard]] Entries gaps(base::SystemTime now) const;
};

AuditEntry gap(base::SystemTime at, std::string reason) {
  AuditEntry entry;
  entry.at = at;
  entry.kind = AuditKind::gap;
  entry.reason = std::move(reason);
  return entry;
}

void Record::count_lost(const Entries& entries, const base::Error& error) {
  for (const AuditEntry& each : entries) {
    first_lost = lost == 0 ? each.at : first_lost;
    last_lost = each.at;
    lost += each.count;
  }
  why_lost = error.message;
}

Entries Record::gaps(base::SystemTime now) const {
  Entries entries;
  if (lost > 0) {
    AuditEntry entry = gap(now, "entries are missing: " + why_lost);
    entry.count = lost;
    entry.first = first_lost;
    entry.last = last_lost;
    entries.push_back(std::move(entry));
  }
  for (const std::string& name : removed) {
    entries.push_back(gap(now, name + " was removed: as many files are kept as may be"));
  }
  return entries;
}

Result<void> Record::append(const Entries& entries, records::Durability durability,
                            base::SystemTime now) {
  const std::string text = lines_of(entries);
  for (std::string& name : lines.make_room(text.size())) {
    removed.push_back(std::move(name));
  }
  auto appended = lines.append(lines_of(gaps(now)) + text, durability);
  if (appended) {
    lost = 0;
    removed.clear();
  }
  return appended;
}

/// How many bytes each actor may add to the acts.
class ActorAllowances {
 public:
  ActorAllowances(double bytes, double per_second) : bytes_(bytes), per_second_(per_second) {}

  /// False: that is more than is left to it.
  [[nodiscard]] bool spend(const std::string& actor, std::size_t bytes, base::SteadyTime now) {
    if (left_.size() >= max_actors && !left_.contains(actor)) {
      left_.clear();
    }
    Allowance& allowance = left_.try_emplace(actor, Allowance{bytes_, now}).first->second;
    const double seconds = std::chrono::duration<double>(now - allowance.at).count();
    allowance = {std::min(bytes_, allowance.bytes + std::max(seconds, 0.0) * per_second_), now};
    const auto wanted = static_cast<double>(bytes);
    const bool may = wanted <= allowance.bytes;
    allowance.bytes -= may ? wanted : 0;
    return may;
  }

 private:
  /// Actors are tokens and certificates of the configuration.
  static constexpr std::size_t max_actors = 1000;

  struct Allowance {
    double bytes;
    base::SteadyTime at;
  };

  double bytes_;
  double per_second_;
  std::map<std::string, Allowance> left_;
};

}  // namespace

struct Audit::State {
  State(const base::Clock& its_clock, base::Log its_log, const AuditLimits& limits,
        std::array<records::RotatedLines, 3> rows)
      : clock(its_clock),
        log(std::move(its_log)),
        acts{.lines = std::move(rows[0])},
        frequent_acts{.lines = std::move(rows[1])},
        decisions{.lines = std::move(rows[2])},
        allowances(limits.actor_bytes, limits.actor_bytes_per_second) {}

  /// All under `writing`. What could not be written is logged.
  void append(Record& record, const Entries& entries);
  void append_decisions(const Entries& entries);
  void admit(AuditEntry entry, Entries& admitted);
  /// Where an act is written: its actor has spent its allowance, or not.
  [[nodiscard]] Record& record_for(const AuditEntry& act);
  /// Of waiting entries, and those that were counted for long enough.
  [[nodiscard]] Entries take_due();

  const base::Clock& clock;
  const base::Log log;
  Listener listener;
  /// Held while a file is written: it keeps the lines in order.
  std::mutex writing;
  Record acts;
  Record frequent_acts;
  Record decisions;
  ActorAllowances allowances;
  RepeatFilter repeats;
  struct Waiting {
    Entries entries;
    Entries dropped;  ///< the first and the last of them
    std::uint32_t dropped_count = 0;
  };
  base::Guarded<Waiting> waiting;  ///< see record_soon(); `writing` is locked before it
  base::Wakeup wakeup;
  std::jthread writer;  // last: it ends before what it uses
};

void Audit::State::append(Record& record, const Entries& entries) {
  if (entries.empty()) {
    return;
  }
  const auto durability =
      &record == &decisions ? records::Durability::written : records::Durability::synced;
  if (const auto appended = record.append(entries, durability, clock.system_now()); !appended) {
    record.count_lost(entries, appended.error());
    for (const AuditEntry& each : entries) {
      log.error("an audit entry cannot be written",
                {{"entry", to_line(each)}, {"error", appended.error().message}});
    }
  }
}

void Audit::State::append_decisions(const Entries& entries) {
  append(decisions, entries);
  for (const AuditEntry& each : entries) {
    if (each.source == guards::Source::api && each.kind == AuditKind::decision) {
      log.info("a request was refused", {{"action", each.action},
                                         {"process", each.target ? each.target->text() : ""},
                                         {"actor", each.actor},
                                         {"reason", each.decision},
                                         {"count", std::to_string(each.count)}});
    }
  }
}

Audit::Audit(std::unique_ptr<State> state) : state_(std::move(state)) {}

Audit::~Audit() {
  state_->writer = {};
  const std::scoped_lock lock(state_->writing);
  state_->append_decisions(state_->take_due());
  state_->append_decisions(state_->repeats.take_all(state_->clock.system_now()));
}

Result<std::unique_ptr<Audit>> Audit::open(const records::StateDir& state, const base::Clock& clock,
                                           base::Log log, const AuditLimits& limits) {
  const auto open_row = [&](const char* stem, const records::RotationLimits& its_limits) {
    return records::RotatedLines::open(state, stem, its_limits, log);
  };
  auto acts = open_row("audit", limits.acts);
  auto frequent = open_row("frequent_acts", limits.frequent_acts);
  auto decisions = open_row("decisions", limits.decisions);
  for (auto* const row : {&acts, &frequent, &decisions}) {
    if (!*row) {
      return base::failure(std::move(row->error()));
    }
  }
  return std::unique_ptr<Audit>(new Audit(std::make_unique<State>(
      clock, std::move(log), limits,
      std::array{*std::move(acts), *std::move(frequent), *std::move(decisions)})));
}

Record& Audit::State::record_for(const AuditEntry& act) {
  const bool within = allowances.spend(act.actor, to_line(act).size() + 1, clock.steady_now());
  return within ? acts : frequent_acts;
}

void Audit::State::admit(AuditEntry entry, Entries& admitted) {
  if (auto written = repeats.admit(std::move(entry), clock.steady_now())) {
    admitted.push_back(*std::move(written));
  }
}

Entries Audit::State::take_due() {
  Entries due = repeats.take_due(clock.steady_now(), clock.system_now());
  Waiting taken = waiting.with([](Waiting& all) { return std::exchange(all, {}); });
  for (AuditEntry& each : taken.entries) {
    admit(std::move(each), due);
  }
  if (taken.dropped_count > 0) {
    decisions.count_lost(taken.dropped, {base::ErrorKind::internal, "too many at once"});
    decisions.lost += taken.dropped_count - static_cast<std::uint32_t>(taken.dropped.size());
  }
  return due;
}

void Audit::record(std::vector<AuditEntry> entries) {
  if (entries.empty()) {
    return;
  }
  {
    const std::scoped_lock lock(state_->writing);
    Entries acts;
    Entries frequent_acts;
    Entries decisions = state_->take_due();
    for (AuditEntry& each : entries) {
      shorten(each);
      if (has_effect(each)) {
        const bool is_frequent = &state_->record_for(each) == &state_->frequent_acts;
        (is_frequent ? frequent_acts : acts).push_back(each);
      } else {
        state_->admit(each, decisions);
      }
    }
    state_->append(state_->acts, acts);
    state_->append(state_->frequent_acts, frequent_acts);
    state_->append_decisions(decisions);
  }
  if (state_->listener) {
    state_->listener(entries);
  }
}

Result<void> Audit::record_before(AuditEntry entry) {
  shorten(entry);
  {
    const std::scoped_lock lock(state_->writing);
    if (auto appended = state_->record_for(entry).append({entry}, records::Durability::synced,
                                                         state_->clock.system_now());
        !appended) {
      return appended;
    }
  }
  if (state_->listener) {
    state_->listener({entry});
  }
  return {};
}

void Audit::record_soon(AuditEntry entry) {
  constexpr std::size_t max_waiting = 256;
  shorten(entry);
  state_->waiting.with([&](State::Waiting& all) {
    if (all.entries.size() < max_waiting) {
      all.entries.push_back(std::move(entry));
      return;
    }
    ++all.dropped_count;
    all.dropped.resize(std::min<std::size_t>(all.dropped.size() + 1, 2));
    all.dropped.back() = std::move(entry);
  });
  state_->wakeup.nudge();
}

void Audit::write_due() {
  const std::scoped_lock lock(state_->writing);
  state_->append_decisions(state_->take_due());
}

void Audit::start() {
  static constexpr std::chrono::seconds interval{10};
  state_->writer = std::jthread([this](const std::stop_token& stop) {
    while (state_->wakeup.wait_until(state_->clock.steady_now() + interval, stop) !=
           base::Wakeup::Reason::stop) {
      base::run_logged(state_->log, "writing the audit", [&] { write_due(); });
    }
  });
}

void Audit::on_record(Listener listener) {
  state_->listener = std::move(listener);
}

Result<AuditSelection> Audit::select(const AuditQuery& query) const {
  AuditSelection selection;
  std::vector<Result<records::RotatedLines::Files>> rows;
  {
    const std::scoped_lock lock(state_->writing);
    state_->append_decisions(state_->take_due());
    // Of several of one moment the last row has the newest.
    for (const Record* const record : {&state_->acts, &state_->frequent_acts, &state_->decisions}) {
      rows.push_back(record->lines.files());
    }
    selection.unwritten_ = state_->repeats.counted(state_->clock.system_now());
  }
  std::erase_if(selection.unwritten_, [&](const AuditEntry& each) {
    return (query.kind && each.kind != *query.kind) || !selection.add(query, to_line(each).size());
  });
  std::vector<std::vector<AuditSelection::Place>> lists;
  for (const auto& row : rows) {
    auto found = row.and_then([&](const auto& files) { return selection.find(files, query); });
    if (!found) {
      return base::failure(std::move(found.error()));
    }
    lists.push_back(*std::move(found));
  }
  selection.merge(lists, query);
  return selection;
}

Result<Entries> Audit::read(std::optional<base::SystemTime> since, std::size_t limit) const {
  return select({.since = since, .kind = std::nullopt, .max_entries = limit})
      .map([](const AuditSelection& selection) {
        Entries entries;
        selection.for_each([&](const AuditEntry& entry) {
          entries.push_back(entry);
          return true;
        });
        return entries;
      });
}

bool AuditSelection::add(const AuditQuery& query, std::size_t line_bytes) {
  constexpr std::size_t names_of_absent_members = 256;
  const std::size_t more = line_bytes + names_of_absent_members;
  if (entries_ >= query.max_entries || bytes_ + more > query.max_bytes) {
    return false;
  }
  ++entries_;
  bytes_ += more;
  return true;
}

/// A file in which nothing is new enough ends the search, for those before it are older.
Result<std::vector<AuditSelection::Place>> AuditSelection::find(
    const records::RotatedLines::Files& files, const AuditQuery& query) const {
  std::vector<Place> found;
  const std::size_t wanted = query.max_entries - std::min(entries_, query.max_entries);
  std::size_t bytes = bytes_;
  const auto enough = [&] { return found.size() >= wanted || bytes > query.max_bytes; };
  /// False: no more files are needed.
  const auto read = [&](const std::shared_ptr<const records::LineSource>& file) -> Result<bool> {
    bool any_older = false;
    const std::size_t before = found.size();
    auto done = file->read_backwards([&](std::string_view line, std::uint64_t offset) {
      const auto head = audit_entry_head_from(line);
      const bool older = head && query.since && head->at < *query.since;
      any_older = any_older || older;
      if (head && !older && (!query.kind || head->kind == *query.kind) && !enough()) {
        found.push_back({head->at, file, offset, static_cast<std::uint32_t>(line.size())});
        bytes += line.size();
      }
      return !enough();
    });
    return done.map([&] { return !enough() && !(any_older && found.size() == before); });
  };
  auto more = files.current && !enough() ? read(files.current) : Result<bool>(!enough());
  for (auto path = files.rotated.begin(); more && *more && path != files.rotated.end(); ++path) {
    const auto file = records::LineSource::open(*path);
    if (file) {
      more = read(*file);
    } else if (file.error().kind != base::ErrorKind::not_found) {  // it was removed meanwhile
      return base::failure(file.error());
    }
  }
  return more.map([&](bool) { return std::move(found); });
}

void AuditSelection::merge(const std::vector<std::vector<Place>>& lists, const AuditQuery& query) {
  std::vector<std::size_t> next(lists.size(), 0);
  for (;;) {
    const Place* newest = nullptr;
    std::size_t from = 0;
    for (std::size_t list = 0; list < lists.size(); ++list) {
      const bool has_more = next[list] < lists[list].size();
      if (has_more && (newest == nullptr || lists[list][next[list]].at >= newest->at)) {
        newest = &lists[list][next[list]];
        from = list;
      }
    }
    if (newest == nullptr || !add(query, newest->length)) {
      break;
    }
    places_.push_back(*newest);
    ++next[from];
  }
  std::reverse(places_.begin(), places_.end());
}

void AuditSelection::for_each(const std::function<bool(const AuditEntry&)>& take) const {
  for (const Place& place : places_) {
    const auto entry = audit_entry_from(place.file->read(place.offset, place.length));
    if (entry && !take(*entry)) {
      return;
    }
  }
  for (const AuditEntry& entry : unwritten_) {
    if (!take(entry)) {
      return;
    }
  }
}

}  // namespace reeve::control
