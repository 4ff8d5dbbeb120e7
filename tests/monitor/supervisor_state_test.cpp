#include "monitor/supervisor_state.h"

#include "monitor/details.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using base::ErrorKind;
using base::failure;
using namespace std::chrono_literals;

constexpr substrate::Pid this_daemon{7};

/// A SupervisorState, and a clock that goes on one second with each thing that it learns.
class MonitoredState {
 public:
  Effects answers(substrate::Pid pid = this_daemon) { return heartbeat(pid); }
  Effects fails(ErrorKind kind, const std::string& message = "no answer") {
    return heartbeat(failure(kind, message));
  }
  Effects polled(std::vector<substrate::InstanceDetail> instances, base::Duration took = 1ms) {
    PollResult poll;
    poll.listing.instances = std::move(instances);
    const Moment moment = next();
    poll.pid = seen().pid.value_or(this_daemon);
    poll.asked = poll.at = moment.steady;
    return state_.apply_poll(std::move(poll), took, moment);
  }
  Effects hears(events::Event event) {
    EventBatch batch;
    const Moment moment = next();
    batch.items.emplace_back(std::move(event));
    batch.last_event_at = moment.steady;
    return state_.apply_events(batch, moment);
  }
  [[nodiscard]] base::Duration names_age() const { return state_.max_name_age(now_.steady); }
  Effects poll_fails(ErrorKind kind) {
    return state_.apply_poll(failure(kind, "no list"), 1s, next());
  }

  SupervisorState& operator*() { return state_; }
  SupervisorState* operator->() { return &state_; }
  [[nodiscard]] const SupervisorSnapshot& seen() const { return state_.snapshot(); }
  [[nodiscard]] std::uint64_t failures(PollFailure failure) const {
    return seen().polls.failures[static_cast<std::size_t>(failure)];
  }

 private:
  Moment next() {
    now_.steady += 1s;
    now_.system += 1s;
    return now_;
  }

  Effects heartbeat(const base::Result<substrate::Pid>& answer) {
    const Moment moment = next();
    return state_.apply_heartbeat(answer, moment.steady, moment);
  }

  SupervisorState state_{"", "http://localhost:9001/RPC2"};
  Moment now_{base::SteadyTime(1h), base::SystemTime(1'700'000'000s)};
};

std::string field(const base::LogRecord& record, const std::string& key) {
  for (const base::LogField& each : record.fields) {
    if (each.key == key) {
      return each.value;
    }
  }
  return "(none)";
}

TEST_CASE("SupervisorState: a supervisord is up once it answers and a full poll has succeeded") {
  MonitoredState watched;
  CHECK_FALSE(watched.seen().up);
  CHECK_FALSE(watched->tried());
  const Effects effects = watched.answers();
  CHECK_FALSE(effects.wake_poll);  // the first poll is under way
  CHECK_FALSE(watched.seen().up);
  CHECK(watched.polled({running("web", {10, 100})}).publish);
  CHECK(watched.seen().up);
  CHECK(watched->tried());
  CHECK(watched.seen().last_error.empty());
  CHECK(watched.seen().snapshot_at == base::SystemTime(1'700'000'002s));
  CHECK(watched.seen().processes.size() == 1);
}

TEST_CASE(
    "SupervisorState: a poll goes by names of the last minute, but by none once something hints at "
    "others") {
  MonitoredState watched;
  (void)watched.fails(ErrorKind::unreachable);
  (void)watched.answers();
  CHECK(watched.names_age() == 0s);  // it answers anew
  watched->poll_started();
  CHECK(watched.names_age() == 60s);

  events::Event event;
  event.what = events::GroupChange{events::GroupChange::Kind::added, "web"};
  (void)watched.hears(event);
  CHECK(watched.names_age() == 0s);
  (void)watched->begin_survey();
  event.what = events::Tick{};
  (void)watched.hears(event);
  CHECK(watched.names_age() == 60s);

  (void)watched.answers(substrate::Pid{8});
  CHECK(watched.names_age() == 0s);
}

TEST_CASE(
    "SupervisorState: another pid in the answer to a poll requests no further poll, and keeps a "
    "request made meanwhile") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  watched->poll_started();
  const Moment now{base::SteadyTime(2h), base::SystemTime(1'700'000'100s)};
  CHECK_FALSE(watched->apply_pid_of_poll(substrate::Pid{8}, now.steady, now)->wake_poll);
  CHECK_FALSE(watched->poll_inputs(now.steady).poll_soon);
  CHECK(watched.seen().restarts == 1);
  watched->request_poll();
  (void)watched->apply_pid_of_poll(substrate::Pid{9}, now.steady, now);
  CHECK(watched->poll_inputs(now.steady).poll_soon);
}

TEST_CASE("SupervisorState: a first heartbeat beside a slow first poll requests no second poll") {
  MonitoredState watched;
  CHECK_FALSE(watched.answers().wake_poll);
  CHECK_FALSE(watched->poll_inputs(base::SteadyTime(1h)).poll_soon);
}

TEST_CASE(
    "SupervisorState: an answer of the daemon before, asked before its restart was known, is "
    "dropped and counts no second restart") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  const base::SteadyTime asked{1h};
  const Moment now{base::SteadyTime(2h), base::SystemTime(1'700'000'100s)};
  (void)watched->apply_heartbeat(substrate::Pid{8}, asked, now);
  CHECK(watched.seen().restarts == 1);

  CHECK_FALSE(watched->apply_pid_of_poll(this_daemon, asked, now));
  PollResult old;
  old.pid = this_daemon;
  old.asked = old.at = asked;
  CHECK_FALSE(watched->apply_poll(std::move(old), 1ms, now).publish);
  (void)watched->apply_heartbeat(this_daemon, asked, now);
  CHECK(watched.seen().pid == substrate::Pid{8});
  CHECK(watched.seen().processes.size() == 1);

  CHECK(watched->apply_pid_of_poll(substrate::Pid{8}, asked, now));
  CHECK(watched.seen().restarts == 1);
}

TEST_CASE(
    "SupervisorState: a first poll that is too slow does not say that no heartbeat is answered") {
  MonitoredState watched;
  (void)watched.poll_fails(ErrorKind::timeout);
  CHECK(watched->tried());
  CHECK_FALSE(watched->unresponsive());
  CHECK_FALSE(watched.seen().up);
  (void)watched.fails(ErrorKind::timeout);
  CHECK(watched->unresponsive());
}

TEST_CASE("SupervisorState: a first poll that is refused a connection leaves only heartbeats") {
  MonitoredState watched;
  (void)watched.poll_fails(ErrorKind::unreachable);
  CHECK(watched->unresponsive());
}

TEST_CASE("SupervisorState: heartbeats that bring no news are not published") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  CHECK_FALSE(watched.answers().publish);
  CHECK_FALSE(watched.answers().wake_poll);
  (void)watched.fails(ErrorKind::timeout);
  CHECK_FALSE(watched.fails(ErrorKind::timeout).publish);
}

TEST_CASE(
    "SupervisorState: one heartbeat that fails takes it down and gives up the poll under way") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  const Effects effects = watched.fails(ErrorKind::timeout, "no answer within 5s");
  CHECK(effects.publish);
  CHECK(effects.abandon_poll);
  CHECK(watched->unresponsive());
  CHECK_FALSE(watched.seen().up);
  CHECK(watched.seen().last_error == "no answer within 5s");
  CHECK(watched.seen().processes.size() == 1);
  CHECK(watched.seen().counter_gaps[static_cast<std::size_t>(CounterSource::polls)] == 1);
}

TEST_CASE(
    "SupervisorState: the first heartbeat that succeeds asks for a poll, and that poll brings it "
    "up") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  (void)watched.fails(ErrorKind::timeout);
  CHECK(watched.answers().wake_poll);
  CHECK_FALSE(watched->unresponsive());
  CHECK_FALSE(watched.seen().up);
  (void)watched.polled({});
  CHECK(watched.seen().up);
}

TEST_CASE(
    "SupervisorState: a full poll that fails takes it down, but polls go on while it answers") {
  const auto kind =
      GENERATE(ErrorKind::timeout, ErrorKind::denied, ErrorKind::malformed, ErrorKind::fault);
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  (void)watched.poll_fails(kind);
  CHECK_FALSE(watched.seen().up);
  CHECK_FALSE(watched->unresponsive());
  (void)watched.polled({});
  CHECK(watched.seen().up);
}

TEST_CASE(
    "SupervisorState: a full poll that is refused makes it silent until a heartbeat succeeds") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  (void)watched.poll_fails(ErrorKind::unreachable);
  CHECK(watched->unresponsive());
  CHECK(watched.answers().wake_poll);
}

TEST_CASE("SupervisorState: each way for a poll to fail has its own counter") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.poll_fails(ErrorKind::denied);
  (void)watched.poll_fails(ErrorKind::malformed);
  (void)watched.poll_fails(ErrorKind::fault);
  (void)watched.poll_fails(ErrorKind::timeout);
  (void)watched.poll_fails(ErrorKind::shutting_down);
  (void)watched.poll_fails(ErrorKind::socket_missing);
  for (const PollFailure failure : all_poll_failures) {
    CHECK(watched.failures(failure) == 1);
  }
}

TEST_CASE(
    "SupervisorState: polls that were not sent to a silent supervisord failed for the same "
    "reason") {
  MonitoredState watched;
  (void)watched.fails(ErrorKind::denied);
  CHECK(watched->skip_poll().publish);
  CHECK(watched->skip_poll().publish);
  CHECK(watched.failures(PollFailure::denied) == 2);
}

TEST_CASE("SupervisorState: a call that was cancelled teaches nothing") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  CHECK_FALSE(watched.fails(ErrorKind::cancelled).publish);
  CHECK_FALSE(watched.poll_fails(ErrorKind::cancelled).publish);
  CHECK(watched.seen().up);
}

TEST_CASE("SupervisorState: another pid is another daemon, which starts afresh what ran") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  CHECK(watched.answers({8}).wake_poll);
  CHECK(watched.seen().restarts == 1);
  const Effects effects = watched.polled({running("web", {20, 110})});
  CHECK(watched.seen().processes[0].counters.restarts == 0);
  CHECK(watched.seen().processes[0].counters.starts == 1);
  REQUIRE_FALSE(effects.log.empty());
  CHECK(field(effects.log.at(0), "restarted") == "true");
  (void)watched.polled({running("web", {21, 115})});
  CHECK(watched.seen().processes[0].counters.restarts == 1);
  CHECK(watched.seen().restarts == 1);
}

TEST_CASE(
    "SupervisorState: the same pid after a refusal or a shutdown is a restart too, if no run "
    "survived it") {
  const auto kind =
      GENERATE(ErrorKind::unreachable, ErrorKind::socket_missing, ErrorKind::shutting_down);
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.fails(kind);
  (void)watched.answers();
  SECTION("nothing runs as before") {
    (void)watched.polled({running("web", {20, 110})});
    CHECK(watched.seen().restarts == 1);
    CHECK(watched.seen().processes[0].counters.restarts == 0);
  }
  SECTION("nothing runs yet") {
    (void)watched.polled({never_started("web")});
    CHECK(watched.seen().restarts == 1);
  }
  SECTION("it was the network: a run goes on") {
    (void)watched.polled({running("web", {10, 100})});
    CHECK(watched.seen().restarts == 0);
  }
}

TEST_CASE(
    "SupervisorState: a mere timeout is no restart, whatever happened to the processes meanwhile") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.fails(ErrorKind::timeout);
  (void)watched.answers();
  (void)watched.polled({running("web", {20, 110})});
  CHECK(watched.seen().restarts == 0);
  CHECK(watched.seen().processes[0].counters.restarts == 1);
}

TEST_CASE("SupervisorState: one restart is counted once, though it is seen in several ways") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.fails(ErrorKind::shutting_down);
  (void)watched.fails(ErrorKind::unreachable);
  (void)watched.answers({8});
  (void)watched.polled({running("web", {20, 110})});
  (void)watched.polled({running("web", {20, 110})});
  CHECK(watched.seen().restarts == 1);
}

TEST_CASE("SupervisorState: it is shutting down as long as it says so") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({});
  CHECK(watched.fails(ErrorKind::shutting_down).publish);
  CHECK(watched.seen().shutting_down);
  CHECK_FALSE(watched.seen().up);
  SECTION("until it is gone") {
    CHECK(watched.fails(ErrorKind::unreachable).publish);
  }
  SECTION("until it is back") {
    CHECK(watched.answers().publish);
  }
  CHECK_FALSE(watched.seen().shutting_down);
}

TEST_CASE(
    "SupervisorState: it is asked what it is when it is new, and again when it was restarted") {
  MonitoredState watched;
  CHECK_FALSE(watched->needs_description());
  (void)watched.answers();
  (void)watched.polled({});
  CHECK(watched->needs_description());
  (void)watched->apply_description({"4.2.5", "3.0", "supervisor"});
  CHECK_FALSE(watched->needs_description());
  (void)watched.answers({8});
  (void)watched.polled({});
  CHECK(watched->needs_description());
}

TEST_CASE("SupervisorState: its going is logged once with the reason, and its coming back once") {
  MonitoredState watched;
  const Effects first = watched.answers();
  CHECK(first.log.empty());
  REQUIRE_FALSE(watched.polled({}).log.empty());
  CHECK(watched.polled({}).log.empty());
  const Effects gone = watched.fails(ErrorKind::unreachable, "connection refused: is it running?");
  REQUIRE_FALSE(gone.log.empty());
  CHECK(gone.log.at(0).level == base::LogLevel::warning);
  CHECK(field(gone.log.at(0), "reason") == "unreachable");
  CHECK(field(gone.log.at(0), "error") == "connection refused: is it running?");
  CHECK(watched.fails(ErrorKind::denied).log.empty());
  CHECK(watched.answers().log.empty());
  CHECK(watched.poll_fails(ErrorKind::fault).log.empty());
  const Effects back = watched.polled({});
  REQUIRE_FALSE(back.log.empty());
  CHECK(back.log.at(0).level == base::LogLevel::info);
  CHECK(field(back.log.at(0), "unread_for") == "4s");
}

TEST_CASE("SupervisorState: a supervisord that was never there is logged once too") {
  MonitoredState watched;
  CHECK_FALSE(watched.fails(ErrorKind::socket_missing).log.empty());
  CHECK(watched.fails(ErrorKind::socket_missing).log.empty());
}

TEST_CASE("SupervisorState: the durations of successful polls make a histogram, bounds included") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({}, 1ms);
  (void)watched.polled({}, 2ms);
  (void)watched.polled({}, 31s);
  (void)watched.poll_fails(ErrorKind::timeout);
  CHECK(watched.seen().polls.durations.front() == 1);
  CHECK(watched.seen().polls.durations[1] == 1);
  CHECK(watched.seen().polls.durations.back() == 1);
  CHECK(watched.seen().polls.duration_sum_seconds == Approx(31.003));
}

TEST_CASE("SupervisorState: counters pause while it is away and go on") {
  MonitoredState watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.polled({running("web", {11, 105})});
  (void)watched.fails(ErrorKind::timeout);
  CHECK(watched.seen().processes[0].counters.restarts == 1);
  (void)watched.answers();
  (void)watched.polled({running("web", {11, 105})});
  CHECK(watched.seen().processes[0].counters.restarts == 1);
}

using substrate::InstanceState;

/// A SupervisorState that has polled once.
class StreamedState {
 public:
  StreamedState() {
    (void)beat();
    (void)state.apply_poll(poll(), 1ms, now_);
    state.poll_started();
  }

  Effects hear(StreamItem heard) {
    EventBatch batch;
    batch.items.push_back(std::move(heard));
    batch.last_event_at = now_.steady;
    return state.apply_events(batch, now_);
  }
  Effects hear(decltype(events::Event::what) what, std::string type) {
    events::Event event;
    event.type = std::move(type);
    event.what = std::move(what);
    return hear(StreamItem(std::move(event)));
  }
  Effects crash() {
    events::StateChange change;
    change.name = {"web", "web"};
    change.to = InstanceState::exited;
    change.from = InstanceState::running;
    change.expected = false;
    return hear(change, "PROCESS_STATE_EXITED");
  }
  /// All that makes the stream complete.
  void join() {
    const std::uint64_t anchor = state.begin_survey();
    PollResult answer = poll();
    answer.survey = SurveyedLog{{}, true};
    (void)state.apply_poll(std::move(answer), 1ms, now_);
    (void)hear(Mark{anchor});
  }
  /// A survey without text of the log, whose mark does not come.
  void survey() {
    (void)state.begin_survey();
    PollResult answer = poll();
    answer.survey.emplace();
    (void)state.apply_poll(std::move(answer), 1ms, now_);
  }
  void passes(base::Duration span) { now_.steady += span; }
  Effects beat() { return state.apply_heartbeat(this_daemon, now_.steady, now_); }
  [[nodiscard]] PollInputs inputs() const { return state.poll_inputs(now_.steady); }
  [[nodiscard]] std::uint64_t gaps(CounterSource source) const {
    return state.snapshot().counter_gaps[static_cast<std::size_t>(source)];
  }
  [[nodiscard]] const ProcessSnapshot& web() const { return state.snapshot().processes[0]; }

  SupervisorState state{"", "unix"};

 private:
  [[nodiscard]] PollResult poll() const {
    PollResult poll;
    poll.pid = this_daemon;
    poll.listing.instances = {running("web", {10, 100})};
    poll.asked = poll.at = now_.steady;
    return poll;
  }

  Moment now_{base::SteadyTime(1h), base::SystemTime(1'700'000'000s)};
};

TEST_CASE(
    "SupervisorState: with a stream that tells everything polls are rare and events are the "
    "source") {
  StreamedState watched;
  CHECK_FALSE(watched.state.snapshot().event_stream);
  watched.join();
  CHECK(watched.state.snapshot().counter_source == CounterSource::events);
  CHECK(watched.inputs().events_suffice);
  CHECK(watched.crash().publish);
  CHECK(watched.web().detail.state == InstanceState::exited);
  CHECK(watched.web().counters.unexpected_exits == 1U);
  CHECK(watched.inputs().changed == 1);
  CHECK(watched.inputs().log_soon);
}

TEST_CASE("SupervisorState: events are counted by type, all types from the first event on") {
  StreamedState watched;
  watched.join();
  (void)watched.crash();
  (void)watched.crash();
  REQUIRE(watched.state.snapshot().event_stream);
  const EventStream& stream = *watched.state.snapshot().event_stream;
  CHECK(stream.up);
  CHECK(stream.counts.size() == events::type_labels().size());
  for (const EventCount& each : stream.counts) {
    CHECK(each.count == (each.type == "PROCESS_STATE_EXITED" ? 2U : 0U));
  }
}

TEST_CASE("SupervisorState: a gap in the stream is counted, and wants an anchor at once") {
  StreamedState watched;
  watched.join();
  (void)watched.crash();
  CHECK(watched.hear(events::Gap{events::Gap::Cause::lost, 4}).wake_poll);
  CHECK(watched.gaps(CounterSource::events) == 1);
  CHECK(watched.state.snapshot().event_stream->lost == 4);
  CHECK(watched.state.snapshot().counter_source == CounterSource::log);
  CHECK(watched.inputs().anchor_soon);
  CHECK_FALSE(watched.inputs().events_suffice);
  watched.join();
  CHECK(watched.state.snapshot().counter_source == CounterSource::events);
  CHECK_FALSE(watched.inputs().anchor_soon);
}

TEST_CASE(
    "SupervisorState: a stream without even a tick for half a minute is down, until it speaks "
    "again") {
  StreamedState watched;
  watched.join();
  (void)watched.crash();
  watched.passes(event_stream_patience);
  CHECK(watched.beat().publish);
  CHECK_FALSE(watched.state.snapshot().event_stream->up);
  CHECK(watched.state.snapshot().counter_source != CounterSource::events);
  CHECK_FALSE(watched.inputs().events_suffice);
  (void)watched.hear(events::Tick{5s, {}}, "TICK_5");
  CHECK(watched.state.snapshot().event_stream->up);
  CHECK(watched.state.snapshot().counter_source == CounterSource::events);
}

TEST_CASE(
    "SupervisorState: a mark that does not come is given up, which is a gap, and tried with the "
    "next poll") {
  StreamedState watched;
  watched.join();
  (void)watched.crash();
  watched.survey();
  CHECK_FALSE(watched.inputs().anchor);
  SECTION("five seconds after the last event") {
    watched.passes(4s);
    (void)watched.hear(events::Tick{5s, {}}, "TICK_5");
    watched.passes(4s);
    (void)watched.beat();
    CHECK(watched.state.snapshot().counter_source == CounterSource::events);
    watched.passes(1s);
  }
  SECTION("after half a minute, however many events come") {
    for (int i = 0; i < 29; ++i) {
      watched.passes(1s);
      (void)watched.crash();
      CHECK(watched.state.snapshot().counter_source == CounterSource::events);
    }
    watched.passes(1s);
    (void)watched.crash();
  }
  (void)watched.beat();
  CHECK(watched.state.snapshot().counter_source == CounterSource::polls);
  CHECK(watched.gaps(CounterSource::events) == 1);
  CHECK(watched.inputs().anchor);
  CHECK_FALSE(watched.inputs().anchor_soon);
}

TEST_CASE(
    "SupervisorState: a stream that may be its own is worth one survey, until it asks for "
    "another") {
  StreamedState watched;
  const auto ask = [&] {
    EventBatch batch;
    batch.mark_requested = true;
    (void)watched.state.apply_events(batch, {});
  };
  CHECK_FALSE(watched.inputs().anchor);
  ask();
  CHECK(watched.inputs().anchor);
  watched.survey();
  CHECK_FALSE(watched.inputs().anchor);
  ask();
  CHECK(watched.inputs().anchor);
}

TEST_CASE(
    "SupervisorState: a stream that fell silent while its mark was awaited is not surveyed for") {
  StreamedState watched;
  watched.join();
  (void)watched.crash();
  watched.passes(event_stream_patience);
  watched.survey();
  watched.passes(event_stream_patience);
  (void)watched.beat();
  CHECK_FALSE(watched.state.snapshot().event_stream->up);
  CHECK_FALSE(watched.inputs().anchor);
}

TEST_CASE(
    "SupervisorState: a supervisord that says it stops is shutting down, and a group that comes "
    "wants a list") {
  StreamedState watched;
  watched.join();
  (void)watched.hear(events::ManagerChange{events::ManagerChange::Kind::stopping},
                     "SUPERVISOR_STATE_CHANGE_STOPPING");
  CHECK(watched.state.snapshot().shutting_down);
  (void)watched.hear(events::GroupChange{events::GroupChange::Kind::added, "new"},
                     "PROCESS_GROUP_ADDED");
  CHECK(watched.inputs().anchor_soon);
  watched.state.surveys_not_implemented();
  CHECK_FALSE(watched.inputs().anchor_soon);
  (void)watched.hear(events::GroupChange{events::GroupChange::Kind::added, "new"},
                     "PROCESS_GROUP_ADDED");
  CHECK(watched.inputs().poll_soon);
}

TEST_CASE(
    "SupervisorState: the log wants an anchor once it is followed, and is a gap when it is "
    "refused") {
  StreamedState watched;
  CHECK(watched.inputs().follow_log);
  (void)watched.state.apply_log({{}, false, true});
  CHECK_FALSE(watched.inputs().anchor_soon);
  (void)watched.state.apply_log({{}, true, true});
  CHECK(watched.inputs().anchor_soon);
  (void)watched.state.begin_survey();
  PollResult answer;
  answer.survey = SurveyedLog{{}, true};
  answer.listing.instances = {running("web", {10, 100})};
  (void)watched.state.apply_poll(std::move(answer), 1ms,
                                 {base::SteadyTime(1h), base::SystemTime(1'700'000'000s)});
  CHECK(watched.state.snapshot().counter_source == CounterSource::log);
  CHECK(watched.state.log_unavailable().publish);
  CHECK(watched.state.snapshot().counter_source == CounterSource::polls);
  CHECK(watched.gaps(CounterSource::log) == 1);
}

TEST_CASE("SupervisorState: a log in which programs write is not believed, and that is said once") {
  StreamedState watched;
  (void)watched.state.apply_log({{}, true, true});
  CHECK_FALSE(watched.state.apply_log({{}, true, false}).log.empty());
  CHECK(watched.gaps(CounterSource::log) == 1);
  CHECK(watched.state.apply_log({{}, true, false}).log.empty());
  CHECK_FALSE(watched.inputs().follow_log);
}

TEST_CASE(
    "SupervisorState: a listener that is not ready is logged once until it is spawned again") {
  StreamedState watched;
  const auto read = [&](decltype(events::LogLine::what) what) {
    LogReading reading{.text = {}, .following = true, .trusted = true};
    reading.text.lines.push_back({{}, events::ManagerLogLevel::warning, std::move(what)});
    return watched.state.apply_log(reading).log;
  };
  const auto log = read(events::ListenerNotReady{"reeve"});
  REQUIRE(log.size() == 1);
  CHECK(log[0].level == base::LogLevel::warning);
  CHECK(log[0].fields.back() == base::LogField{"listener", "reeve"});
  CHECK(read(events::ListenerNotReady{"reeve"}).empty());
  CHECK(read(events::ListenerNotReady{"other"}).size() == 1);
  CHECK(read(events::Spawned{"reeve", {12}}).empty());
  CHECK(read(events::ListenerNotReady{"reeve"}).size() == 1);
  CHECK(read(events::ManagerStarted{{13}}).empty());
  CHECK(read(events::ListenerNotReady{"other"}).size() == 1);
  CHECK(watched.state.snapshot().listeners_not_ready == 5);
}

TEST_CASE("SupervisorState: a restart in place is one, though no heartbeat saw supervisord gone") {
  using Kind = events::ManagerChange::Kind;
  StreamedState watched;
  watched.join();
  (void)watched.hear(events::ManagerChange{Kind::running}, "SUPERVISOR_STATE_CHANGE_RUNNING");
  CHECK(watched.state.snapshot().restarts == 0);  // its first start, heard late
  (void)watched.hear(events::ManagerChange{Kind::stopping}, "SUPERVISOR_STATE_CHANGE_STOPPING");
  CHECK(watched.state.snapshot().shutting_down);
  (void)watched.hear(events::ManagerChange{Kind::running}, "SUPERVISOR_STATE_CHANGE_RUNNING");
  CHECK(watched.state.snapshot().restarts == 1);
  // Another pid tells of the same restart.
  (void)watched.state.apply_heartbeat(substrate::Pid{8}, base::SteadyTime(1h),
                                      {base::SteadyTime(1h), {}});
  CHECK(watched.state.snapshot().restarts == 1);
}

}  // namespace
}  // namespace reeve::monitor
