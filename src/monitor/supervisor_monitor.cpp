#include "monitor/supervisor_monitor.h"

#include <algorithm>
#include <utility>

#include "reeve/base/deadline.h"

namespace reeve::monitor {
namespace {

using base::Deadline;
using base::Duration;
using base::SteadyTime;
using base::Wakeup;

constexpr Duration max_between_heartbeats = std::chrono::seconds(5);
constexpr Duration between_first_polls = std::chrono::milliseconds(10);
constexpr Duration between_refusals = std::chrono::minutes(1);
/// After so many reads without an answer the log counts as refused: polls were answered meanwhile.
constexpr unsigned max_log_reads_unanswered = 3;
/// In one task: 4 MB and more. What is left is read by the next.
constexpr int max_log_reads = 64;

/// It answers that it has no log to read.
bool is_refusal(base::ErrorKind kind) {
  return kind == base::ErrorKind::no_file || kind == base::ErrorKind::not_found ||
         kind == base::ErrorKind::not_implemented || kind == base::ErrorKind::fault ||
         kind == base::ErrorKind::denied || kind == base::ErrorKind::malformed;
}

base::Log log_of(const Member& member, const base::Log& log) {
  return member.name.empty() ? log : log.with("supervisor", member.name);
}

/// The stop token of a poll: stopped with the agent, or when a heartbeat fails.
class AbandonablePoll {
 public:
  AbandonablePoll(const std::stop_token& stop, base::Guarded<std::stop_source>& running_poll)
      : forward_(stop, [this] { source_.request_stop(); }) {
    running_poll.with([&](std::stop_source& current) { current = source_; });
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::stop_callback<std::function<void()>> forward_;
};

}  // namespace

SupervisorMonitor::SupervisorMonitor(Member member, std::size_t index, const PollOptions& options,
                                     const base::Clock& clock, const base::Log& log,
                                     std::function<void()> publish, std::string run)
    : member_(std::move(member)),
      index_(index),
      clock_(clock),
      log_(log_of(member_, log)),
      publish_(std::move(publish)),
      run_(std::move(run)),
      options_(options),
      state_(SupervisorState(member_.name, member_.url)),
      meter_(member_.same_host, {.max_open_files = member_.kept_files}, log_) {
  if (member_.expects_events) {
    state_.with([](SupervisorState& state) { state.expect_events(); });
  }
}

void SupervisorMonitor::run_heartbeats(const std::stop_token& stop) {
  HeartbeatScheduler scheduler(
      clock_.steady_now(),
      JitteredInterval(static_cast<std::minstd_rand::result_type>(2 * index_ + 1)));
  for (;;) {
    const Duration period = std::min(options_.copy().interval, max_between_heartbeats);
    const SteadyTime next = std::min(scheduler.period_end(period),
                                     scheduler.next_heartbeat(poll_progress_.copy(), period));
    const auto reason = wake_heartbeat_.wait_until(next, stop);
    if (reason == Wakeup::Reason::stop) {
      return;
    }
    if (reason == Wakeup::Reason::nudge) {
      continue;
    }
    const SteadyTime begun = clock_.steady_now();
    const bool period_ended = begun >= scheduler.period_end(period);
    if (begun >= scheduler.next_heartbeat(poll_progress_.copy(), period)) {
      scheduler.sent(begun);
      send_heartbeat(stop);
    }
    if (period_ended) {
      scheduler.begin_period(begun);
      measure(stop);
    }
  }
}

void SupervisorMonitor::run_polls(const std::stop_token& stop) {
  const Duration begin =
      std::min(options_.copy().interval / 20, between_first_polls * static_cast<int>(index_));
  PollScheduler scheduler(
      clock_.steady_now() + begin,
      JitteredInterval(static_cast<std::minstd_rand::result_type>(2 * index_ + 2)));
  for (;;) {
    PollInputs inputs = state_.with(
        [&](const SupervisorState& state) { return state.poll_inputs(clock_.steady_now()); });
    inputs.follow_log = inputs.follow_log && may_read_log();
    const ScheduledTask scheduled = scheduler.next(inputs, options_.copy());
    const auto reason = wake_poll_.wait_until(scheduled.at, stop);
    if (reason == Wakeup::Reason::stop) {
      return;
    }
    if (reason == Wakeup::Reason::time) {
      const SteadyTime begun = clock_.steady_now();
      const Duration pause = run_task(scheduled.task, stop);
      scheduler.finished(scheduled.task, begun, clock_.steady_now(), pause);
    }
  }
}

void SupervisorMonitor::send_heartbeat(const std::stop_token& stop) {
  const SteadyTime asked = clock_.steady_now();
  const auto pid = member_.substrate->connect(Deadline::after(clock_, member_.call_timeout, stop));
  carry_out(state_.with(
      [&](SupervisorState& state) { return state.apply_heartbeat(pid, asked, now()); }));
}

/// Bounded, so that it delays heartbeats little.
void SupervisorMonitor::measure(const std::stop_token& stop) {
  const auto snapshot = state_.with([](const SupervisorState& state) { return state.snapshot(); });
  const Usages usages = meter_.measure(snapshot, options_.copy().resources,
                                       Deadline::after(clock_, max_between_heartbeats, stop));
  usages_.with([&](Usages& current) { current = usages; });
  if (usages) {
    publish_();
  }
}

Duration SupervisorMonitor::run_task(PollTask task, const std::stop_token& stop) {
  switch (task) {
    case PollTask::poll:
      return poll_with_log(stop);
    case PollTask::survey:
      return survey(stop);
    case PollTask::read_log:
      (void)read_log(stop);
      break;
    case PollTask::read_changed:
      read_changed(stop);
      break;
  }
  return Duration::zero();
}

Duration SupervisorMonitor::poll_with_log(const std::stop_token& stop) {
  if (!log_comes_with_poll()) {
    (void)read_log(stop);  // so that a restart of supervisord is known before its listing
  }
  const PollOutcome outcome = poll(PollTask::poll, stop);
  bool compare = outcome.log_at_end;
  const bool behind = !outcome.of_one_moment && state_.with([](const SupervisorState& state) {
    return state.log_is_behind_polls();
  });
  if (!outcome.log_at_end || behind) {
    compare = read_log(stop);
  }
  if (compare) {
    carry_out(state_.with([](SupervisorState& state) { return state.compare_log_with_poll(); }));
  }
  return outcome.pause;
}

Duration SupervisorMonitor::survey(const std::stop_token& stop) {
  if (!log_comes_with_poll()) {
    (void)read_log(stop);
  }
  const PollOutcome outcome = poll(PollTask::survey, stop);
  if (outcome.log_goes_on) {
    (void)read_log(stop);  // so that what is left fits into the next survey
  }
  return outcome.pause;
}

SupervisorMonitor::PollOutcome SupervisorMonitor::poll(PollTask task, const std::stop_token& stop) {
  const AbandonablePoll abandonable(stop, running_poll_);
  const bool unresponsive = state_.with([](SupervisorState& state) {
    if (state.unresponsive()) {
      state.poll_started();
    }
    return state.unresponsive();
  });
  SentPoll sent = unresponsive ? SentPoll{base::failure(base::ErrorKind::cancelled, "")}
                               : send_poll(task, abandonable.token());
  if (stop.stop_requested()) {
    return {};
  }
  PollOutcome outcome;
  if (!sent.result && sent.result.error().kind == base::ErrorKind::cancelled) {
    carry_out(state_.with([](SupervisorState& state) { return state.skip_poll(); }));
  } else if (!sent.result) {
    carry_out(state_.with([&](SupervisorState& state) {
      return state.apply_poll(base::failure(sent.result.error()), sent.took, now());
    }));
  } else if (auto poll = apply_pid_and_log(*std::move(sent.result), outcome)) {
    carry_out(state_.with([&](SupervisorState& state) {
      return state.apply_poll(*std::move(poll), sent.took, now());
    }));
  }
  request_description(stop);
  outcome.pause = state_.with([&](const SupervisorState& state) {
    return state.unresponsive() ? Duration::zero() : sent.took;
  });
  return outcome;
}

/// A log's text that cannot be part of an answer to a poll is read before another one, so that the
/// log is never behind a listing.
SupervisorMonitor::SentPoll SupervisorMonitor::send_poll(PollTask task,
                                                         const std::stop_token& stop) {
  poll_progress_.with([&](PollProgress& progress) { progress.began = clock_.steady_now(); });
  wake_heartbeat_.nudge();
  SentPoll sent = send_request(task, stop);
  if (sent.result && !sent.result->answer.log &&
      sent.result->answer.log.error().kind == base::ErrorKind::fault && read_log(stop)) {
    sent = send_request(task, stop);
  }
  poll_progress_.with([&](PollProgress& progress) {
    progress.began.reset();
    progress.answered_at = sent.result ? clock_.steady_now() : progress.answered_at;
  });
  return sent;
}

SupervisorMonitor::SentPoll SupervisorMonitor::send_request(PollTask task,
                                                            const std::stop_token& stop) {
  const SteadyTime asked = clock_.steady_now();
  const Deadline deadline = Deadline::after(clock_, options_.copy().timeout, stop);
  substrate::PollRequest request;
  if (log_comes_with_poll()) {
    request.log = tail_.next();
  }
  state_.with([&](SupervisorState& state) {
    request.max_name_age = state.max_name_age(asked);
    state.poll_started();
    if (task == PollTask::survey) {
      request.mark =
          EventRouter::mark_text(run_, {.member = index_, .anchor = state.begin_survey()});
    }
  });
  auto answer = member_.poll_source->poll(request, deadline);
  if (!answer && request.mark && answer.error().kind == base::ErrorKind::not_implemented) {
    state_.with([](SupervisorState& state) { state.surveys_not_implemented(); });
    request.mark.reset();
    request.max_name_age = Duration::zero();
    answer = member_.poll_source->poll(request, deadline);
  }
  const SteadyTime at = clock_.steady_now();
  return {.result = std::move(answer).map([&](substrate::PollAnswer&& each) {
            return AnsweredPoll{.answer = std::move(each),
                                .surveyed = request.mark.has_value(),
                                .log_asked = request.log.has_value(),
                                .asked = asked,
                                .at = at};
          }),
          .took = at - asked};
}

/// A new pid, or the log, tells a restart of the daemon from restarts of its processes: hence
/// before the listing.
std::optional<PollResult> SupervisorMonitor::apply_pid_and_log(AnsweredPoll answered,
                                                               PollOutcome& outcome) {
  const auto effects = state_.with([&](SupervisorState& state) {
    return state.apply_pid_of_poll(answered.answer.pid, answered.asked, now());
  });
  if (!effects) {
    return std::nullopt;
  }
  carry_out(*effects);
  PollResult poll;
  poll.pid = answered.answer.pid;
  poll.asked = answered.asked;
  poll.at = answered.at;
  if (answered.surveyed) {
    poll.survey.emplace();
  }
  outcome.of_one_moment = answered.answer.of_one_moment;
  if (answered.log_asked) {
    apply_log_of_poll(answered, poll, outcome);
  }
  poll.listing = std::move(answered.answer.listing);
  if (member_.same_host) {
    poll.log_sizes = measure_logs(poll.listing.instances);
  }
  return poll;
}

void SupervisorMonitor::apply_log_of_poll(const AnsweredPoll& answered, PollResult& poll,
                                          PollOutcome& outcome) {
  const auto& text = answered.answer.log;
  if (!text) {
    if (text.error().kind != base::ErrorKind::fault) {
      log_failed(text.error());
    }
    return;
  }
  log_reads_unanswered_ = 0;
  LogReading reading{.text = tail_.feed(*text),
                     .following = tail_.following(),
                     .trusted = tail_.trusted(),
                     .listing_follows = true};
  outcome.log_goes_on = reading.text.again && reading.trusted;
  outcome.log_at_end = !reading.text.again && reading.following && reading.trusted;
  if (poll.survey && reading.trusted) {
    poll.survey->at_end = outcome.log_at_end;
    poll.survey->text = std::move(reading.text);
    return;
  }
  carry_out(state_.with([&](SupervisorState& state) { return state.apply_log(reading); }));
}

void SupervisorMonitor::request_description(const std::stop_token& stop) {
  if (!state_.with([](const SupervisorState& state) { return state.needs_description(); })) {
    return;
  }
  auto description =
      member_.administration->describe(Deadline::after(clock_, member_.call_timeout, stop));
  if (description) {
    carry_out(state_.with(
        [&](SupervisorState& state) { return state.apply_description(std::move(*description)); }));
  }
}

bool SupervisorMonitor::may_read_log() const {
  return member_.logs && options_.copy().main_log != MainLog::off && tail_.trusted() &&
         clock_.steady_now() >= log_refused_until_;
}

bool SupervisorMonitor::read_log(const std::stop_token& stop) {
  if (!may_read_log()) {
    carry_out(state_.with([](SupervisorState& state) { return state.log_unavailable(); }));
    return false;
  }
  if (state_.with([](const SupervisorState& state) { return state.unresponsive(); })) {
    return false;
  }
  bool again = true;
  for (int reads = 0; again && reads < max_log_reads && !stop.stop_requested(); ++reads) {
    const auto text = member_.logs->read_manager_log(
        tail_.next(), Deadline::after(clock_, member_.call_timeout, stop));
    if (!text) {
      log_failed(text.error());
      return false;
    }
    log_reads_unanswered_ = 0;
    const LogReading reading{
        .text = tail_.feed(*text), .following = tail_.following(), .trusted = tail_.trusted()};
    again = reading.text.again && reading.trusted;
    carry_out(state_.with([&](SupervisorState& state) { return state.apply_log(reading); }));
  }
  if (tail_.empty()) {
    log_refused_until_ = clock_.steady_now() + between_refusals;
  }
  return tail_.following();
}

void SupervisorMonitor::log_failed(const base::Error& error) {
  if (error.kind == base::ErrorKind::cancelled ||
      (!is_refusal(error.kind) && ++log_reads_unanswered_ < max_log_reads_unanswered)) {
    return;  // heartbeats tell whether it answers at all
  }
  log_reads_unanswered_ = 0;
  log_refused_until_ = clock_.steady_now() + between_refusals;
  carry_out(state_.with([](SupervisorState& state) { return state.log_unavailable(); }));
  if (options_.copy().main_log == MainLog::on && !std::exchange(refusal_logged_, true)) {
    log_.warning(
        "supervisord's own log cannot be read: exits are known from events and polls alone",
        {{"error", error.message}});
  }
}

void SupervisorMonitor::read_changed(const std::stop_token& stop) {
  const AbandonablePoll abandonable(stop, running_poll_);
  const auto deadline = Deadline::after(clock_, options_.copy().timeout, abandonable.token());
  for (const substrate::InstanceName& name :
       state_.with([](const SupervisorState& state) { return state.changed_by_event(); })) {
    const SteadyTime asked = clock_.steady_now();
    const auto answer =
        member_.substrate->get_instance(name, deadline.within(member_.call_timeout));
    const ReadTime read{.asked = asked, .at = clock_.steady_now()};
    carry_out(state_.with(
        [&](SupervisorState& state) { return state.apply_process(name, answer, read); }));
    const bool concerns_this_alone =
        !answer && (answer.error().kind == base::ErrorKind::not_found ||
                    answer.error().kind == base::ErrorKind::malformed);
    if (!answer && !concerns_this_alone) {
      return;
    }
  }
}

void SupervisorMonitor::apply_events(const EventBatch& batch) {
  Effects effects =
      state_.with([&](SupervisorState& state) { return state.apply_events(batch, now()); });
  effects.publish = false;
  carry_out(effects);
}

void SupervisorMonitor::request_poll() {
  state_.with([](SupervisorState& state) { state.request_poll(); });
  wake_poll_.nudge();
}

void SupervisorMonitor::carry_out(const Effects& effects) {
  if (effects.abandon_poll) {
    running_poll_.copy().request_stop();
  }
  if (effects.wake_poll) {
    wake_poll_.nudge();
  }
  for (const base::LogRecord& record : effects.log) {
    record.level == base::LogLevel::warning ? log_.warning(record.message, record.fields)
                                            : log_.info(record.message, record.fields);
  }
  if (effects.publish) {
    publish_();
  }
}

void SupervisorMonitor::configure(const PollOptions& options) {
  options_.with([&](PollOptions& current) { current = options; });
  wake_heartbeat_.nudge();
  wake_poll_.nudge();
}

SupervisorSnapshot SupervisorMonitor::snapshot() const {
  auto snapshot = state_.with([](const SupervisorState& state) { return state.snapshot(); });
  if (snapshot.up) {
    snapshot.usages = usages_.copy();
  }
  return snapshot;
}

bool SupervisorMonitor::tried() const {
  return state_.with([](const SupervisorState& state) { return state.tried(); });
}

}  // namespace reeve::monitor
