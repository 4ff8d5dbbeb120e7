#include "guards/action_history.h"

#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::guards {
namespace {

using namespace std::chrono_literals;

ActionHistory full_history(base::SteadyTime now) {
  ActionHistory history;
  history.begun = now - 1h;
  history.breaker_until = now + 1min;
  history.total = {now - 2min, now};
  history.targets[{"prod", {"web", "front"}}] = {{now - 2min, now}, now + 5min, 2,
                                                 now + 6h,          {3, 1h},    true};
  history.targets[{"", {"b\xc3", "job"}}] = {};
  return history;
}

struct File {
  tests::ManualClock manual;
  records::StateClock clock{manual, "boot"};
  ActionHistory history = full_history(clock.now());
  std::string text = to_text(history, clock.written_at());
};

TEST_CASE("ActionHistory: a history is read as it was written") {
  const File file;
  const auto read = parse_history(file.text, file.clock);
  REQUIRE(read);
  CHECK(read->value == file.history);
  CHECK_FALSE(read->future_dated);
}

TEST_CASE("ActionHistory: over a reboot all times of a history move alike") {
  File file;
  file.manual.advance(10min);
  const auto read = parse_history(file.text, records::StateClock(file.manual, "another"));
  REQUIRE(read);
  CHECK(read->value == file.history);  // both clocks went on by ten minutes
}

TEST_CASE("ActionHistory: a history that is cut short anywhere is none") {
  const File file;
  for (std::size_t length = 0; length < file.text.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_history(file.text.substr(0, length), file.clock));
  }
}

TEST_CASE("ActionHistory: a history with any byte changed is none, or a whole one") {
  const File file;
  for (std::size_t at = 0; at < file.text.size(); ++at) {
    for (const char byte : {'\0', '0', '-', '"', '}', '\xff'}) {
      std::string damaged = file.text;
      damaged[at] = byte;
      if (const auto read = parse_history(damaged, file.clock)) {
        CHECK(read->value.targets.size() == 2);
      }
    }
  }
}

}  // namespace
}  // namespace reeve::guards
