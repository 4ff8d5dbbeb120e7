#include "monitor/watcher.h"

#include "fleet/details.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using base::ErrorKind;
using base::failure;
using namespace std::chrono_literals;

constexpr substrate::Pid daemon_pid{7};

/// A Watcher, and a clock that goes on one second with each thing that it learns.
class Watched {
 public:
  Step answers(substrate::Pid pid = daemon_pid) { return watcher_.heartbeat(pid, next()); }
  Step fails(ErrorKind kind, const std::string& message = "no answer") {
    return watcher_.heartbeat(failure(kind, message), next());
  }
  Step polled(std::vector<substrate::InstanceDetail> instances, base::Duration took = 1ms) {
    Poll poll;
    poll.listing.instances = std::move(instances);
    const Moment moment = next();
    poll.at = moment.steady;
    return watcher_.polled(std::move(poll), took, moment);
  }
  Step hears(events::Event event) {
    Delivery delivery;
    const Moment moment = next();
    delivery.heard.emplace_back(std::move(event));
    delivery.last = moment.steady;
    return watcher_.hear(delivery, moment);
  }
  [[nodiscard]] base::Duration names_age() const { return watcher_.names_age(now_.steady); }
  Step poll_fails(ErrorKind kind) { return watcher_.polled(failure(kind, "no list"), 1s, next()); }

  Watcher& operator*() { return watcher_; }
  Watcher* operator->() { return &watcher_; }
  [[nodiscard]] const SupervisorSnapshot& seen() const { return watcher_.seen(); }
  [[nodiscard]] std::uint64_t failures(PollFailure failure) const {
    return seen().polls.failures[static_cast<std::size_t>(failure)];
  }

 private:
  Moment next() {
    now_.steady += 1s;
    now_.system += 1s;
    return now_;
  }

  Watcher watcher_{"", "http://localhost:9001/RPC2"};
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

TEST_CASE("a supervisord is up once it answers and a full poll has succeeded") {
  Watched watched;
  CHECK_FALSE(watched.seen().up);
  CHECK_FALSE(watched->tried());
  const Step step = watched.answers();
  CHECK(step.wake);
  CHECK_FALSE(watched.seen().up);
  CHECK(watched.polled({running("web", {10, 100})}).publish);
  CHECK(watched.seen().up);
  CHECK(watched->tried());
  CHECK(watched.seen().last_error.empty());
  CHECK(watched.seen().snapshot_at == base::SystemTime(1'700'000'002s));
  CHECK(watched.seen().processes.size() == 1);
}

TEST_CASE("a poll goes by names of the last minute, but by none once something hints at others") {
  Watched watched;
  (void)watched.answers();
  CHECK(watched.names_age() == 0s);  // it answers anew
  watched->poll_begins();
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

TEST_CASE("heartbeats that bring no news are not published") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({});
  CHECK_FALSE(watched.answers().publish);
  CHECK_FALSE(watched.answers().wake);
  (void)watched.fails(ErrorKind::timeout);
  CHECK_FALSE(watched.fails(ErrorKind::timeout).publish);
}

TEST_CASE("one heartbeat that fails takes it down and gives up the poll under way") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  const Step step = watched.fails(ErrorKind::timeout, "no answer within 5s");
  CHECK(step.publish);
  CHECK(step.abandon);
  CHECK(watched->silent());
  CHECK_FALSE(watched.seen().up);
  CHECK(watched.seen().last_error == "no answer within 5s");
  CHECK(watched.seen().processes.size() == 1);
  CHECK(watched.seen().counter_gaps[static_cast<std::size_t>(CounterSource::polls)] == 1);
}

TEST_CASE("the first heartbeat that succeeds asks for a poll, and that poll brings it up") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({});
  (void)watched.fails(ErrorKind::timeout);
  CHECK(watched.answers().wake);
  CHECK_FALSE(watched->silent());
  CHECK_FALSE(watched.seen().up);
  (void)watched.polled({});
  CHECK(watched.seen().up);
}

TEST_CASE("a full poll that fails takes it down, but polls go on while it answers") {
  const auto kind =
      GENERATE(ErrorKind::timeout, ErrorKind::denied, ErrorKind::malformed, ErrorKind::fault);
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({});
  (void)watched.poll_fails(kind);
  CHECK_FALSE(watched.seen().up);
  CHECK_FALSE(watched->silent());
  (void)watched.polled({});
  CHECK(watched.seen().up);
}

TEST_CASE("a full poll that is refused makes it silent until a heartbeat succeeds") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({});
  (void)watched.poll_fails(ErrorKind::unreachable);
  CHECK(watched->silent());
  CHECK(watched.answers().wake);
}

TEST_CASE("each way for a poll to fail has its own counter") {
  Watched watched;
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

TEST_CASE("polls that were not sent to a silent supervisord failed for the same reason") {
  Watched watched;
  (void)watched.fails(ErrorKind::denied);
  CHECK(watched->poll_skipped().publish);
  CHECK(watched->poll_skipped().publish);
  CHECK(watched.failures(PollFailure::denied) == 2);
}

TEST_CASE("a call that was cancelled teaches nothing") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({});
  CHECK_FALSE(watched.fails(ErrorKind::cancelled).publish);
  CHECK_FALSE(watched.poll_fails(ErrorKind::cancelled).publish);
  CHECK(watched.seen().up);
}

TEST_CASE("another pid is another daemon, which starts afresh what ran") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  CHECK(watched.answers({8}).wake);
  CHECK(watched.seen().restarts == 1);
  const Step step = watched.polled({running("web", {20, 110})});
  CHECK(watched.seen().processes[0].counters.restarts == 0);
  CHECK(watched.seen().processes[0].counters.starts == 1);
  REQUIRE(step.log);
  CHECK(field(*step.log, "restarted") == "true");
  (void)watched.polled({running("web", {21, 115})});
  CHECK(watched.seen().processes[0].counters.restarts == 1);
  CHECK(watched.seen().restarts == 1);
}

TEST_CASE("the same pid after a refusal or a shutdown is a restart too, if no run survived it") {
  const auto kind =
      GENERATE(ErrorKind::unreachable, ErrorKind::socket_missing, ErrorKind::shutting_down);
  Watched watched;
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

TEST_CASE("a mere timeout is no restart, whatever happened to the processes meanwhile") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.fails(ErrorKind::timeout);
  (void)watched.answers();
  (void)watched.polled({running("web", {20, 110})});
  CHECK(watched.seen().restarts == 0);
  CHECK(watched.seen().processes[0].counters.restarts == 1);
}

TEST_CASE("one restart is counted once, though it is seen in several ways") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.fails(ErrorKind::shutting_down);
  (void)watched.fails(ErrorKind::unreachable);
  (void)watched.answers({8});
  (void)watched.polled({running("web", {20, 110})});
  (void)watched.polled({running("web", {20, 110})});
  CHECK(watched.seen().restarts == 1);
}

TEST_CASE("it is shutting down as long as it says so") {
  Watched watched;
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

TEST_CASE("it is asked what it is when it is new, and again when it was restarted") {
  Watched watched;
  CHECK_FALSE(watched->wants_description());
  (void)watched.answers();
  (void)watched.polled({});
  CHECK(watched->wants_description());
  (void)watched->described({"4.2.5", "3.0", "supervisor"});
  CHECK_FALSE(watched->wants_description());
  (void)watched.answers({8});
  (void)watched.polled({});
  CHECK(watched->wants_description());
}

TEST_CASE("its going is logged once with the reason, and its coming back once") {
  Watched watched;
  const Step first = watched.answers();
  CHECK_FALSE(first.log);
  REQUIRE(watched.polled({}).log);
  CHECK_FALSE(watched.polled({}).log);
  const Step gone = watched.fails(ErrorKind::unreachable, "connection refused: is it running?");
  REQUIRE(gone.log);
  CHECK(gone.log->level == base::LogLevel::warning);
  CHECK(field(*gone.log, "reason") == "unreachable");
  CHECK(field(*gone.log, "error") == "connection refused: is it running?");
  CHECK_FALSE(watched.fails(ErrorKind::denied).log);
  CHECK_FALSE(watched.answers().log);
  CHECK_FALSE(watched.poll_fails(ErrorKind::fault).log);
  const Step back = watched.polled({});
  REQUIRE(back.log);
  CHECK(back.log->level == base::LogLevel::info);
  CHECK(field(*back.log, "unread_for") == "4s");
}

TEST_CASE("a supervisord that was never there is logged once too") {
  Watched watched;
  CHECK(watched.fails(ErrorKind::socket_missing).log);
  CHECK_FALSE(watched.fails(ErrorKind::socket_missing).log);
}

TEST_CASE("the durations of successful polls make a histogram, bounds included") {
  Watched watched;
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

TEST_CASE("counters pause while it is away and go on") {
  Watched watched;
  (void)watched.answers();
  (void)watched.polled({running("web", {10, 100})});
  (void)watched.polled({running("web", {11, 105})});
  (void)watched.fails(ErrorKind::timeout);
  CHECK(watched.seen().processes[0].counters.restarts == 1);
  (void)watched.answers();
  (void)watched.polled({running("web", {11, 105})});
  CHECK(watched.seen().processes[0].counters.restarts == 1);
}

}  // namespace
}  // namespace reeve::monitor
