#include "control/runner.h"

#include <algorithm>
#include <string>
#include <utility>

namespace reeve::control {

using base::Deadline;
using base::Duration;
using base::Error;
using base::ErrorKind;
using substrate::Outcome;

namespace {

/// An obedient process is seen soon, a slow one costs supervisord little.
constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{250};
/// A restart whose stop is under way is not given up easily: its process would stay stopped.
constexpr std::chrono::minutes restart_patience{10};
constexpr std::chrono::seconds patience{60};

/// After such an answer to a request it may have been carried out or not.
bool leaves_unknown(ErrorKind kind) {
  return kind == ErrorKind::timeout || kind == ErrorKind::unreachable ||
         kind == ErrorKind::socket_missing || kind == ErrorKind::malformed ||
         kind == ErrorKind::cancelled;
}

std::string describe(const Seen& seen) {
  if (!seen) {
    return seen.error().message;
  }
  const auto incarnation = seen->incarnation();
  return std::string(to_string(seen->state)) + (incarnation ? ", " + incarnation->text() : "");
}

class Runner {
 public:
  Runner(Operation operation, const Errand& errand)
      : operation_(std::move(operation)), errand_(errand) {}

  Operation run();
  Operation run_on(Seen seen);
  Operation start_stopped() { return go_on(look()); }

 private:
  using Kind = NextStep::Kind;
  using Answer = base::Result<Outcome>;

  [[nodiscard]] bool is_restart() const {
    return operation_.command.action == guards::Action::restart;
  }
  /// What ends a wait: a restart goes on until there is no more time at all.
  [[nodiscard]] const std::stop_token& token() const {
    return is_restart() ? errand_.now : errand_.hurry;
  }
  [[nodiscard]] Deadline within(Duration span) const {
    return Deadline::after(*errand_.clock, span, token());
  }
  [[nodiscard]] bool patient() const;
  /// Before the next look; false if there is no more time.
  bool pause();
  [[nodiscard]] Seen look() const;
  void note_before(const Seen& seen);
  /// Sees what the stop's answer tells, should that never come: from there on a start is owed.
  void note_stopped(const Seen& seen);
  base::Result<void> note(Step step, std::string detail);
  /// Records what is about to be asked for; false if that is not to be done.
  bool announce(Step step, std::string detail);
  Operation go_on(Seen seen);
  /// Does what was decided; false if that was the end.
  bool carry_out(Kind kind);
  /// The last word before the first request; false if it is no.
  bool may_go_on(const NextStep& next, const Seen& seen);
  bool settle(const Answer& answer, Step done);
  [[nodiscard]] Answer ask_stop();
  [[nodiscard]] Answer ask_start();
  [[nodiscard]] Answer ask_signal();
  bool finish(const NextStep& end, const Seen& seen);
  bool fail(OperationResult result, Error error);
  void close(OperationResult result, std::string detail);

  Operation operation_;
  const Errand& errand_;
  base::SteadyTime since_{};  ///< the first request
  Duration pause_ = first_pause;
};

Operation Runner::run() {
  operation_.state = OperationState::running;
  Seen seen = look();
  note_before(seen);
  (void)note(Step::looked, describe(seen));  // announces nothing
  return go_on(std::move(seen));
}

Operation Runner::run_on(Seen seen) {
  operation_.state = OperationState::running;
  (void)note(Step::resumed, describe(seen));
  return go_on(std::move(seen));
}

Operation Runner::go_on(Seen seen) {
  since_ = errand_.clock->steady_now();
  for (;;) {
    note_stopped(seen);
    const NextStep next = next_step(operation_, seen, patient());
    if (errand_.only_until_stopped && next.kind == Kind::start && is_restart()) {
      return std::move(operation_);
    }
    const bool goes_on = may_go_on(next, seen) &&
                         (next.kind == Kind::finish ? finish(next, seen) : carry_out(next.kind));
    if (!goes_on) {
      return std::move(operation_);
    }
    seen = look();
  }
}

bool Runner::patient() const {
  const guards::Command& command = operation_.command;
  const Duration asked =
      command.action == guards::Action::stop ? errand_.spans.stop : errand_.spans.start;
  const Duration limit =
      is_restart() ? std::max<Duration>(restart_patience,
                                        errand_.spans.stop + errand_.spans.start + patience)
                   : asked + patience;
  return errand_.clock->steady_now() - since_ < limit;
}

bool Runner::pause() {
  const Duration span = pause_;
  pause_ = std::min<Duration>(2 * pause_, longest_pause);
  return within(restart_patience).wait(span);
}

Seen Runner::look() const {
  return errand_.member.substrate->get_instance(operation_.command.target.name,
                                                within(errand_.member.call_timeout));
}

void Runner::note_before(const Seen& seen) {
  if (seen) {
    operation_.incarnation_before = seen->incarnation();
    operation_.last_spawn_before = seen->start_time;
  }
}

void Runner::note_stopped(const Seen& seen) {
  if (!seen) {
    return;
  }
  if (is_restart() && progress(operation_) == Step::stop_requested &&
      !substrate::is_active(seen->state)) {
    operation_.state = OperationState::running;
    operation_.changed = true;
    (void)note(Step::stopped, "seen");
  }
  if (progress(operation_) == Step::stopped) {
    operation_.last_spawn_before = seen->start_time;
  }
}

base::Result<void> Runner::note(Step step, std::string detail) {
  operation_.steps.push_back({step, errand_.clock->system_now(), std::move(detail)});
  pause_ = first_pause;
  return errand_.record(operation_);
}

bool Runner::announce(Step step, std::string detail) {
  // A start that a restart owes is asked for even so: its process would stay stopped.
  const bool owed = progress(operation_) == Step::stopped;
  auto recorded = note(step, std::move(detail));
  if (recorded || owed) {
    return true;
  }
  operation_.steps.pop_back();
  return fail(OperationResult::failed, std::move(recorded.error()));
}

bool Runner::may_go_on(const NextStep& next, const Seen& seen) {
  const bool is_first = progress(operation_) == Step::looked;
  const bool would_act = next.kind != Kind::finish || !seen;
  auto refusal = is_first && would_act ? errand_.object(seen) : std::nullopt;
  if (!refusal) {
    return true;
  }
  operation_.verdict = refusal->verdict;
  operation_.changed = false;
  return fail(OperationResult::refused, std::move(refusal->error));
}

bool Runner::carry_out(Kind kind) {
  switch (kind) {
    case Kind::stop:
      return announce(Step::stop_requested, "") && settle(ask_stop(), Step::stopped);
    case Kind::start:
      if (progress(operation_) != Step::start_requested) {
        if (!announce(Step::start_requested, "")) {
          return false;
        }
      } else if (!pause()) {
        break;
      }
      return settle(ask_start(), Step::started);
    case Kind::signal:
      return announce(Step::signal_requested, operation_.command.signal) &&
             settle(ask_signal(), Step::signalled);
    case Kind::look_again:
      if (pause()) {
        return true;
      }
      break;
    case Kind::finish:
      break;
  }
  return fail(OperationResult::abandoned,
              {ErrorKind::cancelled, "the agent shut down before the outcome was seen"});
}

bool Runner::settle(const Answer& answer, Step done) {
  if (answer) {
    operation_.state = OperationState::running;
    operation_.changed = operation_.changed.value_or(false) || *answer == Outcome::changed;
    (void)note(done, *answer == Outcome::changed ? "" : "it was so already");
    return true;
  }
  // A supervisord that goes down may be restarting: the start that is owed waits for it.
  const bool owed =
      is_restart() && done == Step::started && answer.error().kind == ErrorKind::shutting_down;
  if (!owed && !leaves_unknown(answer.error().kind)) {
    return fail(OperationResult::failed, answer.error());
  }
  if (operation_.state != OperationState::verifying) {
    operation_.state = OperationState::verifying;
    (void)note(Step::outcome_unknown, answer.error().message);
  }
  return true;
}

Runner::Answer Runner::ask_stop() {
  const auto mode = is_restart() ? substrate::StopMode::graceful : operation_.command.stop_mode;
  return errand_.member.substrate->stop_instance(operation_.command.target.name, mode,
                                                 within(errand_.spans.stop));
}

Runner::Answer Runner::ask_start() {
  substrate::Substrate& substrate = *errand_.member.substrate;
  const substrate::InstanceName& name = operation_.command.target.name;
  Answer answer = substrate.start_instance(name, within(errand_.spans.start));
  if (is_restart() && !answer && answer.error().kind == ErrorKind::cancelled) {
    const Duration share = base::Duration(last_moment) / errand_.last_ones;
    return substrate.start_instance(name, Deadline::after(*errand_.clock, share));
  }
  return answer;
}

Runner::Answer Runner::ask_signal() {
  return errand_.member.administration
      ->signal(operation_.command.target.name, operation_.command.signal,
               within(errand_.member.call_timeout))
      .map([] { return Outcome::changed; });
}

bool Runner::finish(const NextStep& end, const Seen& seen) {
  if (seen && seen->state != substrate::InstanceState::stopping) {
    operation_.incarnation_after = seen->incarnation();
  }
  if (end.error) {
    return fail(end.result, *end.error);
  }
  operation_.changed = operation_.changed.value_or(false) || end.changed;
  close(end.result, describe(seen));
  return false;
}

bool Runner::fail(OperationResult result, Error error) {
  const bool cut_short = error.kind == ErrorKind::cancelled;
  close(cut_short ? OperationResult::abandoned : result, error.message);
  operation_.error = std::move(error);
  return false;
}

void Runner::close(OperationResult result, std::string detail) {
  const base::SystemTime now = errand_.clock->system_now();
  operation_.result = result;
  operation_.state = OperationState::done;
  operation_.finished_at = now;
  operation_.steps.push_back({Step::finished, now, std::move(detail)});
}

}  // namespace

Operation run(Operation operation, const Errand& errand) {
  return Runner(std::move(operation), errand).run();
}

Operation start_stopped(Operation operation, const Errand& errand) {
  return Runner(std::move(operation), errand).start_stopped();
}

Operation run_on(Operation operation, Seen seen, const Errand& errand) {
  return Runner(std::move(operation), errand).run_on(std::move(seen));
}

}  // namespace reeve::control
