#include "guards/maintenance.h"

#include <compare>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

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
    return fits(supervisor, target.supervisor) && fits(group, target.name.group) &&
           fits(name, target.name.name);
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

namespace {

constexpr std::size_t max_windows = 1000;
constexpr std::chrono::hours max_ttl{24 * 366};

/// No patterns but `*` for a whole group or for everything.
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
  if (!process || !has_group || base::is_glob(process->group)) {
    return std::nullopt;
  }
  const bool any_name = process->name == "*";
  if (!any_name && base::is_glob(process->name)) {
    return std::nullopt;
  }
  return MaintenanceScope{parts->supervisor, process->group, any_name ? "" : process->name};
}

base::Result<MaintenanceScope> checked_scope(const std::string& text) {
  const auto scope = parse_scope(text);
  if (!scope) {
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

}  // namespace

struct Maintenance::State {
  State(const records::StateDir& directory, const records::StateClock& its_clock,
        const base::Log& log)
      : clock(its_clock), file(directory, maintenance_file(its_clock), log) {}

  /// Lets `edit` change the windows that have not ended.
  template <class Edit>
  [[nodiscard]] base::Result<void> change(const Edit& edit) {
    return file.change([&](Windows& windows) -> base::Result<bool> {
      std::erase_if(windows, [&](const auto& each) { return each.second.until <= clock.now(); });
      return edit(windows).map([] { return true; });
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
  WindowFile file;
};

Maintenance::Maintenance(const records::StateDir& state, const records::StateClock& clock,
                         const base::Log& log)
    : state_(std::make_unique<State>(state, clock, log)) {}

Maintenance::~Maintenance() = default;

base::Result<MaintenanceWindow> Maintenance::set(const std::string& scope, base::Duration ttl,
                                                 const std::string& reason,
                                                 std::string_view actor) {
  const auto checked = checked_scope(scope);
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
      ->change([&](Windows& windows) -> base::Result<void> {
        windows.insert_or_assign(*checked, window);
        if (windows.size() > max_windows) {
          return base::failure(ErrorKind::invalid_argument,
                               "there are " + std::to_string(max_windows) +
                                   " scopes under maintenance already: clear one, or set '*'");
        }
        return {};
      })
      .map([&] { return state_->to_wall_clock(*checked, window); });
}

base::Result<void> Maintenance::clear(const std::string& scope) {
  const auto checked = checked_scope(scope);
  if (!checked) {
    return base::failure(checked.error());
  }
  return state_->change([&](Windows& windows) -> base::Result<void> {
    if (windows.erase(*checked) == 0) {
      return base::failure(ErrorKind::not_found, "there is no maintenance of '" + scope + "'");
    }
    return {};
  });
}

std::vector<MaintenanceWindow> Maintenance::list() const {
  const SteadyTime now = state_->clock.now();
  return state_->file.read([&](const Windows& windows) {
    std::vector<MaintenanceWindow> list;
    for (const auto& [scope, window] : windows) {
      if (window.until > now) {
        list.push_back(state_->to_wall_clock(scope, window));
      }
    }
    return list;
  });
}

std::optional<MaintenanceWindow> Maintenance::covering(const Target& target) const {
  SteadyTime until = state_->clock.now();
  return state_->file.read([&](const Windows& windows) {
    std::optional<MaintenanceWindow> longest;
    for (const auto& [scope, window] : windows) {
      if (window.until > until && scope.covers(target)) {
        until = window.until;
        longest = state_->to_wall_clock(scope, window);
      }
    }
    return longest;
  });
}

std::optional<std::string> Maintenance::unreadable() const {
  return state_->file.unreadable();
}

base::Result<void> Maintenance::forget_unreadable() {
  return state_->file.forget_unreadable();
}

}  // namespace reeve::guards
