#include "control/audit.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/resource.h>

#include "control/audit.h"
#include "support/catch.h"
#include "support/manual_clock.h"
#include "support/recording_sink.h"
#include "support/temporary_folder.h"

namespace reeve::control {
namespace {

using base::SystemTime;
using namespace std::chrono_literals;
using tests::TemporaryFolder;

/// Of something that was done.
AuditEntry entry(int number) {
  AuditEntry entry;
  entry.at = SystemTime(1'700'000'000s + std::chrono::seconds(number));
  entry.kind = AuditKind::operation;
  entry.actor = "alertmanager";
  entry.source = guards::Source::alert;
  entry.reason = std::to_string(number);
  return entry;
}

/// Of an alert of this number that means nothing.
AuditEntry refused(int number, const std::string& decision = "no_target") {
  AuditEntry entry = control::entry(number);
  entry.kind = AuditKind::decision;
  entry.decision = decision;
  entry.target = guards::Target{"", {"web", std::to_string(number)}};
  return entry;
}

std::vector<std::string> reasons(const base::Result<std::vector<AuditEntry>>& entries) {
  REQUIRE(entries);
  std::vector<std::string> reasons;
  for (const AuditEntry& each : *entries) {
    reasons.push_back(each.reason);
  }
  return reasons;
}

struct Recorded {
  explicit Recorded(const records::RotationLimits& limits = {},
                    double actor_bytes = AuditLimits().actor_bytes)
      : audit(*Audit::open(state, clock, base::Log(sink),
                           {.acts = limits,
                            .decisions = limits,
                            .frequent_acts = limits,
                            .actor_bytes = actor_bytes,
                            .actor_bytes_per_second = 10})) {}

  void restart() {
    audit.reset();
    audit = *Audit::open(state, clock, base::Log(sink));
  }
  [[nodiscard]] std::uintmax_t bytes(const std::string& stem) const {
    std::uintmax_t all = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
      const std::string name = file.path().filename().string();
      all += name.starts_with(stem) ? file.file_size() : 0;
    }
    return all;
  }

  tests::ManualClock clock;

  TemporaryFolder folder;
  records::StateDir state = *records::StateDir::open(folder.path());
  std::shared_ptr<tests::RecordingSink> sink = std::make_shared<tests::RecordingSink>();
  std::unique_ptr<Audit> audit;
};

TEST_CASE("Audit: an audit entry is one line of JSON in the words of the API") {
  AuditEntry full = entry(0);
  full.decision = "cooldown";
  full.action = "restart";
  full.target = guards::Target{"east", {"web", "front\n"}};
  full.rule = "hung";
  full.fingerprint = "ab12";
  full.operation = "1-1";
  full.incarnation_before = "5:1700000000";
  full.incarnation_after = "6:1700000001";
  full.result = "succeeded";
  CHECK(to_line(full) ==
        R"({"at":"2023-11-14T22:13:20.000Z","kind":"operation","actor":"alertmanager",)"
        R"("source":"alert","supervisor":"east","group":"web","name":"front\n",)"
        R"("action":"restart","decision":"cooldown","reason":"0","rule":"hung",)"
        R"("fingerprint":"ab12","operation":"1-1","incarnation_before":"5:1700000000",)"
        R"("incarnation_after":"6:1700000001","result":"succeeded"})");
  CHECK(audit_entry_from(to_line(full)) == full);
  CHECK(audit_entry_from(to_line(entry(0))) == entry(0));
}

TEST_CASE("Audit: an audit entry keeps bytes that are no text") {
  AuditEntry odd = entry(0);
  odd.target = guards::Target{"", {"\xFF", "\xC3("}};
  CHECK(audit_entry_from(to_line(odd)) == odd);
}

TEST_CASE("Audit: what is no audit entry is not read as one") {
  for (const char* line : {"", "[]", "{}", "{\"at\":5}", R"({"at":"2023-11-14"})",
                           R"({"at":"2023-11-14T22:13:20Z","kind":"tea"})",
                           R"({"at":"2023-11-14T22:13:20Z","actor":[1,"b"]})"}) {
    CAPTURE(line);
    CHECK_FALSE(audit_entry_from(line));
  }
}

TEST_CASE("Audit: the newest entries are read, in the order of their recording") {
  const Recorded recorded;
  recorded.audit->record({entry(1), entry(2)});
  recorded.audit->record({entry(3)});
  CHECK(reasons(recorded.audit->read(std::nullopt, 10)) == std::vector<std::string>{"1", "2", "3"});
  CHECK(reasons(recorded.audit->read(std::nullopt, 2)) == std::vector<std::string>{"2", "3"});
  CHECK(reasons(recorded.audit->read(entry(2).at, 10)) == std::vector<std::string>{"2", "3"});
  CHECK(reasons(recorded.audit->read(std::nullopt, 0)).empty());
}

TEST_CASE("Audit: entries outlive the agent") {
  const TemporaryFolder folder;
  const records::StateDir state = *records::StateDir::open(folder.path());
  const tests::ManualClock clock;
  (*Audit::open(state, clock, base::Log()))->record({entry(1)});
  const auto audit = *Audit::open(state, clock, base::Log());
  audit->record({entry(2)});
  CHECK(reasons(audit->read(std::nullopt, 10)) == std::vector<std::string>{"1", "2"});
}

TEST_CASE("Audit: a full file is put aside and still read; of too many the oldest goes") {
  const std::size_t line = to_line(entry(10)).size() + 1;
  const Recorded recorded({10 * line, 2});
  for (int number = 10; number < 45; ++number) {
    recorded.audit->record({entry(number)});
  }
  CHECK(reasons(recorded.audit->read(std::nullopt, 5)) ==
        std::vector<std::string>{"40", "41", "42", "43", "44"});
  const auto all = reasons(recorded.audit->read(std::nullopt, 100));
  REQUIRE(all.size() == 26);
  CHECK(all.front() == "20");
  CHECK(all[20] == "audit.1.jsonl was removed: as many files are kept as may be");
  CHECK_FALSE(std::filesystem::exists(recorded.state.path("audit.1.jsonl")));
  REQUIRE_FALSE(recorded.sink->entries().empty());
  CHECK(recorded.sink->entries().front().message ==
        "the oldest audit file is removed: there are too many");
}

/// While this lives, no file can be opened.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit none{0, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoMoreFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE(
    "Audit: a file that was put aside without a new one is read, and the new one comes later") {
  if (std::string_view(REEVE_SANITIZED_BY).find("undefined") != std::string_view::npos) {
    tests::skip("UBSan itself needs a pipe to look at an object");
    return;
  }
  const std::size_t line = to_line(entry(10)).size() + 1;
  const Recorded recorded({2 * line, 5});
  recorded.audit->record({entry(10), entry(11)});
  {
    const NoMoreFiles none;
    recorded.audit->record({entry(12)});
  }
  CHECK(reasons(recorded.audit->read(std::nullopt, 9)) ==
        std::vector<std::string>{"10", "11", "12"});
  recorded.audit->record({entry(13)});
  CHECK(std::filesystem::file_size(recorded.state.path("audit.jsonl")) == line);
  CHECK(reasons(recorded.audit->read(std::nullopt, 9)) ==
        std::vector<std::string>{"10", "11", "12", "13"});
}

TEST_CASE("Audit: why somebody wanted an action is kept beside why it was not done") {
  Operation operation;
  operation.command.reason = "it leaks";
  CHECK(audit_entry_of(operation).reason == "it leaks");
  operation.error = base::Error{base::ErrorKind::timeout, "no answer"};
  CHECK(audit_entry_of(operation).reason == "it leaks: no answer");
  const guards::Refusal refusal{
      guards::Reason::not_allowed, {base::ErrorKind::denied, "not yours"}, {}};
  CHECK(audit_entry_of(operation.command, refusal, entry(0).at).reason == "it leaks: not yours");
  CHECK(audit_entry_of(guards::Command(), refusal, entry(0).at).reason == "not yours");
}

TEST_CASE("Audit: files that are older than what is asked for are not read") {
  const std::size_t line = to_line(entry(10)).size() + 1;
  const Recorded recorded({2 * line, 10});
  for (int number = 10; number < 18; ++number) {
    recorded.audit->record({entry(number)});
  }
  std::filesystem::remove(recorded.state.path("audit.1.jsonl"));
  std::filesystem::create_directory(recorded.state.path("audit.1.jsonl"));  // cannot be read
  CHECK_FALSE(recorded.audit->read(std::nullopt, 100));
  CHECK(reasons(recorded.audit->read(entry(15).at, 100)) ==
        std::vector<std::string>{"15", "16", "17"});
  CHECK(reasons(recorded.audit->read(entry(20).at, 100)).empty());
}

TEST_CASE("Audit: a damaged line hides no other") {
  const Recorded recorded;
  recorded.audit->record({entry(1)});
  std::ofstream(recorded.state.path("audit.jsonl"), std::ios::app) << "\xFF{nonsense\n";
  recorded.audit->record({entry(2)});
  CHECK(reasons(recorded.audit->read(std::nullopt, 10)) == std::vector<std::string>{"1", "2"});
}

TEST_CASE(
    "Audit: who listens hears of entries together, as they were recorded, once they are written") {
  const Recorded recorded;
  std::vector<std::vector<AuditEntry>> heard;
  recorded.audit->on_record([&](const std::vector<AuditEntry>& entries) {
    CHECK(recorded.audit->read(std::nullopt, 10)->back() == entry(2));
    heard.push_back(entries);
  });
  recorded.audit->record({entry(1), entry(2)});
  REQUIRE(heard.size() == 1);
  CHECK(heard.front() == std::vector<AuditEntry>{entry(1), entry(2)});
}

TEST_CASE("Audit: a reader sees all entries while others record and files are put aside") {
  const std::size_t line = to_line(entry(1000)).size() + 1;
  const Recorded recorded({10 * line, 100});
  std::atomic<bool> whole = true;
  std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto seen = recorded.audit->read(std::nullopt, 1000);
      for (std::size_t at = 0; seen && at < seen->size(); ++at) {
        whole = whole && (*seen)[at] == entry(static_cast<int>(1000 + at));
      }
      whole = whole && seen;
    }
  });
  for (int number = 1000; number < 1200; ++number) {
    recorded.audit->record({entry(number)});
  }
  reader.request_stop();
  reader.join();
  CHECK(whole);
}

TEST_CASE("Audit: no number of decisions without effect displaces what was done") {
  Recorded recorded({.file_bytes = 4096, .rotated_files = 2});
  recorded.audit->record({entry(1)});
  for (int number = 0; number < 3000; ++number) {
    recorded.audit->record({refused(number)});
    recorded.clock.advance(1s);  // an allowance of two a second: each of them is written
  }
  CHECK(recorded.bytes("decisions") < 3 * 4096 + 1000);
  const auto all = *recorded.audit->read(std::nullopt, 10'000);
  CHECK(all.front() == entry(1));
  CHECK(recorded.bytes("audit") == to_line(entry(1)).size() + 1);
}

AuditEntry act_of(const std::string& actor, int number) {
  AuditEntry act = entry(number);
  act.actor = actor;
  return act;
}

TEST_CASE("Audit: no number of acts of one actor displaces those of another") {
  Recorded recorded({.file_bytes = 2000, .rotated_files = 2}, 1000);
  recorded.audit->record({act_of("ops", 0)});
  for (int number = 1; number < 500; ++number) {
    if (number % 2 == 0) {
      recorded.audit->record({act_of("busy", number)});
    } else {
      CHECK(recorded.audit->record_before(act_of("busy", number)));
    }
  }
  const auto all = reasons(recorded.audit->read(std::nullopt, 1000));
  CHECK(all.front() == "0");
  CHECK(all.back() == "499");
  CHECK(recorded.bytes("audit") <= 1300);
  CHECK(recorded.bytes("frequent_acts") > 1000);
  CHECK(recorded.bytes("frequent_acts") <= 3 * 2000);
}

TEST_CASE("Audit: an actor that acts seldom again is recorded with the others again") {
  Recorded recorded({.file_bytes = 2000, .rotated_files = 2}, 1000);
  for (int number = 0; number < 20; ++number) {
    recorded.audit->record({act_of("busy", number)});
  }
  const auto before = recorded.bytes("audit");
  recorded.clock.advance(1min);
  recorded.audit->record({act_of("busy", 20)});
  CHECK(recorded.bytes("audit") > before);
}

TEST_CASE("Audit: a reason that takes six bytes for each of its own is cut by what it takes") {
  Recorded recorded;
  AuditEntry done = entry(0);
  done.reason = std::string(1000, '\x01');
  recorded.audit->record({done});
  CHECK(recorded.audit->record_before(done));
  CHECK(recorded.bytes("audit") < 2 * 2800);
  CHECK(reasons(recorded.audit->read(std::nullopt, 10)) ==
        std::vector<std::string>(2, std::string(400, '\x01') + "… (600 bytes more)"));
}

TEST_CASE("Audit: what was refused, or had nothing to do, is kept apart from what was done") {
  const auto operation = [](const char* action, const char* before, const char* after) {
    AuditEntry entry = control::entry(1);
    entry.action = action;
    entry.result = "succeeded";
    entry.incarnation_before = before;
    entry.incarnation_after = after;
    entry.target = guards::Target{"", {"web", "front"}};
    return entry;
  };
  AuditEntry accepted = refused(1, "accepted");
  AuditEntry late = operation("restart", "", "");
  late.result = "refused";
  AuditEntry group = operation("stop", "", "");
  group.target->name.name.clear();
  for (const AuditEntry& act :
       {accepted, operation("restart", "5:1", "6:2"), group, operation("signal", "5:1", "5:1"),
        operation("stop", "5:1", ""), operation("start", "", "5:1")}) {
    CHECK(has_effect(act));
  }
  for (const AuditEntry& other : {late, operation("stop", "", ""), refused(1),
                                  operation("start", "5:1", "5:1"), refused(1, "would_act")}) {
    CHECK_FALSE(has_effect(other));
  }
}

TEST_CASE("Audit: repeats become one entry with their number, first and last time") {
  Recorded recorded;
  for (int second = 0; second < 50; ++second) {
    AuditEntry again = refused(1);
    again.at = entry(second).at;
    again.reason = std::to_string(second);
    recorded.audit->record({again});
    recorded.clock.advance(1s);
  }
  const auto check = [&] {
    const auto all = *recorded.audit->read(std::nullopt, 10);
    REQUIRE(all.size() == 2);
    CHECK(all[0].reason == "0");
    CHECK(all[0].count == 1);
    CHECK(all[1].reason == "49");
    CHECK(all[1].count == 49);
    CHECK(all[1].first == entry(1).at);
    CHECK(all[1].last == entry(49).at);
  };
  check();  // they are shown before they are written
  const auto before = recorded.bytes("decisions");
  recorded.clock.advance(20s);
  recorded.audit->write_due();
  CHECK(recorded.bytes("decisions") > before);
  check();
  recorded.audit->record({refused(1)});
  recorded.restart();  // writes what is counted
  CHECK(recorded.audit->read(std::nullopt, 10)->size() == 3);
}

TEST_CASE("Audit: refused requests of clients are logged once, and then as a number") {
  Recorded recorded;
  AuditEntry refusal = refused(1, "not_allowed");
  refusal.source = guards::Source::api;
  for (int time = 0; time < 1000; ++time) {
    recorded.audit->record_soon(refusal);
    recorded.audit->write_due();
  }
  recorded.clock.advance(1min);
  recorded.audit->write_due();
  CHECK(recorded.sink->entries().size() == 2);
  CHECK(recorded.sink->entries().back().message == "a request was refused");
}

TEST_CASE("Audit: what comes too fast to be written soon is a gap") {
  const Recorded recorded;
  for (int number = 0; number < 300; ++number) {
    recorded.audit->record_soon(refused(number));
  }
  const auto all = *recorded.audit->read(std::nullopt, 1000);
  REQUIRE(all.size() == 257);
  const auto gap = std::find_if(all.begin(), all.end(),
                                [](const AuditEntry& each) { return each.kind == AuditKind::gap; });
  REQUIRE(gap != all.end());
  CHECK(gap->count == 44);
  CHECK(gap->first == refused(256).at);
  CHECK(gap->last == refused(299).at);
}

TEST_CASE("Audit: entries that could not be written are a gap, once that is possible again") {
  if (std::string_view(REEVE_SANITIZED_BY).find("undefined") != std::string_view::npos) {
    tests::skip("UBSan itself needs a pipe to look at an object");
    return;
  }
  std::signal(SIGXFSZ, SIG_IGN);  // as the agent does
  const Recorded recorded;
  recorded.audit->record({entry(1)});
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  recorded.audit->record({entry(2), entry(3)});
  const bool refuses = !recorded.audit->record_before(entry(4));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(refuses);
  recorded.audit->record({entry(5)});
  const auto all = *recorded.audit->read(std::nullopt, 10);
  REQUIRE(all.size() == 3);
  CHECK(all[1].kind == AuditKind::gap);
  CHECK(all[1].count == 2);
  CHECK(all[1].first == entry(2).at);
  CHECK(all[1].last == entry(3).at);
}

TEST_CASE("Audit: long texts of others are cut in what had no effect, and say by how much") {
  const Recorded recorded;
  AuditEntry noise = refused(1);
  noise.target->name.name = std::string(4000, 'n');
  noise.reason = "no process '" + std::string(4000, '\xC3') + "'";
  AuditEntry act = entry(2);
  act.reason = std::string(1024, 'r');
  recorded.audit->record({noise, act});
  const auto all = *recorded.audit->read(std::nullopt, 10);
  REQUIRE(all.size() == 2);
  CHECK(all[0].target->name.name.ends_with("… (3872 bytes more)"));
  CHECK(all[0].reason.size() < 500);
  CHECK(all[1] == act);
}

TEST_CASE("Audit: both records are read as one, by time, and as one kind alone") {
  const Recorded recorded;
  recorded.audit->record({entry(1)});
  recorded.audit->record({refused(2)});
  recorded.audit->record({entry(3)});
  recorded.audit->record({refused(4)});
  CHECK(reasons(recorded.audit->read(std::nullopt, 10)) ==
        std::vector<std::string>{"1", "2", "3", "4"});
  CHECK(reasons(recorded.audit->read(std::nullopt, 3)) == std::vector<std::string>{"2", "3", "4"});
  const auto acts = recorded.audit->select(
      {.since = std::nullopt, .kind = AuditKind::operation, .max_entries = 1});
  REQUIRE(acts);
  std::string read;
  acts->for_each([&](const AuditEntry& each) {
    read += each.reason;
    return true;
  });
  CHECK(read == "3");
}

TEST_CASE("Audit: an answer is bounded in bytes, and has the newest entries") {
  const Recorded recorded;
  for (int number = 0; number < 1000; ++number) {
    recorded.audit->record({entry(number)});
  }
  const auto some = recorded.audit->select(
      {.since = std::nullopt, .kind = std::nullopt, .max_entries = 1000, .max_bytes = 10'000});
  REQUIRE(some);
  CHECK(some->bytes() <= 10'000);
  std::vector<std::string> read;
  some->for_each([&](const AuditEntry& each) {
    read.push_back(each.reason);
    return true;
  });
  CHECK(read.size() > 20);
  CHECK(read.back() == "999");
}

TEST_CASE("Audit: the single file of earlier versions is read on") {
  Recorded recorded;
  recorded.audit.reset();
  std::ofstream(recorded.state.path("audit.jsonl")) << to_line(entry(1)) << "\n"
                                                    << to_line(refused(2)) << "\n";
  std::ofstream(recorded.state.path("audit.7.jsonl")) << to_line(refused(0)) << "\n";
  recorded.restart();
  recorded.audit->record({refused(3), entry(4)});
  CHECK(reasons(recorded.audit->read(std::nullopt, 10)) ==
        std::vector<std::string>{"0", "1", "2", "3", "4"});
}

}  // namespace
}  // namespace reeve::control
