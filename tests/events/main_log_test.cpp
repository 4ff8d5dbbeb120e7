#include "events/main_log.h"

#include <csignal>
#include <random>

#include "base/text.h"
#include "support/catch.h"

namespace reeve::events {
namespace {

using substrate::Pid;

template <class What>
What read(const std::string& text, const std::string& level = "INFO") {
  const auto line = parse_log_line("2026-11-22 08:35:31,157 " + level + " " + text);
  REQUIRE(line);
  INFO(text);
  REQUIRE(std::holds_alternative<What>(line->what));
  return std::get<What>(line->what);
}

TEST_CASE("parse_log_line: a start tells whether a program of its kind is RUNNING at once") {
  const std::string text = "success: web entered RUNNING state, process has stayed up for > than ";
  CHECK(read<EnteredRunning>(text + "0 seconds (startsecs)").runs_at_once);
  CHECK_FALSE(read<EnteredRunning>(text + "10 seconds (startsecs)").runs_at_once);
}

TEST_CASE("parse_log_line: a line has a time to the millisecond and a level") {
  const auto line = parse_log_line("2026-11-22 08:35:31,157 WARN something");
  REQUIRE(line);
  using namespace std::chrono;
  CHECK(line->at == local_days(year(2026) / 11 / 22) + hours(8) + minutes(35) + seconds(31) +
                        milliseconds(157));
  CHECK(line->level == ManagerLogLevel::warning);
}

TEST_CASE("parse_log_line: a spawn has a name and a pid") {
  CHECK(read<Spawned>("spawned: 'web' with pid 26133") == Spawned{"web", Pid{26133}});
}

TEST_CASE("parse_log_line: an exit has a status or a signal, and was expected or not") {
  CHECK(read<Exited>("exited: web (exit status 3; not expected)", "WARN") ==
        Exited{"web", {3, std::nullopt}, false});
  CHECK(read<Exited>("exited: web (exit status 0; expected)") ==
        Exited{"web", {0, std::nullopt}, true});
  CHECK(read<Exited>("exited: web (terminated by SIGKILL; not expected)") ==
        Exited{"web", {std::nullopt, SIGKILL}, false});
}

TEST_CASE(
    "parse_log_line: a core dump does not hide the signal, and signals without a name have a "
    "number") {
  CHECK(read<Exited>("exited: k (terminated by SIGSEGV (core dumped); not expected)").end ==
        RunEnd{std::nullopt, SIGSEGV});
  CHECK(read<Exited>("exited: rt (terminated by signal 40; not expected)").end ==
        RunEnd{std::nullopt, 40});
  CHECK(read<Exited>("exited: x (unknown termination cause 0x13ff; not expected)").end == RunEnd{});
}

TEST_CASE("parse_log_line: a stop on request has its end too") {
  CHECK(read<Stopped>("stopped: web (terminated by SIGTERM)", "WARN") ==
        Stopped{"web", {std::nullopt, SIGTERM}});
  CHECK(read<Stopped>("stopped: web (exit status 0)") == Stopped{"web", {0, std::nullopt}});
}

TEST_CASE("parse_log_line: a start that succeeded, and one that was given up") {
  CHECK(read<EnteredRunning>("success: web entered RUNNING state, process has stayed up for > than "
                             "1 seconds (startsecs)") == EnteredRunning{"web"});
  CHECK(read<GaveUp>("gave up: web entered FATAL state, too many start retries too quickly") ==
        GaveUp{"web"});
}

TEST_CASE(
    "parse_log_line: a SIGKILL after waiting in vain is not used: the process's end follows") {
  CHECK(read<OtherLine>("killing 'web' (26133) with SIGKILL", "WARN") == OtherLine{});
}

TEST_CASE("parse_log_line: a failed spawn names its process only sometimes") {
  CHECK(read<SpawnError>("spawnerr: can't find command '/nonexistent'") ==
        SpawnError{"can't find command '/nonexistent'", std::nullopt});
  CHECK(read<SpawnError>("spawnerr: too many open files to spawn 'web'").name == "web");
  CHECK(read<SpawnError>("spawnerr: unknown error during fork for 'it's': ENOMEM").name == "it's");
}

TEST_CASE("parse_log_line: supervisord's own life is in its log") {
  CHECK(read<ManagerStarted>("supervisord started with pid 26065") == ManagerStarted{Pid{26065}});
  CHECK(read<OtherLine>("received SIGTERM indicating exit request", "WARN") == OtherLine{});
  CHECK(read<OtherLine>("received SIGHUP indicating restart request", "WARN") == OtherLine{});
}

TEST_CASE("parse_log_line: trouble of event listeners is in its log alone") {
  CHECK(read<OtherLine>("pool reeve event buffer overflowed, discarding event 4", "ERRO") ==
        OtherLine{});
  CHECK(read<ListenerNotReady>(
            "reeve: has entered the UNKNOWN state and will no longer receive events, "
            "this usually indicates the process violated the eventlistener protocol",
            "WARN") == ListenerNotReady{"reeve"});
}

TEST_CASE(
    "parse_log_line: names may hold quotes, parentheses and what looks like a line's other parts") {
  const std::string name =
      GENERATE(std::string("(x)"), std::string("c;"), std::string("it's"), std::string("a\tb"),
               std::string("naïve-日本"), std::string("x;expected)"), std::string("'"));
  CHECK(read<Spawned>("spawned: '" + name + "' with pid 7").name == name);
  CHECK(read<Exited>("exited: " + name + " (exit status 0; expected)").name == name);
  CHECK(read<Stopped>("stopped: " + name + " (exit status 0)").name == name);
  CHECK(read<EnteredRunning>("success: " + name + " entered RUNNING state, process").name == name);
}

TEST_CASE("parse_log_line: any other line is an OtherLine") {
  const std::string text = GENERATE(
      std::string("daemonizing the supervisord process"), std::string("spawned: web with pid 3"),
      std::string("spawned: '' with pid x"), std::string("exited: web"),
      std::string("exited: web (exit status 3)"), std::string("waiting for web to stop"),
      std::string("reaped unknown pid 5 (exit status 0)"),
      std::string("killing 'web' with SIGKILL"),
      std::string("received SIGUSR2 indicating log reopen request"), std::string(""));
  CHECK(read<OtherLine>(text) == OtherLine{});
}

TEST_CASE("parse_log_line: a line below info is an OtherLine: it may be children's output") {
  for (const char* const level : {"DEBG", "TRAC", "BLAT"}) {
    CHECK(read<OtherLine>("spawned: 'web' with pid 5", level) == OtherLine{});
  }
  CHECK(is_below_info(ManagerLogLevel::debug));
  CHECK_FALSE(is_below_info(ManagerLogLevel::info));
}

TEST_CASE("parse_log_line: text that does not begin as a line of the log is no line") {
  const std::string line = GENERATE(
      std::string(""), std::string("Traceback (most recent call last):"),
      std::string("2026-11-22 08:35:31,157"), std::string("2026-11-22 08:35:31,157 INFO"),
      std::string("2026-13-22 08:35:31,157 INFO x"), std::string("2026-02-30 08:35:31,157 INFO x"),
      std::string("2026-11-22 24:35:31,157 INFO x"), std::string("2026-11-22 08:35:31.157 INFO x"),
      std::string("2026-11-22 08:35:31,157 LOUD x"), std::string("+026-11-22 08:35:31,157 INFO x"),
      std::string("11-22 08:35:31,157 INFO spawned: 'web' with pid 5"));
  CHECK_FALSE(parse_log_line(line));
}

/// supervisord's log, and somebody who follows it.
class Follower {
 public:
  /// Of a log with so many spawns, read to its end.
  explicit Follower(int spawned) : Follower() {
    spawn(spawned);
    follow();
  }
  Follower() = default;

  /// A spawn of a process with this pid, and so many of them.
  void spawn(int count = 1) {
    for (int i = 0; i < count; ++i) {
      write("INFO spawned: 'web' with pid " + std::to_string(next_pid_++));
    }
  }
  void write(const std::string& text) { log += stamp() + " " + text + "\n"; }
  std::string stamp() {
    const int at = milliseconds_++;
    const auto two = [](int number) { return std::to_string(100 + number % 100).substr(1); };
    return "2026-11-22 08:" + two(at / 60'000) + ":" + two(at / 1000 % 60) + "," +
           std::to_string(1000 + at % 1000).substr(1);
  }

  /// Reads until there is nothing new, in at most `steps` reads.
  void follow(int steps = 1000) {
    bool again = true;
    while (again && steps-- > 0) {
      const auto range = tail.next();
      REQUIRE(range.from == substrate::LogRange::From::start);
      REQUIRE(range.length <= 64 * 1024);
      ++reads;
      const auto step = tail.feed(answer(range));
      gaps += step.gap ? 1 : 0;
      add_pids(step.lines, seen);
      add_pids(step.earlier, seen_earlier);
      again = step.again;
    }
  }
  [[nodiscard]] int next_pid() const { return next_pid_; }

  std::string log;
  LogTail tail;
  std::vector<int> seen;
  std::vector<int> seen_earlier;
  int gaps = 0;
  int reads = 0;

 private:
  static void add_pids(const std::vector<LogLine>& lines, std::vector<int>& pids) {
    for (const LogLine& line : lines) {
      if (const auto* const spawned = std::get_if<Spawned>(&line.what)) {
        pids.push_back(static_cast<int>(spawned->pid.value));
      }
    }
  }

  /// As a call of readLog answers: over XML CRLF becomes LF, what is not UTF-8 becomes U+FFFD, and
  /// a character cut by an edge is left out.
  [[nodiscard]] std::string answer(const substrate::LogRange& range) const {
    if (range.offset >= log.size()) {
      return "";
    }
    std::string text = log.substr(range.offset, range.length);
    while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U) {
      text.erase(0, 1);
    }
    if (text.size() > 2 && static_cast<unsigned char>(text.back()) >= 0xC0U) {
      text.pop_back();
    }
    for (std::size_t at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at)) {
      text.erase(at, 1);
    }
    return base::to_utf8(text);
  }

  int next_pid_ = 1;
  int milliseconds_ = 0;
};

std::vector<int> pids(int first, int last) {
  std::vector<int> all;
  for (int pid = first; pid <= last; ++pid) {
    all.push_back(pid);
  }
  return all;
}

TEST_CASE("LogTail: lines from before the tail began are not returned") {
  Follower follower;
  const int before = GENERATE(0, 1, 3, 500, 5000, 60000);
  follower.spawn(before);
  follower.follow();
  CHECK(follower.tail.following() == (before > 0));
  CHECK(follower.seen.empty());
  follower.spawn(3);
  follower.follow();
  CHECK(follower.seen == pids(before + 1, before + 3));
  CHECK(follower.gaps == 0);
}

TEST_CASE(
    "LogTail: what was written just before the tail began is told apart, and each line once") {
  Follower follower;
  const int before = GENERATE(1, 500, 2000, 60000);
  follower.spawn(before);
  follower.follow();
  follower.spawn(3);
  follower.follow();
  REQUIRE_FALSE(follower.seen_earlier.empty());
  CHECK(follower.seen_earlier.back() == before);
  CHECK(follower.seen_earlier == pids(follower.seen_earlier.front(), before));
  CHECK(follower.seen_earlier.size() >= static_cast<std::size_t>(std::min(2000, before)));
}

TEST_CASE("LogTail: a level below info that is long over does not make the log untrusted") {
  Follower follower;
  follower.write("DEBG fd 5 closed");
  follower.spawn(3000);
  follower.follow();
  CHECK(follower.tail.trusted());
  // Children may have imitated lines then.
  CHECK(follower.seen_earlier.front() > 1);
}

TEST_CASE("LogTail: a log that has had no text is not followed, until it has some") {
  Follower follower;
  follower.follow();
  CHECK(follower.tail.empty());
  CHECK_FALSE(follower.tail.following());
  follower.spawn();
  follower.follow();
  CHECK(follower.tail.following());
  CHECK_FALSE(follower.tail.empty());
  follower.log.clear();
  follower.follow();
  CHECK(follower.tail.following());
}

TEST_CASE("LogTail: the end of a large log is found in few reads") {
  Follower follower;
  follower.log = std::string(40'000'000, 'x') + "\n";
  follower.follow();
  CHECK(follower.reads < 30);
  follower.spawn();
  follower.follow();
  CHECK(follower.seen == pids(1, 1));
}

TEST_CASE("LogTail: each line is returned once, whatever the moments of reading") {
  Follower follower(10);
  const auto seed = GENERATE(range(1U, 20U));
  std::minstd_rand random(seed);
  for (int round = 0; round < 100; ++round) {
    follower.spawn(static_cast<int>(random() % 30));
    follower.follow();
  }
  CHECK(follower.seen == pids(11, follower.next_pid() - 1));
  CHECK(follower.gaps == 0);
}

TEST_CASE("LogTail: a burst larger than one read takes several") {
  Follower follower(10);
  follower.spawn(20'000);
  follower.follow();
  CHECK(follower.seen == pids(11, 20'010));
  CHECK(follower.gaps == 0);
}

TEST_CASE("LogTail: a line that is being written is returned once it is complete") {
  Follower follower(2);
  follower.spawn();
  const std::string whole = follower.log;
  for (std::size_t length = whole.rfind('\n', whole.size() - 2) + 1; length < whole.size();
       ++length) {
    follower.log = whole.substr(0, length);
    follower.follow();
    CHECK(follower.seen.empty());
  }
  follower.log = whole;
  follower.follow();
  CHECK(follower.seen == pids(3, 3));
}

TEST_CASE("LogTail: characters of several bytes may be cut by any edge of a read") {
  Follower follower;
  const int shift = GENERATE(range(0, 9));
  follower.log = std::string(static_cast<std::size_t>(shift), 'x') + "\n";
  for (int i = 0; i < 3000; ++i) {
    follower.write("INFO 日本日本日本日本日本");
    follower.spawn();
  }
  follower.follow();
  for (int i = 0; i < 3000; ++i) {
    follower.write("INFO é日𝄞é日𝄞é日𝄞");
    follower.spawn();
  }
  follower.follow();
  CHECK(follower.seen == pids(3001, 6000));
  CHECK(follower.gaps == 0);
}

TEST_CASE("LogTail: bytes replaced in transport do not lose the position") {
  Follower follower(5);
  for (int i = 0; i < 2000; ++i) {
    follower.log += "a\r\nb\xE9\xE9\xE9 c\r\n\r\n\r\n\xFF\n";
    follower.spawn();
    if (i % 50 == 0) {
      follower.follow();
    }
  }
  follower.follow();
  CHECK(follower.seen == pids(6, 2005));
}

TEST_CASE("LogTail: a line longer than a read is skipped") {
  Follower follower(5);
  follower.log += std::string(300'000, 'y');
  follower.follow();
  follower.log += std::string(200'000, 'y') + "INFO spawned: 'no' with pid 999999\n";
  follower.spawn();
  follower.follow();
  CHECK(follower.seen == pids(6, 6));
  CHECK(follower.gaps == 0);
}

TEST_CASE("LogTail: a rotated or cleared log is read from its beginning, after a gap") {
  Follower follower(GENERATE(1, 20, 5000));
  const int before = follower.next_pid();
  SECTION("when the new one is shorter") {
    follower.log.clear();
    follower.spawn(3);
    follower.follow();
    CHECK(follower.seen == pids(before, before + 2));
  }
  SECTION("when the new one has grown longer") {
    follower.log.clear();
    follower.spawn(9000);
    follower.follow();
    CHECK(follower.seen == pids(before, before + 8999));
  }
  SECTION("when there is nothing in it yet") {
    follower.log.clear();
    follower.follow();
    follower.spawn(3);
    follower.follow();
    CHECK(follower.seen == pids(before, before + 2));
  }
  CHECK(follower.gaps == 1);
  follower.spawn();
  follower.follow();
  CHECK(follower.seen.back() == follower.next_pid() - 1);
  CHECK(follower.gaps == 1);
}

TEST_CASE("LogTail: a restart of supervisord continues the same log") {
  Follower follower(2);
  follower.write("INFO supervisord started with pid 1");
  follower.spawn(2);
  follower.follow();
  CHECK(follower.seen == pids(3, 4));
  CHECK(follower.gaps == 0);
}

TEST_CASE("LogTail: a clock that is set back does not matter") {
  Follower follower(2);
  follower.log += "2025-01-01 00:00:00,000 INFO spawned: 'web' with pid 77\n";
  follower.follow();
  CHECK(follower.seen == pids(77, 77));
}

TEST_CASE(
    "LogTail: a log that changes between two reads is a gap, and the lines after it are returned") {
  Follower follower(5000);
  follower.log.resize(follower.log.size() / 2);  // the head is the same, our place is gone
  follower.follow();
  CHECK(follower.gaps == 1);
  CHECK(follower.seen.empty());
  follower.log += "\n";
  follower.spawn();
  follower.follow();
  CHECK(follower.seen == pids(5001, 5001));
}

TEST_CASE("LogTail: a log that shrinks while its end is searched is begun anew") {
  Follower follower;
  follower.spawn(50'000);
  follower.follow(GENERATE(range(1, 12)));
  follower.log.clear();
  follower.follow();
  follower.spawn(2);
  follower.follow();
  CHECK(follower.seen == pids(50'001, 50'002));
}

TEST_CASE("LogTail: a log with a line below info is not to be trusted, now or later") {
  Follower follower;
  follower.spawn(2);
  SECTION("among what was there") {
    follower.write("DEBG fd 5 closed");
    follower.follow();
  }
  SECTION("among what comes") {
    follower.follow();
    CHECK(follower.tail.trusted());
    follower.write("DEBG 'c' stdout output:");
    follower.spawn();
    follower.follow();
  }
  CHECK_FALSE(follower.tail.trusted());
  follower.spawn();
  follower.follow();
  CHECK_FALSE(follower.tail.trusted());
}

TEST_CASE("LogTail: a log that seems endless ends the search") {
  LogTail tail;
  int reads = 0;
  while (!tail.following() && reads++ < 100) {
    (void)tail.feed("xxxxxxxx");
  }
  CHECK(tail.following());
}

TEST_CASE("LogTail: a server that answers the same to every read yields nothing more") {
  Follower follower(2000);
  const std::string same = follower.log.substr(follower.log.size() - std::size_t{40} * 1024);
  int reads = 0;
  while (follower.tail.feed(same).again && reads++ < 100) {
  }
  CHECK(reads < 3);
}

}  // namespace
}  // namespace reeve::events
