#pragma once

// The two that the contract is held against: the fake, and a real supervisord. Both run the same
// programs, described once as FakeProgram: the fake behaves so, and for supervisord a section
// with a shell command that does the same is written.

#include <memory>
#include <string>
#include <vector>

#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"
#include "support/eventually.h"
#include "support/fake_substrate.h"
#include "support/real_supervisord.h"

namespace reeve::tests {

/// A program in every state, and some that behave badly.
[[nodiscard]] std::vector<FakeProgram> contract_programs();

/// supervisord's sections for programs that behave so.
[[nodiscard]] std::string sections_of(const std::vector<FakeProgram>& programs);

/// A new fake for each test.
class FakeManager {
 public:
  FakeManager();
  [[nodiscard]] substrate::Substrate& substrate() { return fake_; }
  [[nodiscard]] substrate::Logs& logs() { return fake_; }
  [[nodiscard]] substrate::Administration& administration() { return fake_; }
  [[nodiscard]] substrate::PollSource& poll_source() { return fake_; }
  [[nodiscard]] base::Deadline within(base::Duration span, std::stop_token stop = {}) const {
    return base::Deadline::after(clock_, span, std::move(stop));
  }
  [[nodiscard]] bool eventually(const std::function<bool()>& predicate);
  void configure(const std::vector<FakeProgram>& programs);

 private:
  ManualClock clock_;
  FakeSubstrate fake_{clock_};
};

/// One supervisord for all tests of the executable: each leaves it as it found it, or keeps to
/// programs of its own.
class RealManager {
 public:
  RealManager();
  [[nodiscard]] substrate::Substrate& substrate() { return *supervisord_; }
  [[nodiscard]] substrate::Logs& logs() { return *supervisord_; }
  [[nodiscard]] substrate::Administration& administration() { return *supervisord_; }
  [[nodiscard]] substrate::PollSource& poll_source() { return poll_source_; }
  [[nodiscard]] base::Deadline within(base::Duration span, std::stop_token stop = {}) const {
    return base::Deadline::after(clock_, span, std::move(stop));
  }
  [[nodiscard]] bool eventually(const std::function<bool()>& predicate) {
    return tests::eventually(std::chrono::seconds(60), predicate);
  }
  void configure(const std::vector<FakeProgram>& programs);

 private:
  base::SystemClock clock_;
  std::shared_ptr<supervisor::SupervisorSubstrate> supervisord_;
  supervisor::SupervisorPollSource poll_source_;
};

}  // namespace reeve::tests
