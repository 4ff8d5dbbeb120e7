#include "control/runner.h"

#include <algorithm>
#include <string>
#include <utility>

namespace reeve::control {

using base::Deadline;
using base::Duration;
using base::Error;
using base::ErrorKind;
using guards::Observation;
using substrate::Outcome;

namespace {

/// Short for fast processes; doubled, so that slow ones cost supervisord little.
constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{250};
/// For a restart: giving up during its stop would leave the process stopped.
constexpr std::chrono::minutes restart_grace{10};
/// Beyond the timeout of the action.
constexpr std::chrono::seconds grace{60};

std::string describe(const Observation& seen) {
  if (!seen) {
    return seen.error().message;
  }
  const auto incarnation = seen->incarnation();
  return std::string(to_string(seen->state)) + (incarnation ? ", " + incarnation->text() : "");
}

class Runner {
 public:
  Runner(Operation operation, const ExecutionContext& context)
      : operation_(std::move(operation)), context_(context) {}

  Operation run();
  Operation resume(Observation seen);
  Operation start_stopped() { return proceed(look()); }

 private:
  using Kind = NextStep::Kind;
  using Answer = base::Result<Outcome>;

  [[nodiscard]] bool is_restart() const {
    return operation_.command.action == guards::Action::restart;
  }
  /// What ends a wait: a restart continues until the agent aborts.
  [[nodiscard]] const std::stop_token& token() const {
    return is_restart() ? context_.abort_requested : context_.drain_requested;
  }
  [[nodiscard]] Deadline within(Duration span) const {
    return Deadline::after(*context_.clock, span, token());
  }
  [[nodiscard]] bool may_look_again() const;
  /// Waits before the next look; false if there is no time for it.
  bool pause();
  [[nodiscard]] Observation look() const;
  void note_before(const Observation& seen);
  /// Records that a restart is stopped, even if the stop was not answered: its start is due.
  void note_stopped(const Observation& seen);
  base::Result<void> add_step(OperationStep step, std::string detail);
  /// Records the request that is about to be sent; false if it must not be sent.
  bool announce_request(OperationStep step, std::string detail);
  Operation proceed(Observation seen);
  /// Sends the request, or waits; false if the operation has ended.
  bool carry_out(Kind kind);
  /// Rechecks before the first request; false if that refuses it.
  bool may_proceed(const NextStep& next, const Observation& seen);
  bool take_answer(const Answer& answer, OperationStep done);
  [[nodiscard]] Answer ask_stop();
  [[nodiscard]] Answer ask_start();
  [[nodiscard]] Answer ask_signal();
  bool finish(const NextStep& end, const Observation& seen);
  bool fail(OperationResult result, Error error);
  void end_with(OperationResult result, std::string detail);

  Operation operation_;
  const ExecutionContext& context_;
  base::SteadyTime since_{};  ///< the first request
  Duration pause_ = first_pause;
};

Operation Runner::run() {
  operation_.state = OperationState::running;
  Observation seen = look();
  note_before(seen);
  (void)add_step(OperationStep::looked, describe(seen));  // no request follows it
  return proceed(std::move(seen));
}

Operation Runner::resume(Observation seen) {
  operation_.state = OperationState::running;
  (void)add_step(OperationStep::resumed, describe(seen));
  return proceed(std::move(seen));
}

Operation Runner::proceed(Observation seen) {
  since_ = context_.clock->steady_now();
  for (;;) {
    note_stopped(seen);
    const NextStep next = next_step(operation_, seen, may_look_again());
    if (context_.only_until_stopped && next.kind == Kind::start && is_restart()) {
      return std::move(operation_);
    }
    const bool continues = may_proceed(next, seen) &&
                           (next.kind == Kind::finish ? finish(next, seen) : carry_out(next.kind));
    if (!continues) {
      return std::move(operation_);
    }
    seen = look();
  }
}

bool Runner::may_look_again() const {
  const guards::Command& command = operation_.command;
  const Duration asked =
      command.action == guards::Action::stop ? context_.timeouts.stop : context_.timeouts.start;
  const Duration limit =
      is_restart() ? std::max<Duration>(restart_grace,
                                        context_.timeouts.stop + context_.timeouts.start + grace)
                   : asked + grace;
  return context_.clock->steady_now() - since_ < limit;
}

bool Runner::pause() {
  const Duration span = pause_;
  pause_ = std::min<Duration>(2 * pause_, longest_pause);
  return within(restart_grace).wait(span);
}

Observation Runner::look() const {
  return context_.member.substrate->get_instance(operation_.command.target.name,
                                                 within(context_.member.call_timeout));
}

void Runner::note_before(const Observation& seen) {
  if (seen) {
    operation_.incarnation_before = seen->incarnation();
    operation_.last_spawn_before = seen->start_time;
  }
}

void Runner::note_stopped(const Observation& seen) {
  if (!seen) {
    return;
  }
  if (is_restart() && progress(operation_) == OperationStep::stop_requested &&
      !substrate::is_active(seen->state)) {
    operation_.state = OperationState::running;
    operation_.changed = true;
    (void)add_step(OperationStep::stopped, "seen");
  }
  if (progress(operation_) == OperationStep::stopped) {
    operation_.last_spawn_before = seen->start_time;
  }
}

base::Result<void> Runner::add_step(OperationStep step, std::string detail) {
  operation_.steps.push_back({step, context_.clock->system_now(), std::move(detail)});
  pause_ = first_pause;
  return context_.record(operation_);
}

bool Runner::announce_request(OperationStep step, std::string detail) {
  // The start of a restart is requested even so: the process would stay stopped.
  const bool is_due = progress(operation_) == OperationStep::stopped;
  auto recorded = add_step(step, std::move(detail));
  if (recorded || is_due) {
    return true;
  }
  operation_.steps.pop_back();
  if (progress(operation_) != OperationStep::looked) {  // an earlier run of the agent has asked
    return fail(OperationResult::failed, std::move(recorded.error()));
  }
  operation_.refused_for = guards::Reason::not_recorded;
  operation_.changed = false;
  return fail(OperationResult::refused, not_recorded(recorded.error()));
}

bool Runner::may_proceed(const NextStep& next, const Observation& seen) {
  const bool is_first = progress(operation_) == OperationStep::looked;
  const bool would_act = next.kind != Kind::finish || !seen;
  auto refusal = is_first && would_act ? context_.recheck(seen) : std::nullopt;
  if (!refusal) {
    return true;
  }
  operation_.refused_for = refusal->reason;
  operation_.changed = false;
  return fail(OperationResult::refused, std::move(refusal->error));
}

bool Runner::carry_out(Kind kind) {
  switch (kind) {
    case Kind::stop:
      return announce_request(OperationStep::stop_requested, "") &&
             take_answer(ask_stop(), OperationStep::stopped);
    case Kind::start:
      if (progress(operation_) != OperationStep::start_requested) {
        if (!announce_request(OperationStep::start_requested, "")) {
          return false;
        }
      } else if (!pause()) {
        break;
      }
      return take_answer(ask_start(), OperationStep::started);
    case Kind::signal:
      return announce_request(OperationStep::signal_requested, operation_.command.signal) &&
             take_answer(ask_signal(), OperationStep::signalled);
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

bool Runner::take_answer(const Answer& answer, OperationStep done) {
  if (answer) {
    operation_.state = OperationState::running;
    operation_.changed = operation_.changed.value_or(false) || *answer == Outcome::changed;
    (void)add_step(done, *answer == Outcome::changed ? "" : "it was so already");
    return true;
  }
  // A supervisord that shuts down may be restarting: the start of a restart waits for it.
  const bool is_due = is_restart() && done == OperationStep::started &&
                      answer.error().kind == ErrorKind::shutting_down;
  if (!is_due && !leaves_unknown(answer.error().kind)) {
    return fail(OperationResult::failed, answer.error());
  }
  if (operation_.state != OperationState::verifying) {
    operation_.state = OperationState::verifying;
    (void)add_step(OperationStep::outcome_unknown, answer.error().message);
  }
  return true;
}

Runner::Answer Runner::ask_stop() {
  const auto mode = is_restart() ? substrate::StopMode::graceful : operation_.command.stop_mode;
  return context_.member.substrate->stop_instance(operation_.command.target.name, mode,
                                                  within(context_.timeouts.stop));
}

Runner::Answer Runner::ask_start() {
  substrate::Substrate& substrate = *context_.member.substrate;
  const substrate::InstanceName& name = operation_.command.target.name;
  Answer answer = substrate.start_instance(name, within(context_.timeouts.start));
  if (is_restart() && !answer && answer.error().kind == ErrorKind::cancelled) {
    const Duration share = base::Duration(final_start_timeout) / context_.concurrent_final_starts;
    return substrate.start_instance(name, Deadline::after(*context_.clock, share));
  }
  return answer;
}

Runner::Answer Runner::ask_signal() {
  return context_.member.administration
      ->signal(operation_.command.target.name, operation_.command.signal,
               within(context_.member.call_timeout))
      .map([] { return Outcome::changed; });
}

bool Runner::finish(const NextStep& end, const Observation& seen) {
  if (seen && seen->state != substrate::InstanceState::stopping) {
    operation_.incarnation_after = seen->incarnation();
  }
  if (end.error) {
    return fail(end.result, *end.error);
  }
  operation_.changed = operation_.changed.value_or(false) || end.changed;
  end_with(end.result, describe(seen));
  return false;
}

bool Runner::fail(OperationResult result, Error error) {
  const bool cut_short = error.kind == ErrorKind::cancelled;
  end_with(cut_short ? OperationResult::abandoned : result, error.message);
  operation_.error = std::move(error);
  return false;
}

void Runner::end_with(OperationResult result, std::string detail) {
  const base::SystemTime now = context_.clock->system_now();
  operation_.result = result;
  operation_.state = OperationState::done;
  operation_.finished_at = now;
  operation_.steps.push_back({OperationStep::finished, now, std::move(detail)});
}

}  // namespace

Operation run(Operation operation, const ExecutionContext& context) {
  return Runner(std::move(operation), context).run();
}

Operation start_stopped(Operation operation, const ExecutionContext& context) {
  return Runner(std::move(operation), context).start_stopped();
}

Operation resume(Operation operation, Observation seen, const ExecutionContext& context) {
  return Runner(std::move(operation), context).resume(std::move(seen));
}

}  // namespace reeve::control
