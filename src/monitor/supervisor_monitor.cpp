#include "monitor/supervisor_monitor.h"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

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

std::optional<std::uint64_t> log_size(const std::string& path) {
  struct stat status {};
  if (!path.starts_with('/') || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(status.st_size);
}

/// A killed daemon leaves programs behind, which the next poll no longer lists: only so many
/// refutations in a row are logged.
constexpr int refutations_to_log = 3;

procfs::ProcessId kernel_id(substrate::Pid pid) {
  return {pid.value};
}

}  // namespace

SupervisorMonitor::SupervisorMonitor(Member member, std::size_t index, const PollOptions& options,
                                     const base::Clock& clock, base::Log log,
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
    const auto reason =
        wake_heartbeat_.wait_until(scheduler.next(poll_progress_.copy(), period), stop);
    if (reason == Wakeup::Reason::stop) {
      return;
    }
    if (reason == Wakeup::Reason::nudge) {
      continue;
    }
    const SteadyTime begun = clock_.steady_now();
    const bool period_ended = begun >= scheduler.period_end(period);
    if (scheduler.is_due(poll_progress_.copy(), period, begun)) {
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
  const auto pid = member_.substrate->connect(Deadline::after(clock_, member_.call_timeout, stop));
  carry_out(state_.with([&](SupervisorState& state) { return state.apply_heartbeat(pid, now()); }));
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
    return state.log_lacks_starts();
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
  const SteadyTime begun = clock_.steady_now();
  const AbandonablePoll abandonable(stop, running_poll_);
  const bool unresponsive = state_.with([](SupervisorState& state) {
    if (state.unresponsive()) {
      state.poll_started();
    }
    return state.unresponsive();
  });
  auto answered = unresponsive ? base::failure(base::ErrorKind::cancelled, "")
                               : request_readable(task, abandonable.token());
  if (stop.stop_requested()) {
    return {};
  }
  const Duration took = clock_.steady_now() - begun;
  const bool skipped = !answered && answered.error().kind == base::ErrorKind::cancelled;
  PollOutcome outcome;
  auto result = std::move(answered).map(
      [&](Answered&& each) { return apply_pid_and_log(std::move(each), outcome); });
  carry_out(state_.with([&](SupervisorState& state) {
    return skipped ? state.skip_poll() : state.apply_poll(std::move(result), took, now());
  }));
  request_description(stop);
  outcome.pause = state_.with(
      [&](const SupervisorState& state) { return state.unresponsive() ? Duration::zero() : took; });
  return outcome;
}

/// Text that cannot be part of an answer to a poll is read before another one, so that the log is
/// never behind a listing. The other one has a deadline of its own: reading may have taken seconds.
base::Result<SupervisorMonitor::Answered> SupervisorMonitor::request_readable(
    PollTask task, const std::stop_token& stop) {
  poll_progress_.with([&](PollProgress& progress) { progress.began = clock_.steady_now(); });
  wake_heartbeat_.nudge();
  const Duration timeout = options_.copy().timeout;
  auto answered = request(task, Deadline::after(clock_, timeout, stop));
  if (answered && !answered->answer.log &&
      answered->answer.log.error().kind == base::ErrorKind::fault && read_log(stop)) {
    answered = request(task, Deadline::after(clock_, timeout, stop));
  }
  poll_progress_.with([&](PollProgress& progress) {
    progress.began.reset();
    progress.answered_at = answered ? clock_.steady_now() : progress.answered_at;
  });
  return answered;
}

base::Result<SupervisorMonitor::Answered> SupervisorMonitor::request(PollTask task,
                                                                     const Deadline& deadline) {
  const SteadyTime asked = clock_.steady_now();
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
  return std::move(answer).map([&](substrate::PollAnswer&& each) {
    return Answered{.answer = std::move(each),
                    .surveyed = request.mark.has_value(),
                    .log_asked = request.log.has_value(),
                    .asked = asked,
                    .at = clock_.steady_now()};
  });
}

/// A new pid, or the log, tells a restart of the daemon from restarts of its processes: hence
/// before the listing.
PollResult SupervisorMonitor::apply_pid_and_log(Answered answered, PollOutcome& outcome) {
  carry_out(state_.with(
      [&](SupervisorState& state) { return state.apply_pid_of_poll(answered.answer.pid, now()); }));
  PollResult poll;
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

void SupervisorMonitor::apply_log_of_poll(const Answered& answered, PollResult& poll,
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
    carry_out(state_.with(
        [&](SupervisorState& state) { return state.apply_process(name, answer, asked); }));
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

std::vector<LogSizes> measure_logs(const std::vector<substrate::InstanceDetail>& instances) {
  std::vector<LogSizes> sizes;
  sizes.reserve(instances.size());
  for (const substrate::InstanceDetail& instance : instances) {
    sizes.push_back({.standard_output = log_size(instance.stdout_log),
                     .standard_error = log_size(instance.stderr_log)});
  }
  return sizes;
}

ResourceMeter::ResourceMeter(bool looks_local, procfs::TreeOptions options, base::Log log)
    : looks_local_(looks_local), tree_options_(std::move(options)), log_(std::move(log)) {}

Usages ResourceMeter::measure(const SupervisorSnapshot& snapshot, const ResourceOptions& options,
                              const base::Deadline& deadline) {
  const bool wanted = options.measure == MeasureResources::on ||
                      (options.measure == MeasureResources::automatic && looks_local_);
  if (!wanted) {
    trees_.reset();
    return nullptr;
  }
  if (!snapshot.up || !snapshot.pid || !is_proven_local(snapshot)) {
    return nullptr;
  }
  if (!trees_) {
    trees_.emplace(tree_options_);
  }
  trees_->measure_proportional_memory(options.proportional_memory);
  return measure_trees(snapshot, deadline);
}

bool ResourceMeter::is_proven_local(const SupervisorSnapshot& snapshot) {
  const Daemon daemon{.pid = *snapshot.pid, .restarts = snapshot.restarts};
  if (daemon_ != daemon) {
    daemon_ = daemon;
    proven_ = false;
    refutations_ = 0;
  }
  if (proven_) {
    return true;
  }
  std::vector<procfs::Program> programs;
  for (const ProcessSnapshot& process : snapshot.processes) {
    if (const auto& pid = process.detail.pid) {
      programs.push_back({.pid = kernel_id(*pid), .start = process.detail.start_time});
    }
  }
  const auto locality = procfs::locate(kernel_id(daemon.pid), programs, tree_options_.folder);
  proven_ = locality == procfs::Locality::here;
  if (locality == procfs::Locality::elsewhere && ++refutations_ == refutations_to_log) {
    log_.info("no resources are measured: the programs of this supervisord do not run here",
              {{"url", snapshot.url}, {"pid", std::to_string(daemon.pid.value)}});
  }
  return proven_;
}

Usages ResourceMeter::measure_trees(const SupervisorSnapshot& snapshot,
                                    const base::Deadline& deadline) {
  std::vector<const ProcessSnapshot*> running;
  std::vector<procfs::ProcessId> roots;
  for (const ProcessSnapshot& process : snapshot.processes) {
    if (process.detail.pid) {
      running.push_back(&process);
      roots.push_back(kernel_id(*process.detail.pid));
    }
  }
  const auto trees = trees_->measure(roots, deadline);
  std::vector<ProcessUsage> usages;
  usages.reserve(trees.size());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    // The pid of a process that has ended since the poll may have been reused.
    if (trees[i] && trees[i]->root_parent == kernel_id(*snapshot.pid)) {
      usages.push_back(
          {.name = running[i]->detail.name, .pid = *running[i]->detail.pid, .tree = *trees[i]});
    }
  }
  return std::make_shared<const std::vector<ProcessUsage>>(std::move(usages));
}

}  // namespace reeve::monitor
