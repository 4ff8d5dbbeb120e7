#include "control/audit.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/text.h"
#include "control/audit_entry.h"
#include "records/line_file.h"

namespace reeve::control {

using base::Result;

namespace {

constexpr std::string_view current_name = "audit.jsonl";

std::string aside_name(std::uint64_t number) {
  return "audit." + std::to_string(number) + ".jsonl";
}

/// The numbers of the files that were put aside, in the order of their age.
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
    if (number && name == aside_name(*number)) {
      numbers.insert(*number);
    }
  }
  return numbers;
}

/// What something was done by must not be lost with the power.
bool matters(const AuditEntry& entry) {
  return entry.kind != AuditKind::decision ||
         entry.decision == to_string(guards::Verdict::accepted);
}

/// The newest of those that a reading passes by.
class Newest {
 public:
  Newest(std::optional<base::SystemTime> since, std::size_t limit) : since_(since), limit_(limit) {}

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
  /// There are as many as may be; or a whole file was too old, and so are those before it.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::vector<AuditEntry> take() { return {entries_.begin(), entries_.end()}; }

 private:
  const std::optional<base::SystemTime> since_;
  const std::size_t limit_;
  std::deque<AuditEntry> entries_;
  bool done_ = false;
};

}  // namespace

std::string_view to_string(AuditKind kind) {
  switch (kind) {
    case AuditKind::decision:
      return "decision";
    case AuditKind::operation:
      return "operation";
    case AuditKind::maintenance:
      return "maintenance";
    case AuditKind::reset:
      return "reset";
  }
  return "";
}

struct Audit::State {
  State(const records::StateDir& directory, base::Log its_log, const AuditLimits& its_limits,
        records::LineFile lines)
      : state(directory),
        log(std::move(its_log)),
        limits(its_limits),
        file(std::move(lines)),
        aside(numbers_in(directory)) {}

  [[nodiscard]] Result<void> append(const std::vector<AuditEntry>& entries);
  [[nodiscard]] Result<void> put_aside();
  void make_room();

  const records::StateDir& state;
  const base::Log log;
  const AuditLimits limits;
  Listener listener;
  /// Held while the file is written: that is what keeps the lines in their order.
  std::mutex writing;
  records::LineFile file;
  std::set<std::uint64_t> aside;
};

Result<void> Audit::State::append(const std::vector<AuditEntry>& entries) {
  const std::string lines =
      base::join(entries, "", [](const AuditEntry& each) { return to_line(each) + "\n"; });
  const bool sync = std::any_of(entries.begin(), entries.end(), matters);
  const std::scoped_lock lock(writing);
  if (file.size() > 0 && file.size() + lines.size() > limits.file_bytes) {
    if (auto moved = put_aside(); !moved) {
      log.error("the full audit file cannot be put aside", {{"error", moved.error().message}});
    }
  }
  return file.append(lines, sync ? records::Durability::synced : records::Durability::written);
}

Result<void> Audit::State::put_aside() {
  const std::uint64_t number = aside.empty() ? 1 : *aside.rbegin() + 1;
  const std::string current = state.path(current_name);
  if (std::rename(current.c_str(), state.path(aside_name(number)).c_str()) == 0) {
    aside.insert(number);
    make_room();
  } else if (errno != ENOENT) {  // else it was moved before, and no new one could be opened
    return base::failure(base::ErrorKind::internal, "cannot rename " + current + ": " +
                                                        std::generic_category().message(errno));
  }
  return records::LineFile::open(current).and_then([this](records::LineFile next) {
    file = std::move(next);
    return state.sync();
  });
}

void Audit::State::make_room() {
  while (aside.size() > limits.files_aside) {
    const std::string oldest = state.path(aside_name(*aside.begin()));
    log.warning("the oldest audit file is removed: there are too many", {{"file", oldest}});
    (void)::unlink(oldest.c_str());
    aside.erase(aside.begin());
  }
}

Audit::Audit(std::unique_ptr<State> state) : state_(std::move(state)) {}
Audit::~Audit() = default;

Result<std::unique_ptr<Audit>> Audit::open(const records::StateDir& state, base::Log log,
                                           const AuditLimits& limits) {
  return records::LineFile::open(state.path(current_name)).and_then([&](records::LineFile file) {
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
  // A file that is put aside meanwhile is read again under its other name: then all anew.
  for (;;) {
    const auto numbers_now = [this] {
      const std::scoped_lock lock(state_->writing);
      return state_->aside;
    };
    const std::set<std::uint64_t> aside = numbers_now();
    Newest newest(since, limit);
    auto read = newest.read(state_->state.path(current_name));
    for (auto number = aside.rbegin(); read && number != aside.rend() && !newest.done(); ++number) {
      read = newest.read(state_->state.path(aside_name(*number)));
    }
    if (aside == numbers_now()) {
      return read.map([&] { return newest.take(); });
    }
  }
}

void Audit::on_record(Listener listener) {
  state_->listener = std::move(listener);
}

}  // namespace reeve::control
