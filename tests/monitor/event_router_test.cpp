#include "monitor/event_router.h"

#include "monitor/snapshot.h"
#include "reeve/substrate/administration.h"
#include "substrate/poll_source.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using events::EventSource;
using events::Gap;

/// Two supervisords, and listeners that speak.
class Routing {
 public:
  EventRouter::Routed event(const EventSource& source, const std::string& pool = "reeve") {
    return put(source, pool, events::Tick{5s, {}});
  }
  EventRouter::Routed mark(const EventSource& source, std::size_t member, std::uint64_t anchor,
                           const std::string& run = "us") {
    return put(source, "reeve",
               events::RemoteCommunication{substrate::survey_mark_type,
                                           EventRouter::mark_text(run, {member, anchor})});
  }
  EventRouter::Routed gap(const EventSource& source, Gap::Cause cause = Gap::Cause::lost) {
    return route({std::make_shared<const EventSource>(source), {now_, {}}, Gap{cause, 3}});
  }
  EventRouter::Routed crash(const EventSource& source) {
    events::StateChange change;
    change.name = {"web", "web"};
    change.from = substrate::InstanceState::exited;
    change.to = substrate::InstanceState::starting;
    return put(source, "reeve", change);
  }
  Routing& passes(base::Duration span) {
    now_ += span;
    return *this;
  }

 private:
  EventRouter::Routed put(const EventSource& source, const std::string& pool,
                          decltype(events::Event::what) what) {
    events::Event event;
    event.pool = pool;
    event.what = std::move(what);
    return route({std::make_shared<const EventSource>(source), {now_, {}}, std::move(event)});
  }
  EventRouter::Routed route(events::Arrival arrival) {
    std::vector<events::Arrival> arrivals;
    arrivals.push_back(std::move(arrival));
    return router_.route(std::move(arrivals));
  }

  EventRouter router_{"us", 2};
  base::SteadyTime now_{1h};
};

const EventSource first{"unix:///run/supervisor.sock", "100.1"};
const EventSource second{"unix:///run/supervisor.sock", "200.1"};

std::size_t heard(const EventRouter::Routed& routed, std::size_t member) {
  return routed.batches[member].items.size();
}

TEST_CASE("EventRouter: a stream is nobody's until a mark is heard in it, and wants one from all") {
  Routing routing;
  const auto routed = routing.event(first);
  CHECK(heard(routed, 0) + heard(routed, 1) == 0);
  CHECK(routed.batches[0].mark_requested_soon);
  CHECK(routed.batches[1].mark_requested_soon);
}

TEST_CASE("EventRouter: the supervisord through which the mark was sent is the one that speaks") {
  Routing routing;
  const auto marked = routing.mark(first, 1, 7);
  REQUIRE(heard(marked, 1) == 2);
  CHECK(std::get<Mark>(marked.batches[1].items[0]).anchor == 7);
  CHECK(heard(routing.event(first), 1) == 1);
  CHECK(heard(routing.event(first), 0) == 0);
  CHECK(heard(routing.gap(first), 1) == 1);
}

/// What is told of before the stream was bound; nothing if nothing is.
const Backlog* backlog_of(const EventRouter::Routed& routed, std::size_t member) {
  for (const StreamItem& item : routed.batches[member].items) {
    if (const auto* const backlog = std::get_if<Backlog>(&item)) {
      return backlog;
    }
  }
  return nullptr;
}

TEST_CASE("EventRouter: what a relay delivered before its stream is bound is told when it is") {
  Routing routing;
  (void)routing.gap(first);  // of another stream
  (void)routing.crash(first);
  (void)routing.crash(first);
  (void)routing.gap(first);
  const auto marked = routing.mark(first, 1, 7);
  const Backlog* const backlog = backlog_of(marked, 1);
  REQUIRE(backlog != nullptr);
  CHECK(backlog->transitions.at({"web", "web"})[restarts_at] == 2);
  CHECK(backlog->events.at("other") == 2);
  CHECK(backlog->gaps == 1);
  CHECK(backlog->lost == 3);
  CHECK(backlog_of(routing.crash(first), 1) == nullptr);
}

TEST_CASE("EventRouter: what another stream may have told before is not told again") {
  Routing routing;
  (void)routing.mark(first, 0, 1);
  (void)routing.crash(first);
  (void)routing.crash(second);
  CHECK(backlog_of(routing.mark(second, 0, 2), 0) == nullptr);
}

TEST_CASE("EventRouter: what comes on our own standard input is of our own time") {
  Routing routing;
  const EventSource own{"unix:///run/supervisor.sock", ""};
  (void)routing.crash(own);
  CHECK(backlog_of(routing.mark(own, 0, 1), 0) == nullptr);
}

TEST_CASE("EventRouter: marks of another agent, or of no supervisord of ours, say nothing") {
  Routing routing;
  CHECK(heard(routing.mark(first, 0, 1, "them"), 0) == 0);
  CHECK(heard(routing.mark(first, 2, 1), 0) == 0);
  CHECK(heard(routing.event(first), 0) == 0);
}

TEST_CASE("EventRouter: of two listeners of one supervisord only one is counted") {
  Routing routing;
  (void)routing.mark(first, 0, 1);
  const EventSource also{"http://localhost:9001", ""};
  CHECK(heard(routing.mark(also, 0, 1), 0) == 0);
  const auto routed = routing.event(also);
  CHECK(heard(routed, 0) == 0);
  CHECK_FALSE(routed.batches[0].mark_requested);
  CHECK(heard(routing.event(first, "another"), 0) == 0);
  SECTION("until it has been silent for too long, which is a gap") {
    routing.passes(event_stream_patience);
    CHECK(routing.event(also).batches[0].mark_requested);
    const auto marked = routing.mark(also, 0, 2);
    REQUIRE(heard(marked, 0) == 3);
    CHECK(std::holds_alternative<Gap>(marked.batches[0].items[0]));
    CHECK(std::holds_alternative<Mark>(marked.batches[0].items[1]));
  }
}

TEST_CASE("EventRouter: a listener of another daemon takes the place of the one before at once") {
  Routing routing;
  (void)routing.mark(first, 0, 1);
  CHECK(routing.event(second).batches[0].mark_requested_soon);
  CHECK(heard(routing.mark(second, 0, 2), 0) == 3);
  CHECK(heard(routing.event(second), 0) == 1);
  CHECK(heard(routing.event(first), 0) == 0);
}

TEST_CASE(
    "EventRouter: a stream that turns out to be another's is a gap for the one before, and goes "
    "once only") {
  Routing routing;
  (void)routing.mark(first, 0, 1);
  const auto moved = routing.mark(first, 1, 1);
  REQUIRE(heard(moved, 0) == 1);
  CHECK(std::holds_alternative<Gap>(moved.batches[0].items[0]));
  CHECK(heard(moved, 1) == 2);
  // One supervisord that is listed twice hears the marks of both.
  const auto again = routing.mark(first, 0, 2);
  CHECK(heard(again, 0) == 0);
  CHECK(heard(again, 1) == 1);
  CHECK(heard(routing.mark(first, 1, 2), 1) == 2);
}

TEST_CASE("EventRouter: a listener that waits for its turn bothers no other supervisord") {
  Routing routing;
  (void)routing.mark(first, 0, 1);
  const EventSource also{"http://localhost:9001", ""};
  CHECK(routing.event(also).batches[1].mark_requested);
  (void)routing.mark(also, 0, 1);
  CHECK_FALSE(routing.event(also).batches[1].mark_requested);
}

TEST_CASE("EventRouter: what found no room is a gap for everybody") {
  Routing routing;
  (void)routing.mark(first, 0, 1);
  (void)routing.mark(second, 1, 1);
  const auto routed = routing.gap(first, Gap::Cause::overflow);
  CHECK(heard(routed, 0) == 1);
  CHECK(heard(routed, 1) == 1);
}

TEST_CASE(
    "EventRouter: a listener that hears no marks is named once, and asks for one once a minute") {
  Routing routing;
  CHECK(routing.event(first).unbound_pools.empty());
  routing.passes(30s);
  const auto routed = routing.event(first);
  CHECK(routed.unbound_pools == std::vector<std::string>{"reeve"});
  CHECK(routed.batches[0].mark_requested);
  CHECK_FALSE(routed.batches[0].mark_requested_soon);
  routing.passes(59s);
  const auto soon = routing.event(first);
  CHECK(soon.unbound_pools.empty());
  CHECK_FALSE(soon.batches[0].mark_requested);
  CHECK(routing.passes(1s).event(first).batches[0].mark_requested);
}

}  // namespace
}  // namespace reeve::monitor
