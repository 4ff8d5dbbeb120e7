#include "alerts/responder.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <span>
#include <utility>

#include "alerts/episodes.h"
#include "alerts/rules.h"
#include "base/guarded.h"
#include "guards/absent.h"

namespace reeve::alerts {

using guards::Target;
using guards::Verdict;
using Standing = Episodes::Standing;

namespace {

/// What an alert is screened against.
struct Screen {
  const Rules& rules;
  const monitor::Snapshot& snapshot;
  const Sender& sender;
  /// Controller::permit.
  std::function<std::optional<guards::Refusal>(const guards::Command&)> permit;
};

struct Screened {
  AlertDecision decision;           ///< unless there is a command, it stands
  const ReadyRule* rule = nullptr;  ///< lives as long as the rules
  /// Fires, and is matched with this one known process that its rule allows: one for the breaker.
  bool counts = false;
  std::optional<guards::Command> command;
  bool undecided = false;  ///< the same post is wanted again
};

void decide(Screened& screened, Verdict verdict, std::string reason) {
  screened.decision.decision = {verdict, std::move(reason)};
}

std::string not_ours(const Alert& alert, const Rules& rules) {
  for (const auto& [label, value] : rules.options().identity) {
    const auto found = alert.labels.find(label);
    if (found == alert.labels.end() || found->second != value) {
      return "its label '" + label + "' is not '" + value + "': the alert is another agent's";
    }
  }
  return "";
}

/// Where no supervisord is named and there is only one, it is meant.
base::Result<Target> target_of(const Alert& alert, const ReadyRule& rule,
                               const monitor::Snapshot& snapshot) {
  auto target = rule.target.fill(alert.labels);
  if (target && target->supervisor.empty() && snapshot.supervisors.size() == 1) {
    target->supervisor = snapshot.supervisors.front().name;
  }
  return target;
}

/// Why this is not one known process; nothing if it is.
std::optional<guards::Decision> unknown(const Target& target, const monitor::Snapshot& snapshot) {
  const auto* const supervisor = snapshot.find(target.supervisor);
  if (supervisor == nullptr) {
    return guards::Decision{Verdict::no_target,
                            guards::no_such_supervisor(target.supervisor, snapshot)};
  }
  if (supervisor->find(target.name) != nullptr) {
    return std::nullopt;
  }
  if (!supervisor->up && supervisor->processes.empty()) {
    return guards::Decision{Verdict::unreachable,
                            "supervisord was never read: " + supervisor->last_error};
  }
  return guards::Decision{Verdict::no_target, guards::no_such_process(target)};
}

guards::Command command_of(const Alert& alert, const ReadyRule& rule, const Target& target,
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

void screen_target(const Alert& alert, const Screen& against, Screened& screened) {
  const ReadyRule& rule = *screened.rule;
  const auto target = target_of(alert, rule, against.snapshot);
  if (!target) {
    return decide(screened, Verdict::no_target, target.error().message);
  }
  screened.decision.target = *target;
  if (auto decision = unknown(*target, against.snapshot)) {
    screened.decision.decision = *std::move(decision);
    return;
  }
  if (!any_matches(rule.rule.allow, target->supervisor, target->name)) {
    return decide(screened, Verdict::not_allowed,
                  "'" + target->text() + "' is not in the allow list of the rule");
  }
  screened.counts = true;
  guards::Command command = command_of(alert, rule, *target, against.sender);
  auto refusal = against.permit(command);
  // A supervisord that is away is told of by the controller, if it comes to that.
  if (refusal && refusal->verdict != Verdict::unreachable) {
    return decide(screened, refusal->verdict.value_or(Verdict::not_allowed),
                  std::move(refusal->error.message));
  }
  screened.command = std::move(command);
}

Screened screen(const Alert& alert, const Screen& against) {
  Screened screened;
  screened.decision = {.fingerprint = alert.fingerprint,
                       .alertname = alert.name(),
                       .status = alert.status,
                       .rule = "",
                       .action = std::nullopt,
                       .target = std::nullopt,
                       .decision = {},
                       .operation = ""};
  if (!against.rules.concerns_us(alert)) {
    decide(screened, Verdict::not_here, not_ours(alert, against.rules));
    return screened;
  }
  screened.rule = against.rules.find(alert);
  if (screened.rule == nullptr) {
    decide(screened, Verdict::no_rule, "no rule matches its labels");
    return screened;
  }
  screened.decision.rule = screened.rule->rule.name;
  screened.decision.action = screened.rule->rule.action;
  if (screened.rule->mode == Mode::off) {
    decide(screened, Verdict::off, "the rule is off");
  } else if (alert.status == AlertStatus::resolved) {
    decide(screened, Verdict::resolved, "the alert is over");
  } else {
    screen_target(alert, against, screened);
  }
  return screened;
}

/// How many processes some rule may act on.
std::size_t count_allowed(const Rules& rules, const monitor::Snapshot& snapshot) {
  std::size_t count = 0;
  for (const monitor::SupervisorSnapshot& supervisor : snapshot.supervisors) {
    count += static_cast<std::size_t>(std::count_if(
        supervisor.processes.begin(), supervisor.processes.end(), [&](const auto& process) {
          return std::any_of(rules.all().begin(), rules.all().end(), [&](const ReadyRule& rule) {
            return rule.mode != Mode::off &&
                   any_matches(rule.rule.allow, supervisor.name, process.detail.name);
          });
        }));
  }
  return count;
}

constexpr auto file_name = "episodes.json";
constexpr std::size_t max_file_bytes = std::size_t{16} * 1024 * 1024;
/// Operations for alerts that are not done.
constexpr std::size_t longest_queue = 256;

/// One alert that passed the screening, and whose episode is reserved for it.
struct Candidate {
  std::size_t at;  ///< of its decision
  EpisodeKey key;
  guards::Command command;
};

EpisodeKey key_of(const guards::Command& command) {
  return {command.trigger->rule, command.trigger->fingerprint, command.target};
}

/// What the controller's refusal is for an alert.
Verdict verdict_of(const guards::Refusal& refusal) {
  return refusal.verdict.value_or(refusal.reason == guards::RefusalReason::in_flight
                                      ? Verdict::in_flight
                                      : Verdict::unreachable);
}

/// Nothing was wrong with the command: the same is wanted once more.
bool wants_retry(const guards::Refusal& refusal) {
  return refusal.reason == guards::RefusalReason::shutting_down ||
         refusal.reason == guards::RefusalReason::not_recorded;
}

guards::Decision standing_decision(const Episodes::Reply& reply, const Terms& terms) {
  if (reply.standing == Standing::stale) {
    return {Verdict::duplicate, "the alert was resolved since: this tells of it as it was before"};
  }
  const std::string last =
      reply.operation.empty() ? "an attempt" : "the operation " + reply.operation;
  if (reply.standing == Standing::duplicate) {
    return {Verdict::duplicate,
            last + (terms.cools_down ? " was made for this alert, and its process cools down"
                                     : " is made for this alert already")};
  }
  return {Verdict::attempts_exhausted, std::to_string(reply.attempts) + " of " +
                                           std::to_string(terms.max_attempts) +
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
  entry.decision = to_string(decision.decision.verdict);
  entry.reason = decision.decision.reason;
  entry.operation = decision.operation;
  return entry;
}

}  // namespace

struct Responder::State {
  struct Memory {
    Episodes acted;
    Episodes rehearsed;
    std::string unreadable;  ///< why; empty if all is well

    [[nodiscard]] Episodes& of(bool rehearsal) { return rehearsal ? rehearsed : acted; }
  };

  State(Surroundings given, const Options& options, const base::Clock& its_clock, base::Log its_log)
      : around(std::move(given)),
        clock(its_clock),
        log(std::move(its_log)),
        rules(std::make_shared<const Rules>(options)) {}

  void read_episodes(const std::vector<control::Operation>& journalled);
  void settle();
  [[nodiscard]] std::vector<Screened> screen_all(const std::vector<Alert>& alerts, const Rules& now,
                                                 const Sender& sender) const;
  /// Closes the episodes of what is over.
  void close(const std::vector<Alert>& alerts, const std::vector<Screened>& screened);
  [[nodiscard]] std::vector<Candidate> reserve(std::vector<Screened>& screened);
  void submit(const std::vector<Candidate>& candidates, std::vector<Screened>& screened,
              Answer& answer);
  /// How many of the slice are queued now.
  [[nodiscard]] std::size_t submit_slice(std::span<const Candidate> slice,
                                         std::vector<Screened>& screened, Answer& answer);
  void conclude(const Candidate& candidate, const control::Admission& admission,
                AlertDecision& decision);
  /// Nothing is decided: the same post is wanted again.
  void postpone(const Candidate& candidate, Screened& screened);
  void save();
  void record(const Answer& answer, const Sender& sender);

  const Surroundings around;
  const base::Clock& clock;
  const base::Log log;
  base::Guarded<std::shared_ptr<const Rules>> rules;
  base::Guarded<Memory> memory;
  base::Guarded<Stats> counted;
  std::mutex saving;  ///< one writer of the file at a time, so that the last one is the newest
  std::string saved;  ///< under `saving`
};

void Responder::State::read_episodes(const std::vector<control::Operation>& journalled) {
  const auto text = around.state->read(file_name, max_file_bytes);
  const base::SteadyTime now = clock.steady_now();
  auto known = text ? Episodes::parse(*text, now) : std::nullopt;
  const bool is_new = !text && text.error().kind == base::ErrorKind::not_found;
  memory.with([&](Memory& all) {
    if (!known && !is_new) {
      all.unreadable = around.state->path(file_name) + ": " +
                       (text ? "not what this agent writes" : text.error().message);
    }
    all.acted = std::move(known).value_or(Episodes());
    saved = all.acted.text();
    for (const control::Operation& operation : journalled) {
      all.acted.adopt(operation, now);
    }
  });
  if (!known && !is_new) {
    log.error(
        "the episodes of alerts cannot be read: nothing is done for alerts until they are"
        " reset",
        {{"file", around.state->path(file_name)}});
  }
}

/// Looks what became of the attempts that were under way.
void Responder::State::settle() {
  const auto pending = memory.with([](const Memory& all) { return all.acted.under_way(); });
  for (const std::string& id : pending) {
    const auto operation = around.controller->find(id);
    if (!operation || operation->done()) {
      const bool acted = !operation || has_acted(*operation);
      memory.with([&](Memory& all) { all.acted.settle(id, acted); });
    }
  }
}

std::vector<Screened> Responder::State::screen_all(const std::vector<Alert>& alerts,
                                                   const Rules& now, const Sender& sender) const {
  const auto snapshot = around.snapshot();
  const Screen against{now, *snapshot, sender, [this](const guards::Command& command) {
                         return around.controller->permit(command);
                       }};
  std::vector<Screened> screened;
  screened.reserve(alerts.size());
  std::set<guards::Target> firing;
  for (const Alert& alert : alerts) {
    screened.push_back(screen(alert, against));
    if (screened.back().counts) {
      firing.insert(*screened.back().decision.target);
    }
  }
  if (!firing.empty()) {
    around.guards->firing({firing.begin(), firing.end()}, count_allowed(now, *snapshot));
  }
  return screened;
}

void Responder::State::close(const std::vector<Alert>& alerts,
                             const std::vector<Screened>& screened) {
  const base::SystemTime now = clock.system_now();
  memory.with([&](Memory& all) {
    for (std::size_t at = 0; at < alerts.size(); ++at) {
      const AlertDecision& decision = screened[at].decision;
      if (screened[at].rule != nullptr && decision.status == AlertStatus::resolved) {
        const base::SystemTime ended = alerts[at].ended.value_or(now);
        all.acted.close(decision.rule, decision.fingerprint, ended);
        all.rehearsed.close(decision.rule, decision.fingerprint, ended);
      }
    }
  });
}

std::vector<Candidate> Responder::State::reserve(std::vector<Screened>& screened) {
  std::vector<Candidate> candidates;
  const base::SteadyTime now = clock.steady_now();
  for (std::size_t at = 0; at < screened.size(); ++at) {
    AlertDecision& decision = screened[at].decision;
    auto& command = screened[at].command;
    if (!command) {
      continue;
    }
    const EpisodeKey key = key_of(*command);
    const Terms terms{screened[at].rule->rule.max_attempts,
                      around.guards->cooling_down(command->target, command->dry_run), now,
                      command->trigger->began};
    const auto [reply, unreadable] = memory.with([&](Memory& all) {
      const bool refuses = !all.unreadable.empty() && !command->dry_run;
      return std::pair(refuses ? Episodes::Reply{Standing::exhausted, 0, ""}
                               : all.of(command->dry_run).reserve(key, terms),
                       refuses ? all.unreadable : std::string());
    });
    if (!unreadable.empty()) {
      decision.decision = {Verdict::state_unreadable,
                           unreadable + ": a person has to look and reset the guards"};
    } else if (reply.standing != Standing::reserved) {
      decision.decision = standing_decision(reply, terms);
    } else {
      command->trigger->later_attempt = reply.attempts > 0;
      candidates.push_back({at, key, *std::move(command)});
    }
  }
  return candidates;
}

void Responder::State::conclude(const Candidate& candidate, const control::Admission& admission,
                                AlertDecision& decision) {
  const bool rehearsal = candidate.command.dry_run;
  if (admission) {
    decision.operation = admission->id;
    decision.decision = rehearsal
                            ? guards::Decision{Verdict::would_act, "a rehearsal: nothing is done"}
                            : guards::Decision{Verdict::accepted, "the operation is queued"};
    memory.with([&](Memory& all) { all.of(rehearsal).confirm(candidate.key, admission->id); });
    return;
  }
  const guards::Refusal& refusal = admission.error();
  memory.with([&](Memory& all) { all.of(rehearsal).release(candidate.key); });
  decision.decision = {verdict_of(refusal), refusal.error.message};
}

void Responder::State::postpone(const Candidate& candidate, Screened& screened) {
  memory.with([&](Memory& all) { all.of(candidate.command.dry_run).release(candidate.key); });
  screened.undecided = true;
}

/// In slices that the queue has room for, whatever becomes of them: only what is queued takes room.
void Responder::State::submit(const std::vector<Candidate>& candidates,
                              std::vector<Screened>& screened, Answer& answer) {
  const std::size_t waiting = around.controller->unfinished(guards::Source::alert);
  std::size_t room = longest_queue - std::min(waiting, longest_queue);
  auto next = candidates.begin();
  while (next != candidates.end() && room > 0) {
    const auto end = next + std::min(static_cast<std::ptrdiff_t>(room), candidates.end() - next);
    room -= submit_slice({next, end}, screened, answer);
    next = end;
  }
  for (; next != candidates.end(); ++next) {
    answer.retry = "too many operations are waiting already";
    postpone(*next, screened[next->at]);
  }
}

std::size_t Responder::State::submit_slice(std::span<const Candidate> slice,
                                           std::vector<Screened>& screened, Answer& answer) {
  std::vector<guards::Command> commands;
  commands.reserve(slice.size());
  for (const Candidate& candidate : slice) {
    commands.push_back(candidate.command);
  }
  const auto admissions = around.controller->submit_all(commands);
  std::size_t queued = 0;
  for (std::size_t i = 0; i < slice.size(); ++i) {
    Screened& alert = screened[slice[i].at];
    if (!admissions[i] && wants_retry(admissions[i].error())) {
      answer.retry = admissions[i].error().error.message;
      postpone(slice[i], alert);
    } else {
      conclude(slice[i], admissions[i], alert.decision);
      if (admissions[i] && !slice[i].command.dry_run) {
        ++queued;
      }
    }
  }
  return queued;
}

void Responder::State::save() {
  const std::scoped_lock lock(saving);
  const std::string text = memory.with(
      [](const Memory& all) { return all.unreadable.empty() ? all.acted.text() : std::string(); });
  if (text.empty() || text == saved) {
    return;
  }
  if (const auto written = around.state->write(file_name, text); !written) {
    log.error(
        "the episodes of alerts cannot be written: after a restart the journal alone tells"
        " of them",
        {{"error", written.error().message}});
    return;
  }
  saved = text;
}

void Responder::State::record(const Answer& answer, const Sender& sender) {
  const base::SystemTime now = clock.system_now();
  std::vector<control::AuditEntry> entries;
  entries.reserve(answer.decisions.size());
  for (const AlertDecision& decision : answer.decisions) {
    entries.push_back(entry_of(decision, sender, now));
  }
  around.audit->record(entries);
  counted.with([&](Stats& stats) {
    for (const AlertDecision& decision : answer.decisions) {
      auto& counts = stats.decisions[decision.rule.empty() ? no_rule_label : decision.rule];
      ++counts.at(static_cast<std::size_t>(decision.decision.verdict));
    }
  });
}

Responder::Responder(Surroundings surroundings, const Options& options, const base::Clock& clock,
                     base::Log log, const std::vector<control::Operation>& journalled)
    : state_(std::make_unique<State>(std::move(surroundings), options, clock, std::move(log))) {
  state_->read_episodes(journalled);
  configure(options);
}

Responder::~Responder() = default;

void Responder::configure(const Options& options) {
  auto next = std::make_shared<const Rules>(options);
  state_->rules.with([&](auto& rules) { rules = std::move(next); });
  state_->memory.with([](auto& all) { all.rehearsed.clear(); });
  state_->counted.with([&](Stats& stats) {
    stats.decisions.try_emplace(no_rule_label);
    for (const Rule& rule : options.rules) {
      stats.decisions.try_emplace(rule.name);
    }
  });
}

Answer Responder::receive(const std::vector<Alert>& alerts, const Sender& sender) {
  Answer answer;
  if (!state_->around.snapshot()->complete) {
    answer.retry = "the supervisords have not been read yet";
    return answer;
  }
  const auto rules = state_->rules.copy();
  const base::Duration ttl = rules->options().episode_ttl;
  const base::SteadyTime now = state_->clock.steady_now();
  state_->settle();
  state_->memory.with([&](auto& all) {
    all.acted.expire(now, ttl);
    all.rehearsed.expire(now, ttl);
  });
  auto screened = state_->screen_all(alerts, *rules, sender);
  state_->close(alerts, screened);
  state_->submit(state_->reserve(screened), screened, answer);
  state_->save();
  for (Screened& each : screened) {
    if (!each.undecided) {
      answer.decisions.push_back(std::move(each.decision));
    }
  }
  state_->record(answer, sender);
  return answer;
}

bool Responder::unreadable() const {
  return state_->memory.with([](const auto& all) { return !all.unreadable.empty(); });
}

base::Result<void> Responder::forget_unreadable() {
  const std::scoped_lock lock(state_->saving);
  if (!unreadable()) {
    return {};
  }
  const std::string text = Episodes().text();
  return state_->around.state->write(file_name, text).map([&] {
    state_->saved = text;
    state_->memory.with([](auto& all) { all = {}; });
  });
}

Stats Responder::stats() const {
  return state_->counted.copy();
}

}  // namespace reeve::alerts
