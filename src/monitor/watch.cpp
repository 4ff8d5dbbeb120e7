#include "monitor/watch.h"

#include <algorithm>
#include <utility>

#include "monitor/log_files.h"
#include "reeve/base/deadline.h"

namespace reeve::monitor {
namespace {

using base::Deadline;
using base::Duration;
using base::SteadyTime;
using base::Wakeup;

constexpr Duration longest_between_heartbeats = std::chrono::seconds(5);
constexpr Duration between_first_polls = std::chrono::milliseconds(10);
constexpr Duration between_refusals = std::chrono::minutes(1);
/// So many readings without an answer are as good as a refusal: polls were answered meanwhile.
constexpr unsigned most_readings_unanswered = 3;
/// At one visit: 4 MB and more. What is left waits for the next.
constexpr int most_log_reads = 64;

/// It answers, and that it has no log to read.
bool is_refusal(base::ErrorKind kind) {
  return kind == base::ErrorKind::no_file || kind == base::ErrorKind::not_found ||
         kind == base::ErrorKind::not_implemented || kind == base::ErrorKind::fault ||
         kind == base::ErrorKind::denied || kind == base::ErrorKind::malformed;
}

base::Log log_of(const Member& member, const base::Log& log) {
  return member.name.empty() ? log : log.with("supervisor", member.name);
}

/// Ends with the agent, or when a heartbeat finds out that nobody answers.
class Abandonable {
 public:
  Abandonable(const std::stop_token& stop, base::Guarded<std::stop_source>& under_way)
      : forward_(stop, [this] { source_.request_stop(); }) {
    under_way.with([&](std::stop_source& current) { current = source_; });
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::stop_callback<std::function<void()>> forward_;
};

}  // namespace

Watch::Watch(Member member, std::size_t index, const PollOptions& options, const base::Clock& clock,
             base::Log log, std::function<void()> publish, std::string run)
    : member_(std::move(member)),
      index_(index),
      clock_(clock),
      log_(log_of(member_, log)),
      publish_(std::move(publish)),
      run_(std::move(run)),
      options_(options),
      watcher_(Watcher(member_.name, member_.url)),
      meter_(member_.same_host, {.max_open_files = member_.kept_files}, log_) {
  if (member_.expects_events) {
    watcher_.with([](Watcher& watcher) { watcher.expect_events(); });
  }
}

void Watch::run_heartbeats(const std::stop_token& stop) {
  Pace pace(static_cast<std::minstd_rand::result_type>(2 * index_ + 1));
  SteadyTime last = clock_.steady_now();  // the first poll connects by itself
  for (;;) {
    const Duration period = std::min(options_.copy().interval, longest_between_heartbeats);
    const auto reason = wake_heartbeat_.wait_until(last + pace.shorten(period), stop);
    pace.next();
    if (reason == Wakeup::Reason::stop) {
      return;
    }
    if (reason == Wakeup::Reason::time) {
      last = clock_.steady_now();
      beat(stop);
      measure(stop);
    }
  }
}

void Watch::run_polls(const std::stop_token& stop) {
  const Duration begin =
      std::min(options_.copy().interval / 20, between_first_polls * static_cast<int>(index_));
  Agenda agenda(clock_.steady_now() + begin,
                Pace(static_cast<std::minstd_rand::result_type>(2 * index_ + 2)));
  for (;;) {
    Needs needs =
        watcher_.with([&](const Watcher& watcher) { return watcher.needs(clock_.steady_now()); });
    needs.log = needs.log && may_read_log();
    const Due due = agenda.next(needs, options_.copy());
    const auto reason = wake_poll_.wait_until(due.at, stop);
    if (reason == Wakeup::Reason::stop) {
      return;
    }
    if (reason == Wakeup::Reason::time) {
      const SteadyTime begun = clock_.steady_now();
      const Duration rest = attend(due.chore, stop);
      agenda.done(due.chore, begun, clock_.steady_now(), rest);
    }
  }
}

void Watch::beat(const std::stop_token& stop) {
  const auto pid = member_.substrate->connect(Deadline::after(clock_, member_.call_timeout, stop));
  act(watcher_.with([&](Watcher& watcher) { return watcher.heartbeat(pid, now()); }));
}

/// Bounded, so that heartbeats go on.
void Watch::measure(const std::stop_token& stop) {
  const auto seen = watcher_.with([](const Watcher& watcher) { return watcher.seen(); });
  const Usages usages = meter_.measure(seen, options_.copy().resources,
                                       Deadline::after(clock_, longest_between_heartbeats, stop));
  usages_.with([&](Usages& current) { current = usages; });
  if (usages) {
    publish_();
  }
}

Duration Watch::attend(Chore chore, const std::stop_token& stop) {
  Duration rest = Duration::zero();
  switch (chore) {
    case Chore::poll:
      (void)read_log(stop);  // so that a restart of supervisord is known before its list
      rest = poll(stop);
      if (read_log(stop)) {
        act(watcher_.with([](Watcher& watcher) { return watcher.log_compared(); }));
      }
      break;
    case Chore::survey:
      rest = survey(stop);
      break;
    case Chore::read_log:
      (void)read_log(stop);
      break;
    case Chore::look:
      look(stop);
      break;
  }
  return rest;
}

Duration Watch::survey(const std::stop_token& stop) {
  (void)read_log(stop);  // so that what is left fits into the survey
  const bool trusted = tail_.trusted();
  const Duration rest = poll(Chore::survey, stop);
  if (trusted && !tail_.trusted()) {
    act(watcher_.with([](Watcher& watcher) { return watcher.log_read({}); }));
  }
  return rest;
}

Duration Watch::poll(Chore chore, const std::stop_token& stop) {
  const SteadyTime begun = clock_.steady_now();
  const Abandonable abandonable(stop, under_way_);
  const bool silent = watcher_.with([](Watcher& watcher) {
    if (watcher.silent()) {
      watcher.poll_begins();
    }
    return watcher.silent();
  });
  auto answer =
      silent ? base::failure(base::ErrorKind::cancelled, "") : ask(chore, abandonable.token());
  if (stop.stop_requested()) {
    return Duration::zero();
  }
  const Duration took = clock_.steady_now() - begun;
  const bool skipped = !answer && answer.error().kind == base::ErrorKind::cancelled;
  act(watcher_.with([&](Watcher& watcher) {
    return skipped ? watcher.poll_skipped() : watcher.polled(std::move(answer), took, now());
  }));
  describe(stop);
  return watcher_.with(
      [&](const Watcher& watcher) { return watcher.silent() ? Duration::zero() : took; });
}

/// Connects first: a new pid tells a restart of the daemon from restarts of its processes.
base::Result<Poll> Watch::ask(Chore chore, const std::stop_token& stop) {
  const auto pid = member_.substrate->connect(Deadline::after(clock_, member_.call_timeout, stop));
  Duration names_age{};
  Step step = watcher_.with([&](Watcher& watcher) {
    Step learned = watcher.heartbeat(pid, now());
    names_age = watcher.names_age(clock_.steady_now());
    watcher.poll_begins();  // whatever it wanted
    return learned;
  });
  step.wake = false;
  act(step);
  if (!pid) {
    return base::failure(base::ErrorKind::cancelled, "");
  }
  const auto deadline = Deadline::after(clock_, options_.copy().timeout, stop);
  const SteadyTime asked = clock_.steady_now();
  auto poll = chore == Chore::survey ? ask_for_survey(deadline) : ask_for_list(names_age, deadline);
  if (poll) {
    poll->asked = asked;
    poll->at = clock_.steady_now();
    if (member_.same_host) {
      poll->log_sizes = measure_logs(poll->listing.instances);
    }
  }
  return poll;
}

base::Result<Poll> Watch::ask_for_list(Duration names_age, const Deadline& deadline) {
  return member_.poll_source->relist(names_age, deadline).map([](substrate::Listing&& listing) {
    Poll poll;
    poll.listing = std::move(listing);
    return poll;
  });
}

base::Result<Poll> Watch::ask_for_survey(const Deadline& deadline) {
  const std::uint64_t anchor =
      watcher_.with([](Watcher& watcher) { return watcher.begin_survey(); });
  substrate::SurveyRequest request{EventRouter::mark_text(run_, {index_, anchor}), std::nullopt};
  if (may_read_log() && tail_.following() && tail_.trusted()) {
    request.log = tail_.next();
  }
  auto survey = member_.poll_source->survey(request, deadline);
  if (!survey && survey.error().kind == base::ErrorKind::not_implemented) {
    watcher_.with([](Watcher& watcher) { watcher.survey_not_implemented(); });
    return ask_for_list(Duration::zero(), deadline);
  }
  if (!survey) {
    return base::failure(std::move(survey.error()));
  }
  Poll poll;
  poll.listing = std::move(survey->listing);
  poll.survey.emplace();
  if (survey->log) {
    auto step = tail_.feed(*survey->log);
    if (tail_.trusted()) {
      poll.survey->at_end = !step.again && tail_.following();
      poll.survey->step = std::move(step);
    }
  }
  return poll;
}

void Watch::describe(const std::stop_token& stop) {
  if (!watcher_.with([](const Watcher& watcher) { return watcher.wants_description(); })) {
    return;
  }
  auto description =
      member_.administration->describe(Deadline::after(clock_, member_.call_timeout, stop));
  if (description) {
    act(watcher_.with(
        [&](Watcher& watcher) { return watcher.described(std::move(*description)); }));
  }
}

bool Watch::may_read_log() const {
  return member_.logs && options_.copy().main_log != MainLog::off && tail_.trusted() &&
         clock_.steady_now() >= log_refused_until_;
}

bool Watch::read_log(const std::stop_token& stop) {
  if (!may_read_log()) {
    act(watcher_.with([](Watcher& watcher) { return watcher.log_refused(); }));
    return false;
  }
  if (watcher_.with([](const Watcher& watcher) { return watcher.silent(); })) {
    return false;
  }
  bool again = true;
  for (int reads = 0; again && reads < most_log_reads && !stop.stop_requested(); ++reads) {
    const auto text = member_.logs->read_manager_log(
        tail_.next(), Deadline::after(clock_, member_.call_timeout, stop));
    if (!text) {
      refuse_log(text.error());
      return false;
    }
    readings_unanswered_ = 0;
    const LogReading reading{tail_.feed(*text), tail_.following(), tail_.trusted()};
    again = reading.step.again && reading.trusted;
    act(watcher_.with([&](Watcher& watcher) { return watcher.log_read(reading); }));
  }
  return tail_.following();
}

void Watch::refuse_log(const base::Error& error) {
  if (error.kind == base::ErrorKind::cancelled ||
      (!is_refusal(error.kind) && ++readings_unanswered_ < most_readings_unanswered)) {
    return;  // if it does not answer at all, heartbeats tell
  }
  readings_unanswered_ = 0;
  log_refused_until_ = clock_.steady_now() + between_refusals;
  act(watcher_.with([](Watcher& watcher) { return watcher.log_refused(); }));
  if (options_.copy().main_log == MainLog::on && !std::exchange(refusal_told_, true)) {
    log_.warning(
        "supervisord's own log cannot be read: exits are known from events and polls alone",
        {{"error", error.message}});
  }
}

void Watch::look(const std::stop_token& stop) {
  const Abandonable abandonable(stop, under_way_);
  const auto deadline = Deadline::after(clock_, options_.copy().timeout, abandonable.token());
  for (const substrate::InstanceName& name :
       watcher_.with([](const Watcher& watcher) { return watcher.touched(); })) {
    const SteadyTime asked = clock_.steady_now();
    const auto answer =
        member_.substrate->get_instance(name, deadline.within(member_.call_timeout));
    act(watcher_.with([&](Watcher& watcher) { return watcher.looked(name, answer, asked); }));
    const bool of_this_alone = !answer && (answer.error().kind == base::ErrorKind::not_found ||
                                           answer.error().kind == base::ErrorKind::malformed);
    if (!answer && !of_this_alone) {
      return;
    }
  }
}

void Watch::hear(const Delivery& delivery) {
  Step step = watcher_.with([&](Watcher& watcher) { return watcher.hear(delivery, now()); });
  step.publish = false;
  act(step);
}

void Watch::nudge() {
  watcher_.with([](Watcher& watcher) { watcher.want_poll(); });
  wake_poll_.nudge();
}

void Watch::act(const Step& step) {
  if (step.abandon) {
    under_way_.copy().request_stop();
  }
  if (step.wake) {
    wake_poll_.nudge();
  }
  if (step.log && step.log->level == base::LogLevel::warning) {
    log_.warning(step.log->message, step.log->fields);
  } else if (step.log) {
    log_.info(step.log->message, step.log->fields);
  }
  if (step.publish) {
    publish_();
  }
}

void Watch::configure(const PollOptions& options) {
  options_.with([&](PollOptions& current) { current = options; });
  wake_heartbeat_.nudge();
  wake_poll_.nudge();
}

SupervisorSnapshot Watch::seen() const {
  auto seen = watcher_.with([](const Watcher& watcher) { return watcher.seen(); });
  if (seen.up) {
    seen.usages = usages_.copy();
  }
  return seen;
}

bool Watch::tried() const {
  return watcher_.with([](const Watcher& watcher) { return watcher.tried(); });
}

}  // namespace reeve::monitor
