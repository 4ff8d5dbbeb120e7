#include "guards/maintenance.h"

#include <algorithm>
#include <compare>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/guarded.h"
#include "base/text.h"
#include "records/json_reader.h"
#include "records/state_file.h"
#include "substrate/selector.h"

namespace reeve::guards {

using base::ErrorKind;
using base::SteadyTime;
using records::JsonReader;

/// Empty parts are any.
struct MaintenanceScope {
  std::string supervisor;
  std::string group;
  std::string name;

  [[nodiscard]] std::string text() const {
    return substrate::qualified(supervisor,
                                group.empty() ? "*" : group + ":" + (name.empty() ? "*" : name));
  }
  [[nodiscard]] bool covers(const Target& target) const {
    const auto fits = [](const std::string& part, const std::string& of) {
      return part.empty() || part == of;
    };
    // supervisord before 3.3.2 allows '/' in names: what stands before it may be part of one.
    const bool in_named_group =
        fits(supervisor, target.supervisor) && fits(group, target.name.group);
    const bool in_slashed_group = !supervisor.empty() && !group.empty() &&
                                  target.name.group == substrate::qualified(supervisor, group);
    return (in_named_group || in_slashed_group) && fits(name, target.name.name);
  }
  friend auto operator<=>(const MaintenanceScope&, const MaintenanceScope&) = default;
};

struct StoredWindow {
  SteadyTime until;
  std::string reason;
  std::string actor;
};

using Windows = std::map<MaintenanceScope, StoredWindow>;
using WindowFile = records::StateFile<Windows>;

struct SharedWindow {
  coordination::SharedMaintenance window;
  MaintenanceScope scope;
  SteadyTime until;
  friend bool operator==(const SharedWindow&, const SharedWindow&) = default;
};

using SharedWindows = std::vector<SharedWindow>;
using SharedFile = records::StateFile<SharedWindows>;

namespace {

constexpr std::size_t max_windows = 1000;
constexpr std::chrono::hours max_ttl{24 * 366};

/// Whether it holds no patterns but `*` for a whole group or for everything.
bool is_plain(const MaintenanceScope& scope) {
  return !base::is_glob(scope.group) && !base::is_glob(scope.name);
}

std::optional<MaintenanceScope> parse_scope(std::string_view text) {
  const auto parts = substrate::split_qualified(text);
  if (!parts || base::is_glob(parts->supervisor)) {
    return std::nullopt;
  }
  if (parts->process == "*") {
    return MaintenanceScope{parts->supervisor, "", ""};
  }
  const auto process = substrate::InstanceName::parse(parts->process);
  const bool has_group = parts->process.find(':') != std::string::npos;
  if (!process || !has_group || process->group == "*") {
    return std::nullopt;
  }
  return MaintenanceScope{parts->supervisor, process->group,
                          process->name == "*" ? "" : process->name};
}

base::Result<MaintenanceScope> checked_scope(const std::string& text, ScopeForm form) {
  const auto scope = parse_scope(text);
  if (!scope || (form == ScopeForm::any && !is_plain(*scope))) {
    return base::failure(ErrorKind::invalid_argument,
                         "'" + text +
                             "' is no scope of maintenance: write '*', 'group:*' or 'group:name', "
                             "with 'SUPERVISOR/' before it where there are several");
  }
  return *scope;
}

std::string to_text(const Windows& windows, const records::WrittenAt& written) {
  records::Json object = records::timed_object(written);
  records::Json& list = object["windows"] = records::Json::array();
  for (const auto& [scope, window] : windows) {
    list.push_back({{"scope", records::text_to_json(scope.text())},
                    {"until", records::to_json(std::optional(window.until))},
                    {"reason", records::text_to_json(window.reason)},
                    {"actor", records::text_to_json(window.actor)}});
  }
  return records::to_line(object);
}

void read_window(JsonReader& reader, const records::TimeReader& times, Windows& windows) {
  std::string text;
  std::optional<SteadyTime> until;
  StoredWindow window;
  reader.text("scope", text);
  times.read(reader, "until", until);
  reader.text("reason", window.reason);
  reader.text("actor", window.actor);
  const auto scope = parse_scope(text);
  if (!scope || !until) {
    reader.fail();
    return;
  }
  window.until = *until;
  windows.insert_or_assign(*scope, std::move(window));
}

std::optional<WindowFile::Parsed> parse_windows(std::string_view text,
                                                const records::StateClock& clock) {
  WindowFile::Parsed parsed;
  const bool whole = records::read_object(text, [&](JsonReader& reader) {
    const records::TimeReader times(reader, clock);
    parsed.future_dated = times.future_dated();
    reader.each_object("windows",
                       [&](JsonReader& window) { read_window(window, times, parsed.value); });
  });
  return whole ? std::optional(std::move(parsed)) : std::nullopt;
}

WindowFile::Format maintenance_file(const records::StateClock& clock) {
  return {
      .name = "maintenance.json",
      .content = "the list of maintenance",
      .remedy = "Reset the guards (`*`), then set the maintenance windows again",
      .to_text = [clock](const Windows& windows) { return to_text(windows, clock.written_at()); },
      .parse = [clock](std::string_view text) { return parse_windows(text, clock); }};
}

std::string to_text(const SharedWindows& windows, const records::WrittenAt& written) {
  records::Json object = records::timed_object(written);
  records::Json& list = object["windows"] = records::Json::array();
  for (const auto& [window, scope, until] : windows) {
    list.push_back({{"scope", records::text_to_json(window.scope)},
                    {"reason", records::text_to_json(window.reason)},
                    {"actor", records::text_to_json(window.actor)},
                    {"host", records::text_to_json(window.host)},
                    {"told_until", window.until.time_since_epoch().count()},
                    {"span", window.span.count()},
                    {"until", records::to_json(std::optional(until))}});
  }
  return records::to_line(object);
}

void read_shared_window(JsonReader& reader, const records::TimeReader& times,
                        SharedWindows& windows) {
  SharedWindow read;
  std::optional<SteadyTime> until;
  base::Duration::rep span = 0;
  reader.text("scope", read.window.scope);
  reader.text("reason", read.window.reason);
  reader.text("actor", read.window.actor);
  reader.text("host", read.window.host);
  reader.time("told_until", read.window.until);
  reader.number("span", span);
  times.read(reader, "until", until);
  const auto scope = parse_scope(read.window.scope);
  if (!scope || !until) {
    reader.fail();
    return;
  }
  read.window.span = base::Duration(span);
  read.scope = *scope;
  read.until = *until;
  windows.push_back(std::move(read));
}

/// Of what was last read from etcd: the agent may be started while that is away.
SharedFile::Format shared_maintenance_file(const records::StateClock& clock) {
  return {
      .name = "fleet_maintenance.json",
      .content = "the list of maintenance of all hosts",
      .remedy = "It is read from etcd again",
      .to_text =
          [clock](const SharedWindows& windows) { return to_text(windows, clock.written_at()); },
      .parse = [clock](std::string_view text) -> std::optional<SharedFile::Parsed> {
        SharedFile::Parsed parsed;
        const bool whole = records::read_object(text, [&](JsonReader& reader) {
          const records::TimeReader times(reader, clock);
          parsed.future_dated = times.future_dated();
          reader.each_object("windows", [&](JsonReader& window) {
            read_shared_window(window, times, parsed.value);
          });
        });
        return whole ? std::optional(std::move(parsed)) : std::nullopt;
      }};
}

}  // namespace

bool covers(const MaintenanceWindow& window, const Target& target) {
  const auto scope = parse_scope(window.scope);
  return scope && scope->covers(target);
}

struct Maintenance::State {
  State(const records::StateDir& directory, const records::StateClock& its_clock,
        const base::Log& its_log)
      : clock(its_clock),
        log(its_log),
        file(directory, maintenance_file(its_clock), log),
        shared(directory, shared_maintenance_file(its_clock), log) {
    (void)shared.forget_unreadable();  // etcd has it
  }

  /// Lets `edit` change the windows that have not ended.
  template <class Edit>
  [[nodiscard]] base::Result<void> change(const Edit& edit, const RecordFirst& record) {
    return file.change([&](Windows& windows) -> base::Result<bool> {
      std::erase_if(windows, [&](const auto& each) { return each.second.until <= clock.now(); });
      base::Result<void> done = edit(windows);
      if (done && record && !file.unreadable()) {
        done = record();
      }
      return done.map([] { return true; });
    });
  }
  [[nodiscard]] MaintenanceWindow to_wall_clock(const MaintenanceScope& scope,
                                                const StoredWindow& window) const {
    return {.scope = scope.text(),
            .until = clock.to_wall_clock(window.until),
            .reason = window.reason,
            .actor = window.actor};
  }

  const records::StateClock clock;
  const base::Log log;
  WindowFile file;
  SharedFile shared;
};

namespace {

MaintenanceWindow shown(const coordination::SharedMaintenance& window, base::SystemTime until) {
  return {.scope = window.scope,
          .until = until,
          .reason = window.reason,
          .actor = window.actor + " on " + window.host,
          .fleet = true};
}

}  // namespace

Maintenance::Maintenance(const records::StateDir& state, const records::StateClock& clock,
                         const base::Log& log)
    : state_(std::make_unique<State>(state, clock, log)) {}

Maintenance::~Maintenance() = default;

base::Result<MaintenanceWindow> Maintenance::set(const std::string& scope, base::Duration ttl,
                                                 const std::string& reason, std::string_view actor,
                                                 const RecordFirst& record, ScopeForm form) {
  const auto checked = checked_scope(scope, form);
  if (!checked) {
    return base::failure(checked.error());
  }
  if (ttl <= base::Duration::zero() || ttl > max_ttl) {
    return base::failure(
        ErrorKind::invalid_argument,
        "maintenance lasts for longer than 0s and at most " + base::format_duration(max_ttl));
  }
  const StoredWindow window{
      .until = state_->clock.now() + ttl, .reason = reason, .actor = std::string(actor)};
  return state_
      ->change(
          [&](Windows& windows) -> base::Result<void> {
            windows.insert_or_assign(*checked, window);
            if (windows.size() > max_windows) {
              return base::failure(ErrorKind::invalid_argument,
                                   "there are " + std::to_string(max_windows) +
                                       " scopes under maintenance already: clear one, or set '*'");
            }
            return {};
          },
          record)
      .map([&] { return state_->to_wall_clock(*checked, window); });
}

base::Result<void> Maintenance::clear(const std::string& scope, const RecordFirst& record) {
  const auto checked = checked_scope(scope, ScopeForm::process);
  if (!checked) {
    return base::failure(checked.error());
  }
  return state_->change(
      [&](Windows& windows) -> base::Result<void> {
        if (windows.erase(*checked) == 0) {
          return base::failure(ErrorKind::not_found, "there is no maintenance of '" + scope + "'");
        }
        return {};
      },
      record);
}

base::Result<void> Maintenance::check_shared_scope(const std::string& scope) {
  return checked_scope(scope, ScopeForm::any).map([](const MaintenanceScope&) {});
}

void Maintenance::set_shared(const std::vector<coordination::SharedMaintenance>& windows) {
  const SteadyTime now = state_->clock.now();
  const auto written = state_->shared.change(
      [&](SharedWindows& known) {
        SharedWindows next;
        auto ordered = windows;  // what covers everything is not left out
        std::stable_partition(ordered.begin(), ordered.end(),
                              [](const auto& each) { return each.scope == "*"; });
        for (const coordination::SharedMaintenance& each : ordered) {
          const auto scope = checked_scope(each.scope, ScopeForm::any);
          if (!scope || next.size() == coordination::SharedMaintenance::max_windows) {
            continue;
          }
          const auto before = std::find_if(known.begin(), known.end(),
                                           [&](const auto& other) { return other.window == each; });
          next.push_back({each, *scope, before == known.end() ? now + each.span : before->until});
        }
        return std::exchange(known, next) != next;
      },
      records::IfUnwritten::keep);
  if (!written) {
    state_->log.error(
        "the maintenance of all hosts cannot be written: a restart of the agent "
        "forgets it until etcd is read",
        {{"error", written.error().message}});
  }
}

std::vector<MaintenanceWindow> Maintenance::list() const {
  const SteadyTime now = state_->clock.now();
  auto list = state_->file.read([&](const Windows& windows) {
    std::vector<MaintenanceWindow> own;
    for (const auto& [scope, window] : windows) {
      if (window.until > now) {
        own.push_back(state_->to_wall_clock(scope, window));
      }
    }
    return own;
  });
  state_->shared.read([&](const SharedWindows& shared) {
    for (const SharedWindow& each : shared) {
      if (each.until > now) {
        list.push_back(shown(each.window, state_->clock.to_wall_clock(each.until)));
      }
    }
  });
  return list;
}

std::optional<MaintenanceWindow> Maintenance::covering(const Target& target) const {
  SteadyTime until = state_->clock.now();
  auto longest = state_->file.read([&](const Windows& windows) {
    std::optional<MaintenanceWindow> own;
    for (const auto& [scope, window] : windows) {
      if (window.until > until && scope.covers(target)) {
        until = window.until;
        own = state_->to_wall_clock(scope, window);
      }
    }
    return own;
  });
  state_->shared.read([&](const SharedWindows& shared) {
    for (const SharedWindow& each : shared) {
      if (each.until > until && each.scope.covers(target)) {
        until = each.until;
        longest = shown(each.window, state_->clock.to_wall_clock(until));
      }
    }
  });
  return longest;
}

std::optional<std::string> Maintenance::unreadable() const {
  return state_->file.unreadable();
}

base::Result<void> Maintenance::forget_unreadable() {
  return state_->file.forget_unreadable();
}

}  // namespace reeve::guards
