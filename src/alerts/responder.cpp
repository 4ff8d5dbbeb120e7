#include "alerts/responder.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "alerts/episodes.h"
#include "alerts/resolved.h"
#include "alerts/rules.h"
#include "alerts/screening.h"
#include "alerts/slot_claims.h"
#include "base/guarded.h"
#include "base/wakeup.h"
#include "guards/policy.h"
#include "records/state_file.h"

namespace reeve::alerts {

using guards::Reason;
using guards::Target;

using Outcome = Episodes::Outcome;

namespace {

constexpr auto other_labels_read =
    "the rules were changed, and read labels that were not kept: the next notification is decided "
    "by them";

/// Of operations for alerts.
constexpr std::size_t max_unfinished_operations = 256;

constexpr auto older_than_its_end = "the alert was resolved meanwhile: this notification is older";

/// One alert that passed the screening and has reserved its episode.
struct Candidate {
  std::size_t at;  ///< index of its alert
  EpisodeKey key;
  guards::Command command;
};

EpisodeKey key_of(const guards::Command& command) {
  return {command.trigger->rule, command.trigger->fingerprint, command.target};
}

/// Nothing was wrong with the command: the same is wanted once more.
bool wants_retry(const guards::Refusal& refusal) {
  return refusal.reason == Reason::shutting_down || refusal.reason == Reason::not_recorded;
}

guards::GuardDecision decision_of(const Episodes::Reservation& reservation,
                                  const AttemptConditions& conditions) {
  const std::string last = reservation.last_operation.empty()
                               ? "an attempt"
                               : "the operation " + reservation.last_operation;
  if (reservation.outcome == Outcome::duplicate) {
    return {Reason::duplicate,
            last + (conditions.cools_down ? " was made for this alert, and its process cools down"
                                          : " is made for this alert already")};
  }
  return {Reason::attempts_exhausted, std::to_string(reservation.attempts) + " of " +
                                          std::to_string(conditions.max_attempts) +
                                          " attempts were made, the last was " + last +
                                          ": the next needs the alert to be resolved first"};
}

EpisodeKey key_of(const AlertDecision& decision) {
  return {decision.rule, decision.fingerprint, *decision.target};
}

control::AuditEntry entry_of(const AlertDecision& decision, const Sender& sender,
                             base::SystemTime now) {
  control::AuditEntry entry;
  entry.at = now;
  entry.kind = control::AuditKind::decision;
  entry.actor = sender.name;
  entry.source = guards::Source::alert;
  entry.action = decision.action ? to_string(*decision.action) : "";
  entry.target = decision.target;
  entry.rule = decision.rule;
  entry.fingerprint = decision.fingerprint;
  entry.decision = to_string(decision.decision.reason);
  entry.reason = decision.decision.detail;
  entry.operation = decision.operation;
  return entry;
}

using EpisodeFile = records::StateFile<Episodes>;

/// Of what alerts did: without it nothing may be done. `T` has text() and parse().
template <class T, class Time>
typename records::StateFile<T>::Format history_file(std::string_view name,
                                                    const std::string& content, Time now) {
  using Parsed = typename records::StateFile<T>::Parsed;
  return {.name = name,
          .content = content,
          .remedy = "Check your processes, then reset the guards (`*`)",
          .to_text = [](const T& value) { return value.text(); },
          .parse = [now](std::string_view text) -> std::optional<Parsed> {
            auto value = T::parse(text, now);
            return value ? std::optional(Parsed{.value = *std::move(value)}) : std::nullopt;
          }};
}

}  // namespace

struct Responder::State {
  State(ResponderDeps its_deps, const Options& options, const base::Clock& its_clock,
        base::Log its_log)
      : deps(std::move(its_deps)),
        clock(its_clock),
        log(std::move(its_log)),
        rules(std::make_shared<const Rules>(options)),
        enforced(*deps.state,
                 history_file<Episodes>("episodes.json", "the state of the episodes of alerts",
                                        clock.steady_now()),
                 log),
        resolved(*deps.state,
                 history_file<ResolvedAlerts>("resolved.json", "the list of resolved alerts",
                                              clock.system_now()),
                 log),
        state_clock(its_clock, records::boot_id()),
        pending(*deps.state, pending_file(state_clock), log),
        slots(deps.coordinator, *deps.controller, deps.member_name, clock) {
    if (pending.unreadable()) {
      log.warning("the pending alerts are forgotten: the next notification of each begins anew");
      (void)pending.forget_unreadable();
    }
  }

  template <class Use>
  auto with_episodes(bool dry_run, const Use& use) {
    return dry_run ? dry_runs.with(use) : enforced.edit_in_memory(use);
  }
  void finish_attempts();
  /// Why the alerts are decided on.
  enum class Occasion { request, retry };
  /// One decision for each alert, in their order, unless it remains undecided.
  [[nodiscard]] std::vector<ScreenedAlert> decide_all(const std::vector<Alert>& alerts,
                                                      const Sender& sender, Occasion occasion,
                                                      WebhookResult& result);
  [[nodiscard]] std::vector<ScreenedAlert> screen_all(const std::vector<Alert>& alerts,
                                                      const Rules& now, const Sender& sender,
                                                      Occasion occasion) const;
  /// Of a request: alerts with an obstacle that passes become pending, others are no longer.
  void hold_pending(const std::vector<Alert>& alerts, const Rules& current, const Sender& sender,
                    std::vector<ScreenedAlert>& screened);
  [[nodiscard]] Sender current_sender(const std::string& name) const;
  /// Whether that operation ended before it did anything, as when the agent was ended.
  [[nodiscard]] bool was_cut_short(const std::string& operation) const;
  /// Unless its operation goes on. Whether it is forgotten.
  bool forget_accepted(const PendingAlerts::Due& due);
  /// Whether that ended its waiting. In the audit only then.
  bool decide_again(const PendingAlerts::Due& due);
  void save_pending();
  /// When the thread has to look at the pending alerts.
  [[nodiscard]] base::SteadyTime next_look() const;
  /// Closes the episodes of resolved alerts.
  void close(const std::vector<Alert>& alerts, const Sender& sender,
             const std::vector<ScreenedAlert>& screened);
  /// Since an alert of that key began.
  [[nodiscard]] bool is_resolved(const EpisodeKey& key, base::SystemTime began) const;
  /// Why what alerts did before cannot be read.
  [[nodiscard]] std::optional<std::string> unreadable() const;
  void report_unwritten(const base::Result<void>& written, std::string_view what) const;
  [[nodiscard]] std::vector<Candidate> reserve(std::vector<ScreenedAlert>& screened);
  /// Gives the candidates their slots, and leaves out those that get none.
  void obtain_slots(std::vector<Candidate>& candidates, std::vector<ScreenedAlert>& screened,
                    Occasion occasion);
  void submit(const std::vector<Candidate>& candidates, std::vector<ScreenedAlert>& screened,
              WebhookResult& result);
  /// Returns how many of the slice were queued.
  [[nodiscard]] std::size_t submit_slice(std::span<const Candidate> slice,
                                         std::vector<ScreenedAlert>& screened,
                                         WebhookResult& result);
  void apply_submission(const Candidate& candidate, const control::Submission& submission,
                        AlertDecision& decision);
  /// Releases the episode: the sender has to repeat the request.
  void leave_undecided(const Candidate& candidate, ScreenedAlert& screened);
  void record(const WebhookResult& result, const Sender& sender);

  const ResponderDeps deps;
  const base::Clock& clock;
  const base::Log log;
  base::Guarded<std::shared_ptr<const Rules>> rules;
  EpisodeFile enforced;
  records::StateFile<ResolvedAlerts> resolved;
  base::Guarded<Episodes> dry_runs;
  base::Guarded<Stats> counted;
  const records::StateClock state_clock;
  records::StateFile<PendingAlerts> pending;
  SlotClaims slots;
  base::Wakeup wakeup;  ///< of the thread: what is due next has changed
  std::jthread thread;  // last: it ends before what it uses
};

/// Asks the controller which of the unfinished attempts are done.
void Responder::State::finish_attempts() {
  const auto unfinished =
      enforced.read([](const Episodes& episodes) { return episodes.unfinished_operations(); });
  for (const std::string& id : unfinished) {
    const auto operation = deps.controller->find(id);
    if (!operation || operation->done()) {
      const bool acted = !operation || has_acted(*operation);
      enforced.edit_in_memory([&](Episodes& episodes) { episodes.finish_attempt(id, acted); });
    }
  }
}

std::vector<ScreenedAlert> Responder::State::screen_all(const std::vector<Alert>& alerts,
                                                        const Rules& now, const Sender& sender,
                                                        Occasion occasion) const {
  const auto snapshot = deps.snapshot();
  const ScreeningContext context{now, *snapshot, sender, [this](const guards::Command& command) {
                                   return deps.controller->permit(command);
                                 }};
  std::vector<ScreenedAlert> screened;
  screened.reserve(alerts.size());
  std::set<guards::Target> firing;
  for (const Alert& alert : alerts) {
    // Of a pending alert only the labels are known that the rules read when it was posted.
    const bool known = occasion == Occasion::request || now.suffice(alert.labels);
    screened.push_back(known ? screen(alert, context) : without_rule(alert, other_labels_read));
    // Without news of them, retries must not hold the breaker open.
    if (screened.back().counts_for_breaker && occasion == Occasion::request) {
      firing.insert(*screened.back().decision.target);
    }
  }
  if (!firing.empty()) {
    deps.guards->report_firing({firing.begin(), firing.end()}, count_allowed(now, *snapshot));
  }
  return screened;
}

void Responder::State::close(const std::vector<Alert>& alerts, const Sender& sender,
                             const std::vector<ScreenedAlert>& screened) {
  const base::SystemTime now = clock.system_now();
  const auto snapshot = deps.snapshot();
  const auto known = guards::known_names(*snapshot);
  const auto may_act_on = [&](const Target& target) {
    return any_matches(sender.allow, target.supervisor, target.name, known);
  };
  bool any_added = false;
  bool any_removed = false;
  for (std::size_t at = 0; at < alerts.size(); ++at) {
    const AlertDecision& decision = screened[at].decision;
    if (screened[at].rule == nullptr || decision.status != AlertStatus::resolved) {
      continue;
    }
    // An end in the future would make alerts that begin until then look older than it.
    const base::SystemTime ended = std::min(alerts[at].ended.value_or(now), now);
    any_added = resolved.edit_in_memory([&](ResolvedAlerts& all) {
      return all.add({decision.rule, decision.fingerprint, sender.name}, ended);
    }) || any_added;
    for (const bool dry_run : {false, true}) {
      with_episodes(dry_run, [&](Episodes& episodes) {
        episodes.close(decision.rule, decision.fingerprint, may_act_on);
      });
    }
    any_removed = pending.edit_in_memory([&](PendingAlerts& all) {
      return all.remove_if([&](const EpisodeKey& key) {
        return key.rule == decision.rule && key.fingerprint == decision.fingerprint &&
               may_act_on(key.target);
      });
    }) || any_removed;
  }
  if (any_added) {
    report_unwritten(resolved.save(), "the resolved alerts");
  }
  if (any_removed) {
    save_pending();
  }
}

bool Responder::State::is_resolved(const EpisodeKey& key, base::SystemTime began) const {
  const auto current = rules.copy();
  const auto snapshot = deps.snapshot();
  const auto known = guards::known_names(*snapshot);
  return resolved.read([&](const ResolvedAlerts& all) {
    return all.is_resolved(key.rule, key.fingerprint, began, [&](const std::string& name) {
      const Sender* const sender = current->find_sender(name);
      return sender != nullptr &&
             any_matches(sender->allow, key.target.supervisor, key.target.name, known);
    });
  });
}

std::optional<std::string> Responder::State::unreadable() const {
  auto episodes = enforced.unreadable();
  return episodes ? episodes : resolved.unreadable();
}

std::vector<Candidate> Responder::State::reserve(std::vector<ScreenedAlert>& screened) {
  std::vector<Candidate> candidates;
  const base::SteadyTime now = clock.steady_now();
  for (std::size_t at = 0; at < screened.size(); ++at) {
    AlertDecision& decision = screened[at].decision;
    auto& command = screened[at].command;
    if (!command) {
      continue;
    }
    const EpisodeKey key = key_of(*command);
    const AttemptConditions conditions{
        .max_attempts = screened[at].rule->rule.max_attempts,
        .cools_down = deps.guards->is_cooling_down(command->target, command->dry_run),
        .now = now};
    if (const auto why = command->dry_run ? std::nullopt : unreadable()) {
      decision.decision = {Reason::state_unreadable, *why};
      continue;
    }
    const auto reservation = with_episodes(
        command->dry_run, [&](Episodes& episodes) { return episodes.reserve(key, conditions); });
    if (reservation.outcome != Outcome::reserved) {
      decision.decision = decision_of(reservation, conditions);
    } else if (is_resolved(key, command->trigger->began)) {
      with_episodes(command->dry_run, [&](Episodes& episodes) { episodes.release(key); });
      decision.decision = {Reason::duplicate, older_than_its_end};
    } else {
      command->trigger->later_attempt = reservation.attempts > 0;
      candidates.push_back({at, key, *std::move(command)});
    }
  }
  return candidates;
}

void Responder::State::apply_submission(const Candidate& candidate,
                                        const control::Submission& submission,
                                        AlertDecision& decision) {
  const bool dry_run = candidate.command.dry_run;
  if (submission) {
    decision.operation = submission->id;
    decision.decision = dry_run
                            ? guards::GuardDecision{Reason::would_act, "a dry run: nothing is done"}
                            : guards::GuardDecision{Reason::accepted, "the operation is queued"};
    with_episodes(dry_run,
                  [&](Episodes& episodes) { episodes.confirm(candidate.key, submission->id); });
    return;
  }
  const guards::Refusal& refusal = submission.error();
  with_episodes(dry_run, [&](Episodes& episodes) { episodes.release(candidate.key); });
  decision.decision = {verdict_of(refusal.reason), refusal.error.message, refusal.passes_at};
}

void Responder::State::obtain_slots(std::vector<Candidate>& candidates,
                                    std::vector<ScreenedAlert>& screened, Occasion occasion) {
  const auto wait = occasion == Occasion::retry ? SlotClaims::Wait::yes : SlotClaims::Wait::no;
  std::erase_if(candidates, [&](Candidate& each) {
    const base::SteadyTime now = clock.steady_now();
    const base::SteadyTime since = pending.read([&](const PendingAlerts& all) {
      const auto found = all.all().find(each.key);
      return found == all.all().end() ? now : found->second.since;
    });
    const auto refusal =
        slots.obtain(each.command, screened[each.at].rule->rule.limit, wait, now - since);
    if (refusal) {
      apply_submission(each, tl::unexpected(*refusal), screened[each.at].decision);
    }
    return refusal.has_value();
  });
}

void Responder::State::leave_undecided(const Candidate& candidate, ScreenedAlert& screened) {
  with_episodes(candidate.command.dry_run,
                [&](Episodes& episodes) { episodes.release(candidate.key); });
  screened.undecided = true;
}

/// In slices that fit the queue even if all of a slice is accepted; refused commands take no room.
void Responder::State::submit(const std::vector<Candidate>& candidates,
                              std::vector<ScreenedAlert>& screened, WebhookResult& result) {
  const std::size_t waiting = deps.controller->unfinished(guards::Source::alert);
  std::size_t room = max_unfinished_operations - std::min(waiting, max_unfinished_operations);
  auto next = candidates.begin();
  while (next != candidates.end() && room > 0) {
    const auto end = next + std::min(static_cast<std::ptrdiff_t>(room), candidates.end() - next);
    room -= submit_slice({next, end}, screened, result);
    next = end;
  }
  for (; next != candidates.end(); ++next) {
    result.retry = "too many operations are waiting already";
    slots.give_back(next->command);
    leave_undecided(*next, screened[next->at]);
  }
}

std::size_t Responder::State::submit_slice(std::span<const Candidate> slice,
                                           std::vector<ScreenedAlert>& screened,
                                           WebhookResult& result) {
  std::vector<guards::Command> commands;
  commands.reserve(slice.size());
  for (const Candidate& candidate : slice) {
    commands.push_back(candidate.command);
  }
  const auto submissions = deps.controller->submit_all(commands);
  std::size_t queued = 0;
  for (std::size_t i = 0; i < slice.size(); ++i) {
    ScreenedAlert& alert = screened[slice[i].at];
    if (!submissions[i]) {
      slots.give_back(slice[i].command);
    }
    if (!submissions[i] && wants_retry(submissions[i].error())) {
      result.retry = submissions[i].error().error.message;
      leave_undecided(slice[i], alert);
    } else {
      apply_submission(slice[i], submissions[i], alert.decision);
      if (submissions[i] && !slice[i].command.dry_run) {
        ++queued;
      }
    }
  }
  return queued;
}

void Responder::State::report_unwritten(const base::Result<void>& written,
                                        std::string_view what) const {
  if (!written) {
    log.error("the state of alerts cannot be written: a restart of the agent forgets some of it",
              {{"state", std::string(what)}, {"error", written.error().message}});
  }
}

void Responder::State::record(const WebhookResult& result, const Sender& sender) {
  const base::SystemTime now = clock.system_now();
  std::vector<control::AuditEntry> entries;
  entries.reserve(result.decisions.size());
  for (const AlertDecision& decision : result.decisions) {
    entries.push_back(entry_of(decision, sender, now));
  }
  deps.audit->record(entries);
  counted.with([&](Stats& stats) {
    for (const AlertDecision& decision : result.decisions) {
      auto& counts = stats.decisions[decision.rule.empty() ? no_rule_label : decision.rule];
      ++counts.at(static_cast<std::size_t>(decision.decision.reason));
    }
  });
}

Responder::Responder(ResponderDeps deps, const Options& options, const base::Clock& clock,
                     base::Log log, const std::vector<control::Operation>& journalled)
    : state_(std::make_unique<State>(std::move(deps), options, clock, std::move(log))) {
  state_->enforced.edit_in_memory([&](Episodes& episodes) {
    for (const control::Operation& operation : journalled) {
      episodes.add_journalled(operation, clock.steady_now());
    }
  });
  configure(options);
}

Responder::~Responder() = default;

void Responder::configure(const Options& options) {
  auto next = std::make_shared<const Rules>(options);
  state_->rules.with([&](auto& rules) { rules = std::move(next); });
  state_->dry_runs.with([](Episodes& episodes) { episodes.clear(); });
  state_->counted.with([&](Stats& stats) {
    stats.decisions.try_emplace(no_rule_label);
    for (const Rule& rule : options.rules) {
      stats.decisions.try_emplace(rule.name);
    }
  });
}

std::vector<ScreenedAlert> Responder::State::decide_all(const std::vector<Alert>& alerts,
                                                        const Sender& sender, Occasion occasion,
                                                        WebhookResult& result) {
  const auto current = rules.copy();
  const base::Duration ttl = current->options().episode_ttl;
  const base::SteadyTime now = clock.steady_now();
  finish_attempts();
  for (const bool dry_run : {false, true}) {
    with_episodes(dry_run, [&](Episodes& episodes) { episodes.expire(now, ttl); });
  }
  auto screened = screen_all(alerts, *current, sender, occasion);
  close(alerts, sender, screened);
  auto candidates = reserve(screened);
  obtain_slots(candidates, screened, occasion);
  submit(candidates, screened, result);
  // Of those that are not written the journal knows.
  report_unwritten(enforced.save(), "the episodes");
  if (occasion == Occasion::request) {
    hold_pending(alerts, *current, sender, screened);
  }
  return screened;
}

void Responder::State::hold_pending(const std::vector<Alert>& alerts, const Rules& current,
                                    const Sender& sender, std::vector<ScreenedAlert>& screened) {
  const base::SteadyTime now = clock.steady_now();
  bool changed = false;
  const auto hold = [&](const Alert& alert, ScreenedAlert& each, PendingAlerts& all) {
    guards::GuardDecision& decision = each.decision.decision;
    const EpisodeKey key = key_of(each.decision);
    const base::Duration span = each.rule->rule.pending_for;
    const bool is_accepted = decision.reason == Reason::accepted;
    const bool may_wait = guards::passes_by_itself(decision.reason);
    // Under the lock of `pending`: close() adds to `resolved` first, then ends what waits.
    const bool is_late = may_wait && span > base::Duration::zero() && is_resolved(key, alert.began);
    if (is_late) {
      decision = {Reason::duplicate, older_than_its_end};
    }
    if (!(is_accepted || may_wait) || is_late || span <= base::Duration::zero()) {
      // Of a duplicate another request decides; what this sender may not do ends no other's
      // waiting.
      const bool is_final =
          decision.reason != Reason::duplicate && decision.reason != Reason::not_allowed;
      changed = (is_final && all.remove(key)) || changed;
      return;
    }
    PendingAlert waiting{.alert = alert,
                         .sender = sender.name,
                         .obstacle = decision,
                         .since = now,
                         .until = now + span,
                         .next = decision.reason == Reason::waiting_for_slot
                                     ? now  // the thread claims it at once
                                     : next_decision(decision, now, now + span),
                         .operation = each.decision.operation};
    waiting.alert.labels = current.labels_read(alert.labels);
    changed = changed || is_accepted || !all.all().contains(key);
    const bool is_held = all.hold(key, std::move(waiting));
    if (is_accepted) {
      return;
    }
    decision.detail = std::string(to_string(decision.reason)) + ": " + decision.detail;
    if (is_held) {
      decision.reason = Reason::pending;
    } else {
      decision.detail += " (it does not wait: too many alerts do already)";
    }
  };
  pending.edit_in_memory([&](PendingAlerts& all) {
    for (std::size_t at = 0; at < alerts.size(); ++at) {
      ScreenedAlert& each = screened[at];
      if (!each.undecided && each.rule != nullptr && each.decision.target &&
          each.decision.status == AlertStatus::firing) {
        hold(alerts[at], each, all);
      }
    }
  });
  if (changed) {
    save_pending();
  }
  wakeup.nudge();
}

void Responder::State::save_pending() {
  report_unwritten(pending.save(), "the pending alerts");
}

/// What it may act on by the configuration of now: nothing, if it may not post any more.
Sender Responder::State::current_sender(const std::string& name) const {
  const auto current = rules.copy();
  const Sender* const found = current->find_sender(name);
  return found == nullptr ? Sender{name, {}} : *found;
}

bool Responder::State::was_cut_short(const std::string& operation) const {
  const auto found = deps.controller->find(operation);
  return found && found->result == control::OperationResult::abandoned && !has_acted(*found);
}

bool Responder::State::forget_accepted(const PendingAlerts::Due& due) {
  const auto operation = deps.controller->find(due.pending.operation);
  return (!operation || operation->done()) &&
         pending.edit_in_memory([&](PendingAlerts& all) { return all.remove(due.key); });
}

bool Responder::State::decide_again(const PendingAlerts::Due& due) {
  if (!due.pending.operation.empty() && !was_cut_short(due.pending.operation)) {
    return forget_accepted(due);
  }
  WebhookResult result;
  auto screened =
      decide_all({due.pending.alert}, current_sender(due.pending.sender), Occasion::retry, result);
  ScreenedAlert& one = screened.front();
  const guards::GuardDecision& decision = one.decision.decision;
  const bool passes = guards::passes_by_itself(decision.reason);
  const bool waits = one.undecided || passes ||
                     decision.reason == Reason::duplicate;  // a request is deciding on it
  const base::SteadyTime now = clock.steady_now();
  const bool ended = pending.edit_in_memory([&](PendingAlerts& all) {
    if (decision.reason == Reason::accepted) {
      all.accept(due.key, one.decision.operation);
      return true;
    }
    if (!waits || now >= last_decision(decision.passes_at, due.pending.until)) {
      return all.remove(due.key);
    }
    if (passes) {
      all.set_obstacle(due.key, decision, now);
    }
    return false;
  });
  if (ended && !one.undecided) {
    one.decision.decision.reason = reason_after_waiting(decision.reason);
    result.decisions.push_back(std::move(one.decision));
    record(result, {due.pending.sender, {}});
  }
  return ended;
}

void Responder::decide_pending() {
  const base::SteadyTime now = state_->clock.steady_now();
  const bool any_due = state_->pending.read([&](const PendingAlerts& all) {
    const auto next = all.next_due();
    return next && *next <= now;
  });
  if (!any_due || !state_->deps.snapshot()->complete) {
    return;
  }
  const auto due =
      state_->pending.edit_in_memory([&](PendingAlerts& all) { return all.take_due(now); });
  bool any_ended = false;
  for (const PendingAlerts::Due& each : due) {
    if (state_->slots.stopped()) {
      break;  // the agent ends: the rest is on the disk, for its next run
    }
    any_ended = state_->decide_again(each) || any_ended;
  }
  if (any_ended) {
    state_->save_pending();
  }
}

base::SteadyTime Responder::State::next_look() const {
  constexpr std::chrono::hours idle{1};
  /// Between two looks, also while nothing can be decided yet.
  constexpr std::chrono::milliseconds shortest{200};
  const base::SteadyTime now = clock.steady_now();
  const auto due = pending.read([](const PendingAlerts& all) { return all.next_due(); });
  return due ? std::max<base::SteadyTime>(*due, now + shortest) : now + idle;
}

void Responder::decide_soon(const std::function<bool(const EpisodeKey&)>& concerns) {
  const base::SteadyTime now = state_->clock.steady_now();
  const bool any = state_->pending.edit_in_memory([&](PendingAlerts& all) {
    return all.make_due([&](const EpisodeKey& key, const PendingAlert&) { return concerns(key); },
                        now);
  });
  if (any) {
    state_->wakeup.nudge();
  }
}

void Responder::start() {
  state_->thread = std::jthread([this](const std::stop_token& stop) {
    while (state_->wakeup.wait_until(state_->next_look(), stop) != base::Wakeup::Reason::stop) {
      base::run_logged(state_->log, "deciding on pending alerts", [&] { decide_pending(); });
    }
  });
}

void Responder::on_shared_change() {
  const auto rules = state_->rules.copy();
  const auto may_act = [&](const EpisodeKey& key, const PendingAlert& waiting) {
    return std::any_of(rules->all().begin(), rules->all().end(), [&](const CompiledRule& each) {
      return each.rule.name == key.rule &&
             state_->slots.may_be_free(waiting.obstacle.reason, each.rule.limit);
    });
  };
  const base::SteadyTime now = state_->clock.steady_now();
  state_->pending.edit_in_memory([&](PendingAlerts& all) { all.make_due(may_act, now); });
  state_->wakeup.nudge();
}

std::string Responder::limit_of(const guards::Target& target) const {
  const auto rules = state_->rules.copy();
  const auto known = guards::known_names(*state_->deps.snapshot());
  const auto found =
      std::find_if(rules->all().begin(), rules->all().end(), [&](const CompiledRule& each) {
        return !each.rule.limit.empty() && each.mode != Mode::off &&
               any_matches(each.rule.allow, target.supervisor, target.name, known);
      });
  return found == rules->all().end() ? "" : found->rule.limit;
}

void Responder::stop() {
  state_->slots.stop();
  state_->thread = {};
}

std::vector<WaitingAlert> Responder::pending() const {
  std::vector<WaitingAlert> list;
  const auto all = state_->pending.read([](const PendingAlerts& alerts) { return alerts.all(); });
  list.reserve(all.size());
  for (const auto& [key, waiting] : all) {
    if (!waiting.operation.empty()) {
      continue;
    }
    list.push_back({.rule = key.rule,
                    .fingerprint = key.fingerprint,
                    .alertname = waiting.alert.name(),
                    .target = key.target,
                    .obstacle = waiting.obstacle,
                    .since = state_->state_clock.to_wall_clock(waiting.since),
                    .until = state_->state_clock.to_wall_clock(waiting.until),
                    .retry_at = state_->state_clock.to_wall_clock(waiting.next)});
  }
  return list;
}

std::vector<guards::GuardState> Responder::initial_cooldowns() const {
  const auto rules = state_->rules.copy();
  const auto snapshot = state_->deps.snapshot();
  const auto known = guards::known_names(*snapshot);
  std::vector<guards::GuardState> cooling;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot->supervisors) {
    for (const monitor::ProcessSnapshot& process : supervisor.processes) {
      const auto rule =
          std::find_if(rules->all().begin(), rules->all().end(), [&](const CompiledRule& each) {
            return each.mode != Mode::off &&
                   any_matches(each.rule.allow, supervisor.name, process.detail.name, known);
          });
      if (rule == rules->all().end()) {
        continue;
      }
      guards::GuardState guard;
      guard.target = {supervisor.name, process.detail.name};
      guard.budget_limit = rule->rule.limits.per_target.actions;
      guard.cooldown_until =
          state_->deps.guards->initial_cooldown_until(guard.target, rule->rule.limits.cooldown);
      if (guard.cooldown_until) {
        cooling.push_back(std::move(guard));
      }
    }
  }
  return cooling;
}

WebhookResult Responder::receive(const std::vector<Alert>& alerts, const Sender& sender) {
  WebhookResult result;
  if (!state_->deps.snapshot()->complete) {
    result.retry = "the supervisords have not been read yet";
    return result;
  }
  auto screened = state_->decide_all(alerts, sender, State::Occasion::request, result);
  for (ScreenedAlert& each : screened) {
    if (!each.undecided) {
      result.decisions.push_back(std::move(each.decision));
    }
  }
  state_->record(result, sender);
  return result;
}

bool Responder::unreadable() const {
  return state_->unreadable().has_value();
}

base::Result<void> Responder::forget_unreadable() {
  return state_->resolved.forget_unreadable().and_then(
      [&] { return state_->enforced.forget_unreadable(); });
}

control::Permission Responder::permission_of(const guards::Command& command) const {
  const auto withdrawn = [](std::string why) {
    return tl::unexpected(
        guards::Refusal{Reason::withdrawn, {base::ErrorKind::denied, std::move(why)}});
  };
  const auto current = state_->rules.copy();
  const Sender* const sender = current->find_sender(command.actor);
  if (sender == nullptr) {
    return withdrawn("'" + command.actor + "' may not post alerts any more");
  }
  const guards::Trigger& trigger = *command.trigger;
  const CompiledRule* const rule = current->find(trigger.rule);
  const auto snapshot = state_->deps.snapshot();
  if (rule == nullptr || rule->mode != Mode::enforce || rule->rule.action != command.action ||
      !any_matches(rule->rule.allow, command.target.supervisor, command.target.name,
                   guards::known_names(*snapshot))) {
    return withdrawn("the rule '" + trigger.rule + "' does not do this any more");
  }
  if (state_->is_resolved({trigger.rule, trigger.fingerprint, command.target}, trigger.began)) {
    return withdrawn("the alert was resolved meanwhile");
  }
  return sender->allow;
}

Stats Responder::stats() const {
  Stats stats = state_->counted.copy();
  state_->pending.read([&](const PendingAlerts& all) {
    for (const auto& [key, waiting] : all.all()) {
      if (waiting.operation.empty()) {
        ++stats.pending[{key.rule, waiting.obstacle.reason}];
      }
    }
  });
  return stats;
}

}  // namespace reeve::alerts
