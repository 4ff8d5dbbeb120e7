#include "control/journal.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "control/operation.h"
#include "control/operation_table.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::control {
namespace {

using base::ErrorKind;
using base::SystemTime;
using namespace std::chrono_literals;
using tests::TemporaryFolder;

Operation numbered(int number, OperationState state = OperationState::queued) {
  Operation operation;
  operation.id = "7-" + std::to_string(number);
  operation.command.target.name = {"web", "front"};
  operation.state = state;
  if (state == OperationState::done) {
    operation.result = OperationResult::succeeded;
  }
  return operation;
}

/// With everything that an operation can hold.
Operation full() {
  Operation operation = numbered(1, OperationState::done);
  guards::Command& command = operation.command;
  command.action = guards::Action::restart;
  command.target.supervisor = "east";
  command.target.name.name = "\xFF bytes that are no text";
  command.source = guards::Source::alert;
  command.actor = "alertmanager";
  command.actor_allow = {*substrate::Selector::parse("web:*"),
                         *substrate::Selector::parse("east/job")};
  command.reason = "line\nbreak \"quoted\" \xC3\xA9";
  command.signal = "HUP";
  command.stop_mode = substrate::StopMode::force;
  command.if_incarnation = substrate::Incarnation{{5}, substrate::ManagerTime(6s)};
  command.dry_run = true;
  command.idempotency_key = "key";
  command.group_order = guards::GroupOrder::at_once;
  command.batch = {{"one", {"web", "front"}}, {"", {"job", "\xFF"}}};
  command.groups = {"web", ""};
  guards::Trigger& trigger = command.trigger.emplace();
  trigger = {"hung", "ab12", SystemTime(123'456'789ns), true, {}};
  trigger.limits.only_if_state = {substrate::InstanceState::fatal,
                                  substrate::InstanceState::exited};
  trigger.limits.respect_stopped = false;
  trigger.limits.min_uptime = 1ns;
  trigger.limits.settle = 2ns;
  trigger.limits.cooldown = {3ns, 1.1, 4ns, 0.3, 5ns};
  trigger.limits.per_target = {7, 8ns};
  operation.result = OperationResult::refused;
  operation.changed = false;
  operation.error = base::Error{ErrorKind::denied, "no", base::PeerFault{-3, "FAILED"}};
  operation.refused_for = guards::Reason::cooldown;
  operation.advice = {"one", ""};
  operation.incarnation_before = substrate::Incarnation{{7}, substrate::ManagerTime(8s)};
  operation.last_spawn_before = substrate::ManagerTime(-9s);
  operation.incarnation_after = substrate::Incarnation{{10}, substrate::ManagerTime(11s)};
  operation.created_at = SystemTime(12ns);
  operation.finished_at = SystemTime(-13ns);
  operation.steps = {{OperationStep::looked, SystemTime(14ns), "RUNNING"},
                     {OperationStep::finished, SystemTime(15ns), ""}};
  operation.members = {"1-2", "1-3"};
  return operation;
}

TEST_CASE("Journal: an operation comes back from its line exactly as it was") {
  CHECK(operation_from(to_line(full())) == full());
  CHECK(operation_from(to_line(numbered(1))) == numbered(1));
  Operation without_states = full();
  without_states.command.trigger->limits.only_if_state.clear();
  CHECK(operation_from(to_line(without_states)) == without_states);
}

TEST_CASE("Journal: an operation that was refused comes back, whatever it was refused for") {
  for (const guards::Reason reason : guards::all_reasons) {
    Operation refused = full();
    refused.refused_for = reason;
    const auto read = operation_from(to_line(refused));
    REQUIRE(read);
    REQUIRE(read->refused_for);
    CHECK(to_string(*read->refused_for) == to_string(reason));  // two reasons share a word
  }
}

TEST_CASE("Journal: a line that is no operation, or half of one, is not read as one") {
  const std::string line = to_line(full());
  for (std::size_t length = 0; length < line.size(); ++length) {
    CHECK_FALSE(operation_from(line.substr(0, length)));
  }
  for (const char* text :
       {"{}", "[]", "null", R"({"id":"1"})", R"({"id":"1","command":5})",
        R"({"id":"1","command":{},"state":"done"})", R"({"id":"1","command":{"action":"tea"}})",
        R"({"id":"1","command":{"actor_allow":["a:b:c"]}})",
        R"({"id":"1","command":{},"created_at":1e300})",
        R"({"id":"1","command":{},"created_at":18446744073709551615})",
        R"({"id":"1","command":{},"steps":[5]})",
        R"({"id":"1","command":{"trigger":{"limits":{"per_target":{"actions":-1}}}}})"}) {
    CAPTURE(text);
    CHECK_FALSE(operation_from(text));
  }
}

TEST_CASE("Journal: a line with any byte changed is an operation or none, and nothing worse") {
  const std::string line = to_line(full());
  for (std::size_t at = 0; at < line.size(); ++at) {
    for (const char byte : {'\0', '"', '{', '9', '\xFF'}) {
      std::string changed = line;
      changed[at] = byte;
      const auto read = operation_from(changed);
      CHECK((!read || operation_from(to_line(*read)) == read));
    }
  }
}

struct Recorded {
  [[nodiscard]] std::unique_ptr<Journal> open() const { return *Journal::open(state, base::Log()); }
  void append(std::string_view text) const {
    std::ofstream(state.path("journal.jsonl"), std::ios::app) << text;
  }

  TemporaryFolder folder;
  records::StateDir state = *records::StateDir::open(folder.path());
};

TEST_CASE(
    "Journal: operations are restored as they were last recorded, in the order of their "
    "beginning") {
  const Recorded recorded;
  {
    const auto journal = recorded.open();
    CHECK(journal->restored().empty());
    REQUIRE(journal->record({numbered(1), numbered(2)}));
    REQUIRE(journal->record({numbered(1, OperationState::running)}));
    REQUIRE(journal->record({numbered(3)}));
    REQUIRE(journal->record({numbered(1, OperationState::done)}));
  }
  const std::vector<Operation> expected = {numbered(1, OperationState::done), numbered(2),
                                           numbered(3)};
  CHECK(recorded.open()->restored() == expected);
  CHECK(recorded.open()->restored() == expected);  // and so they stay
}

TEST_CASE("Journal: half a last line is dropped, as is a last line that makes no sense") {
  for (const char* rest : {"{\"id\":\"7-2\",\"comm", "\xFF\n"}) {
    const Recorded recorded;
    REQUIRE(recorded.open()->record({numbered(1)}));
    recorded.append(rest);
    CHECK(recorded.open()->restored() == std::vector{numbered(1)});
    REQUIRE(recorded.open()->record({numbered(3)}));
    CHECK(recorded.open()->restored() == std::vector{numbered(1), numbered(3)});
  }
}

TEST_CASE("Journal: a journal that is damaged in the middle is an error that names file and line") {
  const Recorded recorded;
  REQUIRE(recorded.open()->record({numbered(1)}));
  recorded.append("nonsense\n" + to_line(numbered(2)) + "\n");
  const auto journal = Journal::open(recorded.state, base::Log());
  REQUIRE_FALSE(journal);
  CHECK(journal.error().kind == ErrorKind::malformed);
  CHECK(journal.error().message.find(recorded.state.path("journal.jsonl") + ":2: ") == 0);
}

TEST_CASE("Journal: of what is done the last thousand are kept, and all that is not done") {
  const Recorded recorded;
  std::vector<Operation> operations = {numbered(0)};
  for (int number = 1; number <= 1100; ++number) {
    operations.push_back(numbered(number, OperationState::done));
  }
  REQUIRE(recorded.open()->record(operations));
  const auto journal = recorded.open();
  REQUIRE(journal->restored().size() == OperationTable::max_done + 1);
  CHECK(journal->restored()[0].id == "7-0");
  CHECK(journal->restored()[1].id == "7-101");
}

TEST_CASE("Journal: what is kept of an actor's operations does not depend on another's noise") {
  const Recorded recorded;
  std::vector<Operation> operations = {numbered(0, OperationState::done)};
  operations[0].command.actor = "quiet";
  for (int number = 1; number <= 1100; ++number) {
    operations.push_back(numbered(number, OperationState::done));
  }
  REQUIRE(recorded.open()->record(operations));
  const auto journal = recorded.open();
  REQUIRE(journal->restored().size() == OperationTable::max_done);
  CHECK(journal->restored()[0].id == "7-0");
  CHECK(journal->restored()[1].id == "7-102");
}

TEST_CASE("Journal: the journal does not grow for ever") {
  const Recorded recorded;
  const auto journal = recorded.open();
  Operation wordy = numbered(1);
  wordy.command.reason = std::string(200'000, 'x');
  for (int times = 0; times < 100; ++times) {
    REQUIRE(journal->record({wordy}));
  }
  CHECK(std::filesystem::file_size(recorded.state.path("journal.jsonl")) < 10'000'000);
  CHECK(recorded.open()->restored() == std::vector{wordy});
}

/// While this lives, the names in the directory cannot be synced.
class UnsyncedNames {
 public:
  explicit UnsyncedNames(const std::string& directory) {
    for (int number = 0; number < 1024 && directory_ < 0; ++number) {
      std::error_code ignored;
      const auto link = "/proc/self/fd/" + std::to_string(number);
      if (std::filesystem::read_symlink(link, ignored) == std::filesystem::canonical(directory)) {
        directory_ = number;
      }
    }
    REQUIRE(directory_ >= 0);
    kept_ = ::dup(directory_);
    const base::Descriptor no_directory(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(::dup2(no_directory.get(), directory_) == directory_);
  }
  ~UnsyncedNames() {
    ::dup2(kept_, directory_);
    ::close(kept_);
  }
  UnsyncedNames(const UnsyncedNames&) = delete;
  UnsyncedNames& operator=(const UnsyncedNames&) = delete;

 private:
  int directory_ = -1;
  int kept_ = -1;
};

TEST_CASE(
    "Journal: a journal that was replaced is the one that is written, or nothing is recorded") {
  const Recorded recorded;
  const auto journal = recorded.open();
  Operation wordy = numbered(1);
  wordy.command.reason = std::string(200'000, 'x');
  REQUIRE(journal->record({wordy}));
  {
    const UnsyncedNames unsynced(recorded.folder.path());
    bool recorded_all = true;
    for (int times = 0; times < 50 && recorded_all; ++times) {
      recorded_all = journal->record({wordy}).has_value();
    }
    CHECK_FALSE(recorded_all);
    CHECK_FALSE(journal->record({numbered(2)}));
  }
  REQUIRE(journal->record({numbered(3)}));
  CHECK(recorded.open()->restored() == std::vector{wordy, numbered(3)});
}

TEST_CASE("Journal: a journal is opened where nothing new can be written, damaged or not") {
  const Recorded recorded;
  REQUIRE(recorded.open()->record({numbered(1)}));
  std::filesystem::create_directory(recorded.state.path("journal.jsonl.new"));
  CHECK(Journal::open(recorded.state, base::Log()));
  recorded.append("\xFF\n");
  CHECK(Journal::open(recorded.state, base::Log()));
  REQUIRE(recorded.open()->record({numbered(3)}));
  CHECK(recorded.open()->restored() == std::vector{numbered(1), numbered(3)});
}

TEST_CASE("Journal: an operation that is too long to be read again is not recorded") {
  const Recorded recorded;
  const auto journal = recorded.open();
  Operation endless = numbered(1);
  endless.command.reason = std::string(2'000'000, 'x');
  CHECK_FALSE(journal->record({endless}));
  REQUIRE(journal->record({numbered(2)}));
  CHECK(recorded.open()->restored() == std::vector{numbered(2)});
}

}  // namespace
}  // namespace reeve::control
