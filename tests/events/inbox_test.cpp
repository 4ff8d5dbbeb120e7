#include "events/inbox.h"

#include "events/intake.h"
#include "support/catch.h"

namespace reeve::events {
namespace {

const Receipt noon{base::SteadyTime(std::chrono::seconds(5)),
                   base::SystemTime(std::chrono::seconds(1'700'000'000))};

RawEvent raw(const Serials& serials, const std::string& type = "TICK_5",
             const std::string& payload = "when:1795329025") {
  return {"ver:3.0 server:s serial:" + std::to_string(serials.serial) +
              " pool:p poolserial:" + std::to_string(serials.pool_serial) + " eventname:" + type +
              " len:" + std::to_string(payload.size()),
          payload};
}

struct Collected {
  Inbox inbox{[this] { ++news; }};
  Intake intake{Source{"unix:///s", ""}, inbox};
  int news = 0;

  std::vector<std::variant<std::uint64_t, Gap>> take() {
    std::vector<std::variant<std::uint64_t, Gap>> seen;
    for (const Arrival& arrival : inbox.take()) {
      if (const Event* const event = std::get_if<Event>(&arrival.what)) {
        seen.emplace_back(event->serials.pool_serial);
      } else {
        seen.emplace_back(std::get<Gap>(arrival.what));
      }
    }
    return seen;
  }
};

using Seen = std::vector<std::variant<std::uint64_t, Gap>>;

TEST_CASE("events are taken in the order and with the times of their arrival") {
  Collected collected;
  collected.intake.put(raw({1, 0}), noon);
  collected.intake.put(raw({2, 1}), noon);
  CHECK(collected.news == 2);
  const auto arrivals = collected.inbox.take();
  REQUIRE(arrivals.size() == 2);
  CHECK(arrivals[0].at == noon);
  CHECK(arrivals[0].source->server_url == "unix:///s");
  CHECK(std::get<Event>(arrivals[1].what).serials == Serials{2, 1});
  CHECK(collected.inbox.take().empty());
}

TEST_CASE("a gap stands where the events are missing, a repeat nowhere") {
  Collected collected;
  collected.intake.put(raw({1, 0}), noon);
  collected.intake.put(raw({9, 5}), noon);
  collected.intake.put(raw({1, 0}), noon);
  collected.intake.put(raw({20, 0}), noon);
  CHECK(collected.take() == Seen{std::uint64_t{0}, Gap{Gap::Cause::lost, 4}, std::uint64_t{5},
                                 Gap{Gap::Cause::pool_restarted, 0}, std::uint64_t{0}});
}

TEST_CASE("an event that cannot be read is a gap, and keeps its place in the numbering") {
  Collected collected;
  collected.intake.put(raw({1, 0}), noon);
  collected.intake.put(raw({2, 1}, "PROCESS_STATE_EXITED", "processname:x"), noon);
  collected.intake.put(raw({3, 2}), noon);
  CHECK(collected.take() ==
        Seen{std::uint64_t{0}, Gap{Gap::Cause::unreadable, 1}, std::uint64_t{2}});
}

TEST_CASE("when nobody takes them, events are dropped and counted, never waited with") {
  int news = 0;
  Inbox inbox([&] { ++news; }, 2);
  Intake intake(Source{}, inbox);
  for (std::uint64_t i = 0; i < 5; ++i) {
    intake.put(raw({i, i}), noon);
  }
  const auto arrivals = inbox.take();
  REQUIRE(arrivals.size() == 3);
  CHECK(std::get<Gap>(arrivals[2].what) == Gap{Gap::Cause::overflow, 3});
  CHECK(news == 5);
  SECTION("and once they are taken there is room again") {
    intake.put(raw({5, 5}), noon);
    CHECK(std::get<Event>(inbox.take().at(0).what).serials.serial == 5);
  }
}

}  // namespace
}  // namespace reeve::events
