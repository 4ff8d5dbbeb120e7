#include "guards/maintenance.h"

#include <algorithm>
#include <compare>
#include <map>
#include <mutex>
#include <utility>

#include "base/guarded.h"
#include "base/text.h"
#include "guards/state_times.h"

namespace reeve::guards {

using base::ErrorKind;
using base::SteadyTime;

namespace {

constexpr std::string_view file_name = "maintenance.json";
constexpr std::size_t max_windows = 1000;
constexpr std::chrono::hours longest{24 * 366};

/// Empty parts are any.
struct Scope {
  std::string supervisor;
  std::string group;
  std::string name;

  [[nodiscard]] std::string text() const {
    const std::string prefix = supervisor.empty() ? "" : supervisor + "/";
    return prefix + (group.empty() ? "*" : group + ":" + (name.empty() ? "*" : name));
  }
  [[nodiscard]] bool covers(const Target& target) const {
    const auto fits = [](const std::string& part, const std::string& of) {
      return part.empty() || part == of;
    };
    return fits(supervisor, target.supervisor) && fits(group, target.name.group) &&
           fits(name, target.name.name);
  }
  friend auto operator<=>(const Scope&, const Scope&) = default;
};

std::optional<Scope> parse_scope(std::string_view text) {
  Scope scope;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    scope.supervisor = text.substr(0, slash);
    text.remove_prefix(slash + 1);
    if (scope.supervisor.empty() || base::is_glob(scope.supervisor)) {
      return std::nullopt;
    }
  }
  if (text == "*") {
    return scope;
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  scope.group = text.substr(0, colon);
  scope.name = text.substr(colon + 1);
  const bool any_name = scope.name == "*";
  if (scope.group.empty() || scope.name.empty() || base::is_glob(scope.group) ||
      (!any_name && base::is_glob(scope.name))) {
    return std::nullopt;
  }
  scope.name = any_name ? "" : scope.name;
  return scope;
}

base::Result<Scope> checked_scope(const std::string& text) {
  const auto scope = parse_scope(text);
  if (!scope) {
    return base::failure(ErrorKind::invalid_argument,
                         "'" + text +
                             "' is no scope of maintenance: write '*', 'group:*' or 'group:name', "
                             "with 'SUPERVISOR/' before it where there are several");
  }
  return *scope;
}

struct Window {
  SteadyTime until;
  std::string reason;
  std::string actor;
};

struct Known {
  std::map<Scope, Window> windows;
  std::optional<std::string> unreadable;
};

std::string to_text(const Known& known, const Stamp& stamp) {
  records::Json object = state_object(stamp);
  records::Json& windows = object["windows"] = records::Json::array();
  for (const auto& [scope, window] : known.windows) {
    windows.push_back({{"scope", records::text_to_json(scope.text())},
                       {"until", to_json(std::optional(window.until))},
                       {"reason", records::text_to_json(window.reason)},
                       {"actor", records::text_to_json(window.actor)}});
  }
  return records::to_line(object);
}

/// False if it is not whole.
bool read_window(const records::Json& value, const StateTimes& times, Known& known) {
  records::JsonReader reader(value);
  std::string text;
  std::optional<SteadyTime> until;
  Window window;
  reader.text("scope", text);
  times.read(reader, "until", until);
  reader.text("reason", window.reason);
  reader.text("actor", window.actor);
  const auto scope = parse_scope(text);
  if (!reader.good() || !scope || !until) {
    return false;
  }
  window.until = *until;
  known.windows.insert_or_assign(*scope, std::move(window));
  return true;
}

struct ReadWindows {
  Known known;
  bool future_dated = false;
};

std::optional<ReadWindows> parse(std::string_view text, const GuardClock& clock) {
  const auto object = records::parse_object(text);
  if (!object) {
    return std::nullopt;
  }
  records::JsonReader reader(*object);
  const StateTimes times(reader, clock);
  const records::Json* const windows = reader.find("windows");
  Known known;
  const bool whole = reader.good() && windows != nullptr && windows->is_array() &&
                     std::all_of(windows->begin(), windows->end(), [&](const records::Json& each) {
                       return read_window(each, times, known);
                     });
  return whole ? std::optional(ReadWindows{std::move(known), times.future_dated()}) : std::nullopt;
}

}  // namespace

struct Maintenance::State {
  State(const records::StateDir& its_state, const GuardClock& its_clock)
      : state(its_state), clock(its_clock) {}

  void load(const base::Log& log);
  [[nodiscard]] base::Result<void> write(const Known& next);
  template <class Edit>
  [[nodiscard]] base::Result<void> change(const Edit& edit);
  [[nodiscard]] MaintenanceWindow shown(const Scope& scope, const Window& window) const {
    return {scope.text(), clock.shown(window.until), window.reason, window.actor};
  }

  const records::StateDir& state;
  const GuardClock clock;
  std::mutex writing;  ///< held from reading what is changed until that is on the disk
  base::Guarded<Known> known;
};

void Maintenance::State::load(const base::Log& log) {
  const auto text = state.read(file_name, max_state_bytes);
  if (!text && text.error().kind == ErrorKind::not_found) {
    return;
  }
  auto read = text ? parse(*text, clock) : std::nullopt;
  if (read && read->future_dated) {
    log.warning("the list of maintenance is dated in the future: no time has passed since then",
                {{"file", state.path(file_name)}});
  }
  Known found;
  if (read) {
    found = std::move(read->known);
  } else {
    found.unreadable = "what is under maintenance cannot be read, so nothing is done for alerts: " +
                       (text ? state.path(file_name) + " is damaged or not of this version"
                             : text.error().message) +
                       ". Reset the guards (`*`), then set anew what is to be left alone";
    log.error(
        "the list of maintenance cannot be read: nothing is done for alerts until it is reset",
        {{"error", *found.unreadable}});
  }
  known.with([&](Known& current) { current = std::move(found); });
}

base::Result<void> Maintenance::State::write(const Known& next) {
  return state.write(file_name, to_text(next, clock.stamp())).map([&] {
    known.with([&](Known& current) { current = next; });
  });
}

template <class Edit>
base::Result<void> Maintenance::State::change(const Edit& edit) {
  const std::scoped_lock one_at_a_time(writing);
  Known next = known.copy();
  if (next.unreadable) {
    return base::failure(ErrorKind::conflict, *next.unreadable);
  }
  std::erase_if(next.windows, [&](const auto& each) { return each.second.until <= clock.now(); });
  return edit(next.windows).and_then([&] { return write(next); });
}

Maintenance::Maintenance(const records::StateDir& state, const GuardClock& clock,
                         const base::Log& log)
    : state_(std::make_unique<State>(state, clock)) {
  state_->load(log);
}

Maintenance::~Maintenance() = default;

base::Result<MaintenanceWindow> Maintenance::set(const std::string& scope, base::Duration ttl,
                                                 const std::string& reason,
                                                 std::string_view actor) {
  const auto checked = checked_scope(scope);
  if (!checked) {
    return base::failure(checked.error());
  }
  if (ttl <= base::Duration::zero() || ttl > longest) {
    return base::failure(
        ErrorKind::invalid_argument,
        "maintenance lasts for longer than 0s and at most " + base::format_duration(longest));
  }
  const Window window{state_->clock.now() + ttl, reason, std::string(actor)};
  return state_
      ->change([&](auto& windows) -> base::Result<void> {
        windows.insert_or_assign(*checked, window);
        if (windows.size() > max_windows) {
          return base::failure(ErrorKind::invalid_argument,
                               "there are " + std::to_string(max_windows) +
                                   " scopes under maintenance already: clear one, or set '*'");
        }
        return {};
      })
      .map([&] { return state_->shown(*checked, window); });
}

base::Result<void> Maintenance::clear(const std::string& scope) {
  const auto checked = checked_scope(scope);
  if (!checked) {
    return base::failure(checked.error());
  }
  return state_->change([&](auto& windows) -> base::Result<void> {
    if (windows.erase(*checked) == 0) {
      return base::failure(ErrorKind::not_found, "there is no maintenance of '" + scope + "'");
    }
    return {};
  });
}

std::vector<MaintenanceWindow> Maintenance::list() const {
  const SteadyTime now = state_->clock.now();
  return state_->known.with([&](const Known& known) {
    std::vector<MaintenanceWindow> windows;
    for (const auto& [scope, window] : known.windows) {
      if (window.until > now) {
        windows.push_back(state_->shown(scope, window));
      }
    }
    return windows;
  });
}

std::optional<MaintenanceWindow> Maintenance::covering(const Target& target) const {
  SteadyTime until = state_->clock.now();
  return state_->known.with([&](const Known& known) {
    std::optional<MaintenanceWindow> longest_one;
    for (const auto& [scope, window] : known.windows) {
      if (window.until > until && scope.covers(target)) {
        until = window.until;
        longest_one = state_->shown(scope, window);
      }
    }
    return longest_one;
  });
}

std::optional<std::string> Maintenance::unreadable() const {
  return state_->known.with([](const Known& known) { return known.unreadable; });
}

base::Result<void> Maintenance::forget_unreadable() {
  const std::scoped_lock one_at_a_time(state_->writing);
  return unreadable() ? state_->write({}) : base::Result<void>();
}

}  // namespace reeve::guards
