#include "events/log_line.h"

#include <csignal>

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

TEST_CASE("a start tells whether a program of its kind is RUNNING at once") {
  const std::string text = "success: web entered RUNNING state, process has stayed up for > than ";
  CHECK(read<EnteredRunning>(text + "0 seconds (startsecs)").runs_at_once);
  CHECK_FALSE(read<EnteredRunning>(text + "10 seconds (startsecs)").runs_at_once);
}

TEST_CASE("a line has a time to the millisecond and a level") {
  const auto line = parse_log_line("2026-11-22 08:35:31,157 WARN something");
  REQUIRE(line);
  using namespace std::chrono;
  CHECK(line->at == local_days(year(2026) / 11 / 22) + hours(8) + minutes(35) + seconds(31) +
                        milliseconds(157));
  CHECK(line->level == ManagerLogLevel::warning);
}

TEST_CASE("a spawn has a name and a pid") {
  CHECK(read<Spawned>("spawned: 'web' with pid 26133") == Spawned{"web", Pid{26133}});
}

TEST_CASE("an exit has a status or a signal, and was expected or not") {
  CHECK(read<Exited>("exited: web (exit status 3; not expected)", "WARN") ==
        Exited{"web", {3, std::nullopt}, false});
  CHECK(read<Exited>("exited: web (exit status 0; expected)") ==
        Exited{"web", {0, std::nullopt}, true});
  CHECK(read<Exited>("exited: web (terminated by SIGKILL; not expected)") ==
        Exited{"web", {std::nullopt, SIGKILL}, false});
}

TEST_CASE("a core dump does not hide the signal, and signals without a name have a number") {
  CHECK(read<Exited>("exited: k (terminated by SIGSEGV (core dumped); not expected)").end ==
        RunEnd{std::nullopt, SIGSEGV});
  CHECK(read<Exited>("exited: rt (terminated by signal 40; not expected)").end ==
        RunEnd{std::nullopt, 40});
  CHECK(read<Exited>("exited: x (unknown termination cause 0x13ff; not expected)").end == RunEnd{});
}

TEST_CASE("a stop on request has its end too") {
  CHECK(read<Stopped>("stopped: web (terminated by SIGTERM)", "WARN") ==
        Stopped{"web", {std::nullopt, SIGTERM}});
  CHECK(read<Stopped>("stopped: web (exit status 0)") == Stopped{"web", {0, std::nullopt}});
}

TEST_CASE("it says when a process counts as running, and when it is given up") {
  CHECK(read<EnteredRunning>("success: web entered RUNNING state, process has stayed up for > than "
                             "1 seconds (startsecs)") == EnteredRunning{"web"});
  CHECK(read<GaveUp>("gave up: web entered FATAL state, too many start retries too quickly") ==
        GaveUp{"web"});
}

TEST_CASE("a failed spawn names its process only sometimes") {
  CHECK(read<SpawnError>("spawnerr: can't find command '/nonexistent'") ==
        SpawnError{"can't find command '/nonexistent'", std::nullopt});
  CHECK(read<SpawnError>("spawnerr: too many open files to spawn 'web'").name == "web");
  CHECK(read<SpawnError>("spawnerr: unknown error during fork for 'it's': ENOMEM").name == "it's");
}

TEST_CASE("supervisord's own life is in its log") {
  CHECK(read<ManagerStarted>("supervisord started with pid 26065") == ManagerStarted{Pid{26065}});
}

TEST_CASE("log_line: a listener that is not ready any more is in the log alone") {
  CHECK(read<ListenerNotReady>(
            "reeve: has entered the UNKNOWN state and will no longer receive events, "
            "this usually indicates the process violated the eventlistener protocol",
            "WARN") == ListenerNotReady{"reeve"});
}

TEST_CASE("names may hold quotes, parentheses and what looks like a line's other parts") {
  const std::string name =
      GENERATE(std::string("(x)"), std::string("c;"), std::string("it's"), std::string("a\tb"),
               std::string("naïve-日本"), std::string("x;expected)"), std::string("'"));
  CHECK(read<Spawned>("spawned: '" + name + "' with pid 7").name == name);
  CHECK(read<Exited>("exited: " + name + " (exit status 0; expected)").name == name);
  CHECK(read<Stopped>("stopped: " + name + " (exit status 0)").name == name);
  CHECK(read<EnteredRunning>("success: " + name + " entered RUNNING state, process").name == name);
}

TEST_CASE("a line that says nothing of these is another line") {
  const std::string text = GENERATE(
      std::string("daemonizing the supervisord process"), std::string("spawned: web with pid 3"),
      std::string("spawned: '' with pid x"), std::string("exited: web"),
      std::string("exited: web (exit status 3)"), std::string("waiting for web to stop"),
      std::string("reaped unknown pid 5 (exit status 0)"),
      std::string("killing 'web' with SIGKILL"),
      std::string("received SIGUSR2 indicating log reopen request"), std::string(""));
  CHECK(read<OtherLine>(text) == OtherLine{});
}

TEST_CASE("a line below info says nothing: children's output is in it") {
  for (const char* const level : {"DEBG", "TRAC", "BLAT"}) {
    CHECK(read<OtherLine>("spawned: 'web' with pid 5", level) == OtherLine{});
  }
  CHECK(is_below_info(ManagerLogLevel::debug));
  CHECK_FALSE(is_below_info(ManagerLogLevel::info));
}

TEST_CASE("what does not begin as a line of the log is none") {
  const std::string line = GENERATE(
      std::string(""), std::string("Traceback (most recent call last):"),
      std::string("2026-11-22 08:35:31,157"), std::string("2026-11-22 08:35:31,157 INFO"),
      std::string("2026-13-22 08:35:31,157 INFO x"), std::string("2026-02-30 08:35:31,157 INFO x"),
      std::string("2026-11-22 24:35:31,157 INFO x"), std::string("2026-11-22 08:35:31.157 INFO x"),
      std::string("2026-11-22 08:35:31,157 LOUD x"), std::string("+026-11-22 08:35:31,157 INFO x"),
      std::string("11-22 08:35:31,157 INFO spawned: 'web' with pid 5"));
  CHECK_FALSE(parse_log_line(line));
}

}  // namespace
}  // namespace reeve::events
