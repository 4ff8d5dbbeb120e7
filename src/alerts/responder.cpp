#include "alerts/responder.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <span>
#include <utility>

#include "alerts/episodes.h"
#include "alerts/rules.h"
#include "base/guarded.h"
#include "guards/policy.h"

namespace reeve::alerts {

using guards::Reason;
using guards::Target;

using Outcome = Episodes::Outcome;

namespace {

/// What screening an alert needs.
struct ScreeningContext {
  const Rules& rules;
  const monitor::Snapshot& snapshot;
  const Sender& sender;
  /// Controller::permit.
  std::function<std::optional<guards::Refusal>(const guards::Command&)> permit;
};

struct ScreenedAlert {
  AlertDecision decision;              ///< final unless there is a command
  const CompiledRule* rule = nullptr;  ///< owned by the rules
  /// It fires, and means one known process that its rule allows: the breaker counts that process.
  bool counts_for_breaker = false;
  std::optional<guards::Command> command;
  bool undecided = false;  ///< the sender has to repeat the request
};

void decide(ScreenedAlert& screened, Reason verdict, std::string reason) {
  screened.decision.decision = {verdict, std::move(reason)};
}

std::string identity_mismatch(const Alert& alert, const Rules& rules) {
  for (const auto& [label, value] : rules.options().identity) {
    const auto found = alert.labels.find(label);
    if (found == alert.labels.end() || found->second != value) {
      return "its label '" + label + "' is not '" + value + "': the alert is another agent's";
    }
  }
  return "";
}

/// A target without a supervisord means the only one there is.
base::Result<Target> target_of(const Alert& alert, const CompiledRule& rule,
                               const monitor::Snapshot& snapshot) {
  auto target = rule.target.fill(alert.labels);
  if (target && target->supervisor.empty() && snapshot.supervisors.size() == 1) {
    target->supervisor = snapshot.supervisors.front().name;
  }
  return target;
}

/// Why this is not one known process; nothing if it is.
std::optional<guards::GuardDecision> target_problem(const Target& target,
                                                    const monitor::Snapshot& snapshot) {
  const auto* const supervisor = snapshot.find(target.supervisor);
  if (supervisor == nullptr) {
    return guards::GuardDecision{Reason::no_target,
                                 guards::no_such_supervisor(target.supervisor, snapshot)};
  }
  if (supervisor->find(target.name) != nullptr) {
    return std::nullopt;
  }
  if (!supervisor->up && supervisor->processes.empty()) {
    return guards::GuardDecision{Reason::unreachable,
                                 "supervisord was never read: " + supervisor->last_error};
  }
  return guards::GuardDecision{Reason::no_target, guards::no_such_process(target)};
}

guards::Command command_of(const Alert& alert, const CompiledRule& rule, const Target& target,
                           const Sender& sender) {
  guards::Command command;
  command.action = rule.rule.action;
  command.target = target;
  command.source = guards::Source::alert;
  command.actor = sender.name;
  command.actor_allow = sender.allow;
  command.reason = "the alert " + alert.name();
  command.dry_run = rule.mode == Mode::dry_run;
  command.trigger = guards::Trigger{.rule = rule.rule.name,
                                    .fingerprint = alert.fingerprint,
                                    .began = alert.began,
                                    .later_attempt = false,
                                    .limits = rule.rule.limits};
  return command;
}

void screen_target(const Alert& alert, const ScreeningContext& context, ScreenedAlert& screened) {
  const CompiledRule& rule = *screened.rule;
  const auto target = target_of(alert, rule, context.snapshot);
  if (!target) {
    return decide(screened, Reason::no_target, target.error().message);
  }
  screened.decision.target = *target;
  if (auto decision = target_problem(*target, context.snapshot)) {
    screened.decision.decision = *std::move(decision);
    return;
  }
  if (!any_matches(rule.rule.allow, target->supervisor, target->name)) {
    return decide(screened, Reason::not_allowed,
                  "'" + target->text() + "' is not in the allow list of the rule");
  }
  screened.counts_for_breaker = true;
  guards::Command command = command_of(alert, rule, *target, context.sender);
  auto refusal = context.permit(command);
  // The controller itself answers `unreachable` when the command is submitted.
  if (refusal && refusal->reason != Reason::unreachable) {
    return decide(screened, verdict_of(refusal->reason), std::move(refusal->error.message));
  }
  screened.command = std::move(command);
}

ScreenedAlert screen(const Alert& alert, const ScreeningContext& context) {
  ScreenedAlert screened;
  screened.decision = {.fingerprint = alert.fingerprint,
                       .alertname = alert.name(),
                       .status = alert.status,
                       .rule = "",
                       .action = std::nullopt,
                       .target = std::nullopt,
                       .decision = {},
                       .operation = ""};
  if (!context.rules.is_for_this_agent(alert)) {
    decide(screened, Reason::not_here, identity_mismatch(alert, context.rules));
    return screened;
  }
  screened.rule = context.rules.find(alert);
  if (screened.rule == nullptr) {
    decide(screened, Reason::no_rule, "no rule matches its labels");
    return screened;
  }
  screened.decision.rule = screened.rule->rule.name;
  screened.decision.action = screened.rule->rule.action;
  if (screened.rule->mode == Mode::off) {
    decide(screened, Reason::off, "the rule is off");
  } else if (alert.status == AlertStatus::resolved) {
    decide(screened, Reason::resolved, "the alert is over");
  } else {
    screen_target(alert, context, screened);
  }
  return screened;
}

/// How many processes some rule may act on.
std::size_t count_allowed(const Rules& rules, const monitor::Snapshot& snapshot) {
  std::size_t count = 0;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    count += static_cast<std::size_t>(std::count_if(
        supervisor.processes.begin(), supervisor.processes.end(), [&](const auto& process) {
          return std::any_of(rules.all().begin(), rules.all().end(), [&](const CompiledRule& rule) {
            return rule.mode != Mode::off &&
                   any_matches(rule.rule.allow, supervisor.name, process.detail.name);
          });
        }));
  }
  return count;
}

constexpr auto file_name = "episodes.json";
constexpr std::size_t max_file_bytes = std::size_t{16} * 1024 * 1024;
/// Of operations for alerts.
constexpr std::size_t max_unfinished_operations = 256;

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
  if (reservation.outcome == Outcome::stale) {
    return {Reason::duplicate, "the alert was resolved meanwhile: this notification is older"};
  }
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

}  // namespace

struct Responder::State {
  struct EpisodeSets {
    Episodes enforced;
    Episodes dry_runs;
    std::string unreadable;  ///< why; empty if all is well

    [[nodiscard]] Episodes& of(bool dry_run) { return dry_run ? dry_runs : enforced; }
  };

  State(ResponderDeps its_deps, const Options& options, const base::Clock& its_clock,
        base::Log its_log)
      : deps(std::move(its_deps)),
        clock(its_clock),
        log(std::move(its_log)),
        rules(std::make_shared<const Rules>(options)) {}

  void read_episodes(const std::vector<control::Operation>& journalled);
  void finish_attempts();
  [[nodiscard]] std::vector<ScreenedAlert> screen_all(const std::vector<Alert>& alerts,
                                                      const Rules& now, const Sender& sender) const;
  /// Closes the episodes of resolved alerts.
  void close(const std::vector<Alert>& alerts, const std::vector<ScreenedAlert>& screened);
  [[nodiscard]] std::vector<Candidate> reserve(std::vector<ScreenedAlert>& screened);
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
  void save();
  void record(const WebhookResult& result, const Sender& sender);

  const ResponderDeps deps;
  const base::Clock& clock;
  const base::Log log;
  base::Guarded<std::shared_ptr<const Rules>> rules;
  base::Guarded<EpisodeSets> episodes;
  base::Guarded<Stats> counted;
  std::mutex saving;  ///< one writer of the file at a time, so that the last one is the newest
  std::string saved;  ///< under `saving`
};

void Responder::State::read_episodes(const std::vector<control::Operation>& journalled) {
  const auto text = deps.state->read(file_name, max_file_bytes);
  const base::SteadyTime now = clock.steady_now();
  auto known = text ? Episodes::parse(*text, now) : std::nullopt;
  const bool is_new = !text && text.error().kind == base::ErrorKind::not_found;
  episodes.with([&](EpisodeSets& sets) {
    if (!known && !is_new) {
      sets.unreadable = deps.state->path(file_name) + ": " +
                        (text ? "not what this agent writes" : text.error().message);
    }
    sets.enforced = std::move(known).value_or(Episodes());
    saved = sets.enforced.text();
    for (const control::Operation& operation : journalled) {
      sets.enforced.add_journalled(operation, now);
    }
  });
  if (!known && !is_new) {
    log.error(
        "the episodes of alerts cannot be read: nothing is done for alerts until they are"
        " reset",
        {{"file", deps.state->path(file_name)}});
  }
}

/// Asks the controller which of the unfinished attempts are done.
void Responder::State::finish_attempts() {
  const auto pending =
      episodes.with([](const EpisodeSets& sets) { return sets.enforced.unfinished_operations(); });
  for (const std::string& id : pending) {
    const auto operation = deps.controller->find(id);
    if (!operation || operation->done()) {
      const bool acted = !operation || has_acted(*operation);
      episodes.with([&](EpisodeSets& sets) { sets.enforced.finish_attempt(id, acted); });
    }
  }
}

std::vector<ScreenedAlert> Responder::State::screen_all(const std::vector<Alert>& alerts,
                                                        const Rules& now,
                                                        const Sender& sender) const {
  const auto snapshot = deps.snapshot();
  const ScreeningContext context{now, *snapshot, sender, [this](const guards::Command& command) {
                                   return deps.controller->permit(command);
                                 }};
  std::vector<ScreenedAlert> screened;
  screened.reserve(alerts.size());
  std::set<guards::Target> firing;
  for (const Alert& alert : alerts) {
    screened.push_back(screen(alert, context));
    if (screened.back().counts_for_breaker) {
      firing.insert(*screened.back().decision.target);
    }
  }
  if (!firing.empty()) {
    deps.guards->report_firing({firing.begin(), firing.end()}, count_allowed(now, *snapshot));
  }
  return screened;
}

void Responder::State::close(const std::vector<Alert>& alerts,
                             const std::vector<ScreenedAlert>& screened) {
  const base::SystemTime now = clock.system_now();
  episodes.with([&](EpisodeSets& sets) {
    for (std::size_t at = 0; at < alerts.size(); ++at) {
      const AlertDecision& decision = screened[at].decision;
      if (screened[at].rule != nullptr && decision.status == AlertStatus::resolved) {
        const base::SystemTime ended = alerts[at].ended.value_or(now);
        sets.enforced.close(decision.rule, decision.fingerprint, ended);
        sets.dry_runs.close(decision.rule, decision.fingerprint, ended);
      }
    }
  });
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
        .now = now,
        .began = command->trigger->began};
    const auto [reservation, unreadable] = episodes.with([&](EpisodeSets& sets) {
      const bool refuses = !sets.unreadable.empty() && !command->dry_run;
      return std::pair(refuses ? Episodes::Reservation{Outcome::exhausted, 0, ""}
                               : sets.of(command->dry_run).reserve(key, conditions),
                       refuses ? sets.unreadable : std::string());
    });
    if (!unreadable.empty()) {
      decision.decision = {Reason::state_unreadable,
                           unreadable + ": a person has to look and reset the guards"};
    } else if (reservation.outcome != Outcome::reserved) {
      decision.decision = decision_of(reservation, conditions);
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
    episodes.with(
        [&](EpisodeSets& sets) { sets.of(dry_run).confirm(candidate.key, submission->id); });
    return;
  }
  const guards::Refusal& refusal = submission.error();
  episodes.with([&](EpisodeSets& sets) { sets.of(dry_run).release(candidate.key); });
  decision.decision = {verdict_of(refusal.reason), refusal.error.message};
}

void Responder::State::leave_undecided(const Candidate& candidate, ScreenedAlert& screened) {
  episodes.with(
      [&](EpisodeSets& sets) { sets.of(candidate.command.dry_run).release(candidate.key); });
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

void Responder::State::save() {
  const std::scoped_lock lock(saving);
  const std::string text = episodes.with([](const EpisodeSets& sets) {
    return sets.unreadable.empty() ? sets.enforced.text() : std::string();
  });
  if (text.empty() || text == saved) {
    return;
  }
  if (const auto written = deps.state->write(file_name, text); !written) {
    log.error(
        "the episodes of alerts cannot be written: after a restart the journal alone tells"
        " of them",
        {{"error", written.error().message}});
    return;
  }
  saved = text;
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
  state_->read_episodes(journalled);
  configure(options);
}

Responder::~Responder() = default;

void Responder::configure(const Options& options) {
  auto next = std::make_shared<const Rules>(options);
  state_->rules.with([&](auto& rules) { rules = std::move(next); });
  state_->episodes.with([](auto& sets) { sets.dry_runs.clear(); });
  state_->counted.with([&](Stats& stats) {
    stats.decisions.try_emplace(no_rule_label);
    for (const Rule& rule : options.rules) {
      stats.decisions.try_emplace(rule.name);
    }
  });
}

WebhookResult Responder::receive(const std::vector<Alert>& alerts, const Sender& sender) {
  WebhookResult result;
  if (!state_->deps.snapshot()->complete) {
    result.retry = "the supervisords have not been read yet";
    return result;
  }
  const auto rules = state_->rules.copy();
  const base::Duration ttl = rules->options().episode_ttl;
  const base::SteadyTime now = state_->clock.steady_now();
  state_->finish_attempts();
  state_->episodes.with([&](auto& sets) {
    sets.enforced.expire(now, ttl);
    sets.dry_runs.expire(now, ttl);
  });
  auto screened = state_->screen_all(alerts, *rules, sender);
  state_->close(alerts, screened);
  state_->submit(state_->reserve(screened), screened, result);
  state_->save();
  for (ScreenedAlert& each : screened) {
    if (!each.undecided) {
      result.decisions.push_back(std::move(each.decision));
    }
  }
  state_->record(result, sender);
  return result;
}

bool Responder::unreadable() const {
  return state_->episodes.with([](const auto& sets) { return !sets.unreadable.empty(); });
}

base::Result<void> Responder::forget_unreadable() {
  const std::scoped_lock lock(state_->saving);
  if (!unreadable()) {
    return {};
  }
  const std::string text = Episodes().text();
  return state_->deps.state->write(file_name, text).map([&] {
    state_->saved = text;
    state_->episodes.with([](auto& sets) { sets = {}; });
  });
}

Stats Responder::stats() const {
  return state_->counted.copy();
}

}  // namespace reeve::alerts
