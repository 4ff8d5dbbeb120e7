#include "guards/guards.h"

#include <mutex>
#include <utility>

#include "base/guarded.h"
#include "base/text.h"
#include "guards/breaker.h"
#include "guards/guard_book.h"
#include "guards/guard_checks.h"
#include "guards/guard_file.h"
#include "guards/state_times.h"

namespace reeve::guards {

using base::ErrorKind;

namespace {

struct Known {
  Book book;
  /// Why there is none that could be relied on; nothing if there is.
  std::optional<std::string> unreadable;
  /// Something that forbids holds, and is not on the disk.
  bool unwritten = false;
};

std::string cannot_be_read(const std::string& what) {
  return "the state of the guards cannot be read, so nothing is done for alerts: " + what +
         ". See to your processes, then reset the guards (`*`)";
}

GuardCase case_of(const Command& command, const Sight& sight, const Book& book,
                  const Standing& standing) {
  return {command.action, command.target, *command.trigger, sight, book, standing};
}

}  // namespace

struct Guards::State {
  State(const GuardOptions& initial, const records::StateDir& its_state,
        Maintenance& its_maintenance, const GuardClock& its_clock, base::Log its_log,
        Random its_random)
      : state(its_state),
        maintenance(its_maintenance),
        clock(its_clock),
        log(std::move(its_log)),
        random(std::move(its_random)),
        options(initial) {
    load();
  }

  void load();
  void begin();
  [[nodiscard]] base::Result<void> write(const Book& book) const;
  /// Lets `edit` change the book: it counts once it is on the disk. One at a time.
  template <class Edit>
  [[nodiscard]] base::Result<void> change(const Edit& edit);
  [[nodiscard]] std::optional<std::string> unreadable() const;
  [[nodiscard]] Standing standing(const Target& target) const;
  /// What the true book says.
  [[nodiscard]] std::optional<Decision> ask(const Command& command, const Sight& sight,
                                            const Standing& standing) const;
  /// Nobody acts on it until somebody has reset it.
  void give_up(const Command& command);
  /// For what forbids: it holds even if it cannot be written, and is with the next change.
  template <class Edit>
  void hold_unwritten(const base::Error& error, const Edit& edit);
  void open_breaker(base::SteadyTime now, base::Duration hold);
  [[nodiscard]] Decision rehearse(const Command& command, const Sight& sight);
  [[nodiscard]] double next_random() {
    return random.with([](Random& next) { return next(); });
  }

  const records::StateDir& state;
  Maintenance& maintenance;
  const GuardClock clock;
  const base::Log log;
  base::Guarded<Random> random;
  base::Guarded<GuardOptions> options;
  std::mutex writing;  ///< held from reading what is changed until that is on the disk
  base::Guarded<Known> known;
  base::Guarded<Book> rehearsed;
  base::Guarded<Breaker> breaker;
};

void Guards::State::load() {
  const auto text = state.read(guard_file, max_state_bytes);
  if (!text && text.error().kind == ErrorKind::not_found) {
    begin();
    return;
  }
  auto read = text ? parse_book(*text, clock) : std::nullopt;
  if (read && read->future_dated) {
    log.warning("the guards' state is dated in the future: no time has passed since then",
                {{"file", state.path(guard_file)}});
  }
  Known found;
  if (read) {
    found.book = std::move(read->book);
  } else {
    found.unreadable =
        cannot_be_read(text ? state.path(guard_file) + " is damaged or not of this version"
                            : text.error().message);
    log.error("the guards' state cannot be read: nothing is done for alerts until it is reset",
              {{"error", *found.unreadable}});
  }
  known.with([&](Known& current) { current = std::move(found); });
}

void Guards::State::begin() {
  Known fresh;
  fresh.book.begun = clock.now();
  log.info("there is no state of the guards yet: every process is in its initial cooldown");
  if (const auto written = write(fresh.book); !written) {
    log.error("the guards' state could not be written", {{"error", written.error().message}});
  }
  known.with([&](Known& current) { current = std::move(fresh); });
}

base::Result<void> Guards::State::write(const Book& book) const {
  const std::string text = to_text(book, clock.stamp());
  if (text.size() > max_state_bytes) {
    return base::failure(ErrorKind::internal,
                         state.path(guard_file) + " would be too long: reset what is not needed");
  }
  return state.write(guard_file, text);
}

template <class Edit>
base::Result<void> Guards::State::change(const Edit& edit) {
  const std::scoped_lock one_at_a_time(writing);
  Known next = known.copy();
  if (next.unreadable) {
    return base::failure(ErrorKind::conflict, *next.unreadable);
  }
  if (!edit(next.book) && !next.unwritten) {
    return {};
  }
  next.unwritten = false;
  prune(next.book, clock.now());
  return write(next.book).map(
      [&] { known.with([&](Known& current) { current = std::move(next); }); });
}

template <class Edit>
void Guards::State::hold_unwritten(const base::Error& error, const Edit& edit) {
  log.error("the guards' state could not be written", {{"error", error.message}});
  const std::scoped_lock one_at_a_time(writing);
  known.with([&](Known& current) {
    current.unwritten = true;
    (void)edit(current.book);
  });
}

std::optional<std::string> Guards::State::unreadable() const {
  auto own = known.with([](const Known& current) { return current.unreadable; });
  return own ? own : maintenance.unreadable();
}

Standing Guards::State::standing(const Target& target) const {
  return {clock.now(), clock.system_now(), unreadable(), maintenance.covering(target),
          options.copy().total};
}

std::optional<Decision> Guards::State::ask(const Command& command, const Sight& sight,
                                           const Standing& standing) const {
  return known.with([&](const Known& current) {
    return objection(case_of(command, sight, current.book, standing));
  });
}

void Guards::State::give_up(const Command& command) {
  const auto latch = [&](Book& book) {
    TargetBook& entry = book.targets[command.target];
    entry.budget = command.trigger->limits.per_target;
    return !std::exchange(entry.gave_up, true);
  };
  bool anew = false;
  const auto written = change([&](Book& book) { return anew = latch(book); });
  if (anew) {
    log.warning("alerts gave up on a process: it is left alone until its guard is reset",
                {{"process", command.target.text()}, {"rule", command.trigger->rule}});
  }
  if (!written) {
    hold_unwritten(written.error(), latch);
  }
}

void Guards::State::open_breaker(base::SteadyTime now, base::Duration hold) {
  bool was_open = true;
  const auto written = change([&](Book& book) {
    was_open = book.breaker_until && *book.breaker_until > now;
    // Not each post of a storm is worth a write.
    const bool lasts = was_open && *book.breaker_until - now > hold - hold / 10;
    book.breaker_until = now + hold;
    return !lasts;
  });
  if (!was_open) {
    log.warning(
        "the breaker opens: so many processes have a firing alert at once that nothing "
        "is done for alerts",
        {{"for", base::format_duration(hold)}});
  }
  if (!written) {
    hold_unwritten(written.error(), [&](Book& book) { book.breaker_until = now + hold; });
  }
}

Decision Guards::State::rehearse(const Command& command, const Sight& sight) {
  const Standing now = standing(command.target);
  if (auto found = ask(command, sight, now)) {
    return *std::move(found);
  }
  const double chance = next_random();
  return rehearsed.with([&](Book& book) {
    auto found = objection(case_of(command, sight, book, now));
    if (!found) {
      add_action(book, command.target, command.trigger->limits, now.now, chance);
    } else if (found->verdict == Verdict::gave_up) {
      book.targets[command.target].gave_up = true;
    }
    prune(book, now.now);
    return std::move(found).value_or(Decision{Verdict::would_act, ""});
  });
}

Guards::Guards(const GuardOptions& options, const records::StateDir& state,
               Maintenance& maintenance, const GuardClock& clock, base::Log log, Random random)
    : state_(std::make_unique<State>(options, state, maintenance, clock, std::move(log),
                                     std::move(random))) {}

Guards::~Guards() = default;

Decision Guards::consider(const Command& command, const Sight& sight) {
  if (command.dry_run) {
    return state_->rehearse(command, sight);
  }
  auto found = state_->ask(command, sight, state_->standing(command.target));
  if (found && found->verdict == Verdict::gave_up) {
    state_->give_up(command);
  }
  return std::move(found).value_or(Decision{Verdict::accepted, ""});
}

Decision Guards::spend(const Command& command, const Sight& sight) {
  std::optional<Decision> found;
  const auto written = state_->change([&](Book& book) {
    const Standing now = state_->standing(command.target);
    found = objection(case_of(command, sight, book, now));
    if (!found) {
      add_action(book, command.target, command.trigger->limits, now.now, state_->next_random());
    }
    return !found;
  });
  if (found && found->verdict == Verdict::gave_up) {
    state_->give_up(command);
  }
  if (!found && !written) {
    return {Verdict::state_unreadable,
            "the state of the guards could not be kept, so nothing was done: " +
                written.error().message};
  }
  return std::move(found).value_or(Decision{Verdict::accepted, ""});
}

std::vector<Decision> Guards::advice(const Target& target) const {
  const Standing now = state_->standing(target);
  return state_->known.with(
      [&](const Known& current) { return standing_objections(target, current.book, now); });
}

void Guards::firing(const std::vector<Target>& targets, std::size_t allowed) {
  const BreakerOptions options = state_->options.copy().breaker;
  const base::SteadyTime now = state_->clock.now();
  const bool opens = state_->breaker.with(
      [&](Breaker& breaker) { return breaker.fires(targets, allowed, options, now); });
  if (opens) {
    state_->open_breaker(now, options.hold);
  }
}

bool Guards::cooling_down(const Target& target, bool rehearsed) const {
  const base::SteadyTime now = state_->clock.now();
  const auto cools_in = [&](const Book& book) {
    const auto found = book.targets.find(target);
    return found != book.targets.end() && found->second.cooldown_until &&
           *found->second.cooldown_until > now;
  };
  return rehearsed
             ? state_->rehearsed.with(cools_in)
             : state_->known.with([&](const Known& current) { return cools_in(current.book); });
}

std::vector<GuardState> Guards::list() const {
  const GuardClock& clock = state_->clock;
  const base::SteadyTime now = clock.now();
  const auto state_of = [&](const Target& target, const TargetBook& book) {
    GuardState guard;
    guard.target = target;
    if (book.cooldown_until && *book.cooldown_until > now) {
      guard.cooldown_until = clock.shown(*book.cooldown_until);
    }
    guard.attempts = in_row(book, now);
    guard.budget_used = static_cast<unsigned>(used(book.actions, book.budget.within, now));
    guard.budget_limit = book.budget.actions;
    guard.gave_up = book.gave_up;
    return guard;
  };
  auto shown = state_->known.with([](const Known& current) { return current.book.targets; });
  std::erase_if(shown, [](const auto& each) { return each.second == TargetBook{}; });
  if (breaker_open()) {
    TargetBook untouched;
    untouched.budget.actions = 0;  // no rule has acted on it
    for (const Target& target :
         state_->breaker.with([](const Breaker& breaker) { return breaker.counted(); })) {
      shown.try_emplace(target, untouched);
    }
  }
  std::vector<GuardState> guards;
  for (const auto& [target, book] : shown) {
    guards.push_back(state_of(target, book));
  }
  return guards;
}

bool Guards::breaker_open() const {
  return state_->known.with([&](const Known& current) {
    return current.book.breaker_until && *current.book.breaker_until > state_->clock.now();
  });
}

GuardStats Guards::stats() const {
  return {list(), breaker_open(), state_->maintenance.list()};
}

std::optional<std::string> Guards::unreadable() const {
  return state_->unreadable();
}

base::Result<void> Guards::reset(const Target& target) {
  const auto forget_in = [&](Book& book) {
    const bool known = book.begun || book.targets.contains(target);
    if (known) {
      forget(book, target);
    }
    return known;
  };
  bool known = false;
  auto written = state_->change([&](Book& book) { return known = forget_in(book); });
  if (written) {
    known = state_->rehearsed.with(forget_in) || known;
  }
  if (written && !known) {
    return base::failure(ErrorKind::not_found, "no alert has acted on '" + target.text() +
                                                   "': there is nothing to reset");
  }
  return written;
}

base::Result<void> Guards::reset_all() {
  if (auto forgotten = state_->maintenance.forget_unreadable(); !forgotten) {
    return forgotten;
  }
  const std::scoped_lock one_at_a_time(state_->writing);
  Known fresh;
  if (state_->known.copy().unreadable) {
    fresh.book.begun = state_->clock.now();
  }
  if (auto written = state_->write(fresh.book); !written) {
    return written;
  }
  state_->known.with([&](Known& current) { current = std::move(fresh); });
  state_->rehearsed.with([](Book& book) { book = {}; });
  state_->breaker.with([](Breaker& breaker) { breaker = {}; });
  return {};
}

void Guards::configure(const GuardOptions& options) {
  state_->options.with([&](GuardOptions& current) { current = options; });
  state_->rehearsed.with([](Book& book) { book = {}; });
}

}  // namespace reeve::guards
