// What events and supervisord's log make of a Watcher.
#include "fleet/details.h"
#include "monitor/watcher.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;

/// A Watcher that has polled once.
class Watched {
 public:
  Watched() {
    (void)watcher.heartbeat(substrate::Pid{7}, now_);
    (void)watcher.polled(poll(), 1ms, now_);
    watcher.poll_begins();
  }

  Step hear(Heard heard) {
    Delivery delivery;
    delivery.heard.push_back(std::move(heard));
    delivery.last = now_.steady;
    return watcher.hear(delivery, now_);
  }
  Step hear(decltype(events::Event::what) what, std::string type) {
    events::Event event;
    event.type = std::move(type);
    event.what = std::move(what);
    return hear(Heard(std::move(event)));
  }
  Step crash() {
    events::StateChange change;
    change.name = {"web", "web"};
    change.to = InstanceState::exited;
    change.from = InstanceState::running;
    change.expected = false;
    return hear(change, "PROCESS_STATE_EXITED");
  }
  /// All that makes the stream complete.
  void join() {
    const std::uint64_t anchor = watcher.begin_survey();
    Poll answer = poll();
    answer.survey = SurveyedLog{{}, true};
    (void)watcher.polled(std::move(answer), 1ms, now_);
    (void)hear(Mark{anchor});
  }
  /// A survey without text of the log, whose mark does not come.
  void survey() {
    (void)watcher.begin_survey();
    Poll answer = poll();
    answer.survey.emplace();
    (void)watcher.polled(std::move(answer), 1ms, now_);
  }
  void passes(base::Duration span) { now_.steady += span; }
  Step beat() { return watcher.heartbeat(substrate::Pid{7}, now_); }
  [[nodiscard]] Needs needs() const { return watcher.needs(now_.steady); }
  [[nodiscard]] std::uint64_t gaps(CounterSource source) const {
    return watcher.seen().counter_gaps[static_cast<std::size_t>(source)];
  }
  [[nodiscard]] const ProcessSnapshot& web() const { return watcher.seen().processes[0]; }

  Watcher watcher{"", "unix"};

 private:
  [[nodiscard]] Poll poll() const {
    Poll poll;
    poll.listing.instances = {running("web", {10, 100})};
    poll.asked = poll.at = now_.steady;
    return poll;
  }

  Moment now_{base::SteadyTime(1h), base::SystemTime(1'700'000'000s)};
};

TEST_CASE("with a stream that tells everything polls are rare and events are the source") {
  Watched watched;
  CHECK_FALSE(watched.watcher.seen().event_stream);
  watched.join();
  CHECK(watched.watcher.seen().counter_source == CounterSource::events);
  CHECK(watched.needs().heard);
  CHECK(watched.crash().publish);
  CHECK(watched.web().detail.state == InstanceState::exited);
  CHECK(watched.web().counters.unexpected_exits == 1U);
  CHECK(watched.needs().touched == 1);
  CHECK(watched.needs().log_soon);
}

TEST_CASE("events are counted by type, all types from the first event on") {
  Watched watched;
  watched.join();
  (void)watched.crash();
  (void)watched.crash();
  REQUIRE(watched.watcher.seen().event_stream);
  const EventStream& stream = *watched.watcher.seen().event_stream;
  CHECK(stream.up);
  CHECK(stream.counts.size() == events::type_labels().size());
  for (const EventCount& each : stream.counts) {
    CHECK(each.count == (each.type == "PROCESS_STATE_EXITED" ? 2U : 0U));
  }
}

TEST_CASE("a gap in the stream is counted, and wants an anchor at once") {
  Watched watched;
  watched.join();
  (void)watched.crash();
  CHECK(watched.hear(events::Gap{events::Gap::Cause::lost, 4}).wake);
  CHECK(watched.gaps(CounterSource::events) == 1);
  CHECK(watched.watcher.seen().event_stream->lost == 4);
  CHECK(watched.watcher.seen().counter_source == CounterSource::log);
  CHECK(watched.needs().anchor_soon);
  CHECK_FALSE(watched.needs().heard);
  watched.join();
  CHECK(watched.watcher.seen().counter_source == CounterSource::events);
  CHECK_FALSE(watched.needs().anchor_soon);
}

TEST_CASE("a stream without even a tick for half a minute is down, until it speaks again") {
  Watched watched;
  watched.join();
  (void)watched.crash();
  watched.passes(event_stream_patience);
  CHECK(watched.beat().publish);
  CHECK_FALSE(watched.watcher.seen().event_stream->up);
  CHECK(watched.watcher.seen().counter_source != CounterSource::events);
  CHECK_FALSE(watched.needs().heard);
  (void)watched.hear(events::Tick{5s, {}}, "TICK_5");
  CHECK(watched.watcher.seen().event_stream->up);
  CHECK(watched.watcher.seen().counter_source == CounterSource::events);
}

TEST_CASE("a mark that does not come is given up, which is a gap, and tried with the next poll") {
  Watched watched;
  watched.join();
  (void)watched.crash();
  watched.survey();
  CHECK_FALSE(watched.needs().anchor);
  SECTION("five seconds after the last event") {
    watched.passes(4s);
    (void)watched.hear(events::Tick{5s, {}}, "TICK_5");
    watched.passes(4s);
    (void)watched.beat();
    CHECK(watched.watcher.seen().counter_source == CounterSource::events);
    watched.passes(1s);
  }
  SECTION("after half a minute, however many events come") {
    for (int i = 0; i < 29; ++i) {
      watched.passes(1s);
      (void)watched.crash();
      CHECK(watched.watcher.seen().counter_source == CounterSource::events);
    }
    watched.passes(1s);
    (void)watched.crash();
  }
  (void)watched.beat();
  CHECK(watched.watcher.seen().counter_source == CounterSource::polls);
  CHECK(watched.gaps(CounterSource::events) == 1);
  CHECK(watched.needs().anchor);
  CHECK_FALSE(watched.needs().anchor_soon);
}

TEST_CASE("a stream that may be its own is worth one survey, until it asks for another") {
  Watched watched;
  const auto ask = [&] {
    Delivery delivery;
    delivery.wants_mark = true;
    (void)watched.watcher.hear(delivery, {});
  };
  CHECK_FALSE(watched.needs().anchor);
  ask();
  CHECK(watched.needs().anchor);
  watched.survey();
  CHECK_FALSE(watched.needs().anchor);
  ask();
  CHECK(watched.needs().anchor);
}

TEST_CASE("a stream that fell silent while its mark was awaited is not surveyed for") {
  Watched watched;
  watched.join();
  (void)watched.crash();
  watched.passes(event_stream_patience);
  watched.survey();
  watched.passes(event_stream_patience);
  (void)watched.beat();
  CHECK_FALSE(watched.watcher.seen().event_stream->up);
  CHECK_FALSE(watched.needs().anchor);
}

TEST_CASE(
    "a supervisord that says it stops is shutting down, and a group that comes wants a list") {
  Watched watched;
  watched.join();
  (void)watched.hear(events::ManagerChange{events::ManagerChange::Kind::stopping},
                     "SUPERVISOR_STATE_CHANGE_STOPPING");
  CHECK(watched.watcher.seen().shutting_down);
  (void)watched.hear(events::GroupChange{events::GroupChange::Kind::added, "new"},
                     "PROCESS_GROUP_ADDED");
  CHECK(watched.needs().anchor_soon);
  watched.watcher.survey_not_implemented();
  CHECK_FALSE(watched.needs().anchor_soon);
  (void)watched.hear(events::GroupChange{events::GroupChange::Kind::added, "new"},
                     "PROCESS_GROUP_ADDED");
  CHECK(watched.needs().poll_soon);
}

TEST_CASE("the log wants an anchor once it is followed, and is a gap when it is refused") {
  Watched watched;
  CHECK(watched.needs().log);
  (void)watched.watcher.log_read({{}, false, true});
  CHECK_FALSE(watched.needs().anchor_soon);
  (void)watched.watcher.log_read({{}, true, true});
  CHECK(watched.needs().anchor_soon);
  (void)watched.watcher.begin_survey();
  Poll answer;
  answer.survey = SurveyedLog{{}, true};
  answer.listing.instances = {running("web", {10, 100})};
  (void)watched.watcher.polled(std::move(answer), 1ms,
                               {base::SteadyTime(1h), base::SystemTime(1'700'000'000s)});
  CHECK(watched.watcher.seen().counter_source == CounterSource::log);
  CHECK(watched.watcher.log_refused().publish);
  CHECK(watched.watcher.seen().counter_source == CounterSource::polls);
  CHECK(watched.gaps(CounterSource::log) == 1);
}

TEST_CASE("a log in which programs write is not believed, and that is said once") {
  Watched watched;
  (void)watched.watcher.log_read({{}, true, true});
  CHECK(watched.watcher.log_read({{}, true, false}).log);
  CHECK(watched.gaps(CounterSource::log) == 1);
  CHECK_FALSE(watched.watcher.log_read({{}, true, false}).log);
  CHECK_FALSE(watched.needs().log);
}

TEST_CASE("a restart in place is one, though no heartbeat saw supervisord gone") {
  using Kind = events::ManagerChange::Kind;
  Watched watched;
  watched.join();
  (void)watched.hear(events::ManagerChange{Kind::running}, "SUPERVISOR_STATE_CHANGE_RUNNING");
  CHECK(watched.watcher.seen().restarts == 0);  // its first start, heard late
  (void)watched.hear(events::ManagerChange{Kind::stopping}, "SUPERVISOR_STATE_CHANGE_STOPPING");
  CHECK(watched.watcher.seen().shutting_down);
  (void)watched.hear(events::ManagerChange{Kind::running}, "SUPERVISOR_STATE_CHANGE_RUNNING");
  CHECK(watched.watcher.seen().restarts == 1);
  // Another pid tells of the same restart.
  (void)watched.watcher.heartbeat(substrate::Pid{8}, {base::SteadyTime(1h), {}});
  CHECK(watched.watcher.seen().restarts == 1);
}

}  // namespace
}  // namespace reeve::monitor
