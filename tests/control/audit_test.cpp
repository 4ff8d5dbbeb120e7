#include "control/audit.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/resource.h>

#include "control/audit.h"
#include "support/catch.h"
#include "support/recording_sink.h"
#include "support/temporary_folder.h"

namespace reeve::control {
namespace {

using base::SystemTime;
using namespace std::chrono_literals;
using tests::TemporaryFolder;

AuditEntry entry(int number) {
  AuditEntry entry;
  entry.at = SystemTime(1'700'000'000s + std::chrono::seconds(number));
  entry.actor = "alertmanager";
  entry.source = guards::Source::alert;
  entry.decision = "cooldown";
  entry.reason = std::to_string(number);
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
  explicit Recorded(const AuditLimits& limits = {})
      : audit(*Audit::open(state, base::Log(sink), limits)) {}

  TemporaryFolder folder;
  records::StateDir state = *records::StateDir::open(folder.path());
  std::shared_ptr<tests::RecordingSink> sink = std::make_shared<tests::RecordingSink>();
  std::unique_ptr<Audit> audit;
};

TEST_CASE("Audit: an audit entry is one line of JSON in the words of the API") {
  AuditEntry full = entry(0);
  full.kind = AuditKind::operation;
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
  (*Audit::open(state, base::Log()))->record({entry(1)});
  const auto audit = *Audit::open(state, base::Log());
  audit->record({entry(2)});
  CHECK(reasons(audit->read(std::nullopt, 10)) == std::vector<std::string>{"1", "2"});
}

TEST_CASE(
    "Audit: a full file is put aside and still read; of too many the oldest goes, with a word") {
  const std::size_t line = to_line(entry(10)).size() + 1;
  const Recorded recorded({2 * line, 2});
  for (int number = 10; number < 18; ++number) {
    recorded.audit->record({entry(number)});
  }
  CHECK(reasons(recorded.audit->read(std::nullopt, 5)) ==
        std::vector<std::string>{"13", "14", "15", "16", "17"});
  CHECK(reasons(recorded.audit->read(std::nullopt, 100)) ==
        std::vector<std::string>{"12", "13", "14", "15", "16", "17"});
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

}  // namespace
}  // namespace reeve::control
