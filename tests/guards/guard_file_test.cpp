#include "guards/guard_file.h"

#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::guards {
namespace {

using namespace std::chrono_literals;

Book full_book(base::SteadyTime now) {
  Book book;
  book.begun = now - 1h;
  book.breaker_until = now + 1min;
  book.total = {now - 2min, now};
  book.targets[{"prod", {"web", "front"}}] = {{now - 2min, now}, now + 5min, 2,
                                              now + 6h,          {3, 1h},    true};
  book.targets[{"", {"b\xc3", "job"}}] = {};
  return book;
}

struct File {
  tests::ManualClock manual;
  GuardClock clock{manual, "boot"};
  Book book = full_book(clock.now());
  std::string text = to_text(book, clock.stamp());
};

TEST_CASE("a book is read as it was written") {
  const File file;
  const auto read = parse_book(file.text, file.clock);
  REQUIRE(read);
  CHECK(read->book == file.book);
  CHECK_FALSE(read->future_dated);
}

TEST_CASE("over a reboot all times of a book move alike") {
  File file;
  file.manual.advance(10min);
  const auto read = parse_book(file.text, GuardClock(file.manual, "another"));
  REQUIRE(read);
  CHECK(read->book == file.book);  // both clocks went on by ten minutes
}

TEST_CASE("a book that is cut short anywhere is none") {
  const File file;
  for (std::size_t length = 0; length < file.text.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_book(file.text.substr(0, length), file.clock));
  }
}

TEST_CASE("a book with any byte changed is none, or a whole one") {
  const File file;
  for (std::size_t at = 0; at < file.text.size(); ++at) {
    for (const char byte : {'\0', '0', '-', '"', '}', '\xff'}) {
      std::string damaged = file.text;
      damaged[at] = byte;
      if (const auto read = parse_book(damaged, file.clock)) {
        CHECK(read->book.targets.size() == 2);
      }
    }
  }
}

}  // namespace
}  // namespace reeve::guards
