#pragma once

// A supervisord in memory, for the tests of everything above the substrate. It lives by a
// ManualClock: tick() moves the clock and lets happen what was due. Calls that wait (start, a
// graceful stop, a hang, following a log) let time pass by themselves unless a test wants to
// turn the clock from another thread (let_test_turn_clock). Failures are scripted with fail().
// Thread-safe.

#include <functional>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "reeve/base/clock.h"
#include "reeve/base/error.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"
#include "substrate/poll_source.h"
#include "support/fake_supervisor.h"
#include "support/manual_clock.h"

namespace reeve::tests {

enum class Operation {
  any,  ///< in failures only
  connect,
  list,
  get,
  start,
  stop,
  read_log,
  log_size,
  follow_log,
  clear_logs,
  read_manager_log,
  describe,
  programs,
  signal,
  reread,
  add_group,
  remove_group,
  survey,
};

/// A call as it arrived: what, and on which process (canonical name), group, or nothing.
struct FakeCall {
  Operation operation;
  std::string subject;
  friend bool operator==(const FakeCall&, const FakeCall&) = default;
};

/// How the next calls go wrong.
struct FakeFailure {
  static constexpr int always = -1;

  Operation operation = Operation::any;
  base::Error error = {base::ErrorKind::unreachable, "scripted: connection refused"};
  int times = 1;                ///< or always, until recover()
  bool hangs = false;           ///< no answer until the deadline: timeout or cancelled
  base::Duration late_by{0};    ///< it succeeds after so long, if the deadline allows
  bool after_its_work = false;  ///< it is done, only the answer is lost
};

class FakeSubstrate final : public substrate::Substrate,
                            public substrate::Logs,
                            public substrate::Administration,
                            public substrate::PollSource {
 public:
  /// `clock` must outlive it.
  explicit FakeSubstrate(ManualClock& clock);

  /// Moves the clock, and what was due happens.
  void tick(base::Duration span = std::chrono::seconds(1));
  /// From now on calls that wait do so until another thread moves the clock.
  void let_test_turn_clock();
  /// Something that happens by itself once so much time has passed, also within a waiting call.
  void after(base::Duration span, std::function<void()> action);

  /// Configures a program and activates it; its group's other programs go on as they are.
  void add(const FakeProgram& program);
  /// The group vanishes, from the configuration too.
  void remove(const std::string& group);
  /// In the configuration file alone, until reread and add_group.
  void configure(const FakeProgram& program);
  void unconfigure(const std::string& group);
  /// Changes how a program behaves from now on (its next spawn, its next stop).
  void change(const substrate::InstanceName& name, const std::function<void(FakeProgram&)>& edit);
  void crash(const substrate::InstanceName& name, int exit_status);
  /// UNKNOWN: supervisord was refused the kill.
  void lose(const substrate::InstanceName& name);
  void write_log(const substrate::InstanceName& name, substrate::LogStream stream,
                 std::string_view bytes);
  void write_manager_log(std::string_view bytes);
  /// The listing drops this record and counts it.
  void reject(const substrate::InstanceName& name);
  /// Another daemon in the place of the old.
  void restart_manager(substrate::Pid pid);
  void set_description(substrate::ManagerDescription description);

  void fail(FakeFailure failure);
  void recover();  ///< forgets all scripted failures

  [[nodiscard]] std::vector<FakeCall> calls() const;
  [[nodiscard]] std::size_t count(Operation operation) const;
  /// How many calls of follow_log() have read the log's end so far.
  [[nodiscard]] std::size_t follows_begun() const;
  /// Those of all surveys that came to their moment, whether or not they were answered: what a
  /// listener of this supervisord would hear.
  [[nodiscard]] std::vector<std::string> marks() const;
  /// Without a call; the program must exist.
  [[nodiscard]] substrate::InstanceDetail look(const substrate::InstanceName& name);

  // Substrate
  [[nodiscard]] base::Result<substrate::Pid> connect(const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::Listing> list_instances(
      const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::InstanceDetail> get_instance(
      const substrate::InstanceName& name, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::Outcome> start_instance(
      const substrate::InstanceName& name, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::Outcome> stop_instance(
      const substrate::InstanceName& name, substrate::StopMode mode,
      const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> create_instance(const substrate::InstanceConfig& config,
                                                   const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> delete_instance(const substrate::InstanceName& name,
                                                   substrate::StopMode mode,
                                                   const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::CommandOutput> execute_command(
      const substrate::InstanceName& name, const std::string& command,
      const base::Deadline& deadline) override;

  // Logs
  [[nodiscard]] base::Result<std::string> read_log(const substrate::InstanceName& name,
                                                   substrate::LogStream stream,
                                                   const substrate::LogRange& range,
                                                   const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<std::uint64_t> log_size(const substrate::InstanceName& name,
                                                     substrate::LogStream stream,
                                                     const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> follow_log(const substrate::InstanceName& name,
                                              substrate::LogStream stream,
                                              const substrate::LogConsumer& consumer,
                                              const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> clear_logs(const substrate::InstanceName& name,
                                              const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<std::string> read_manager_log(const substrate::LogRange& range,
                                                           const base::Deadline& deadline) override;

  // Administration
  [[nodiscard]] base::Result<substrate::ManagerDescription> describe(
      const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<std::vector<substrate::ProgramConfig>> programs(
      const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> signal(const substrate::InstanceName& name,
                                          const std::string& signal,
                                          const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::ConfigChanges> reread(
      const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> add_group(const std::string& group,
                                             const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> remove_group(const std::string& group,
                                                const base::Deadline& deadline) override;

  // PollSource
  /// Made of connect, list_instances and read_manager_log, with their scripted failures; with a
  /// mark the last two are one survey.
  [[nodiscard]] base::Result<substrate::PollAnswer> poll(const substrate::PollRequest& request,
                                                         const base::Deadline& deadline) override;

 private:
  struct Scheduled {
    base::SteadyTime at;
    std::function<void()> action;
  };
  struct World {
    FakeSupervisor supervisor;
    substrate::Pid pid{100};
    substrate::ManagerDescription description{"4.2.5", "3.0", "supervisor"};
    std::string log;
    std::vector<substrate::InstanceName> rejected;
    std::vector<FakeFailure> failures;
    std::vector<Scheduled> scheduled;
    std::vector<FakeCall> calls;
    std::vector<std::string> marks;
    std::size_t follows_begun = 0;
    bool test_turns_clock = false;
  };

  [[nodiscard]] FakeMoment now() const;
  [[nodiscard]] substrate::Listing listing(const World& world) const;
  void apply_due();
  void let_time_pass(const base::Deadline& deadline);
  /// The scripted failure of this call that comes before (or after) its work, if any.
  [[nodiscard]] std::optional<FakeFailure> take_failure(Operation operation, bool after_its_work);
  [[nodiscard]] base::Error suffer(const FakeFailure& failure, const base::Deadline& deadline);
  template <class Work>
  [[nodiscard]] auto serve(const FakeCall& call, const base::Deadline& deadline, Work&& work)
      -> decltype(work());
  template <class Use>
  [[nodiscard]] auto with_process(const substrate::InstanceName& name, Use&& use)
      -> decltype(use(std::declval<World&>(), std::declval<FakeProcess&>()));
  [[nodiscard]] base::Result<substrate::Outcome> finish_start(const substrate::InstanceName& name,
                                                              substrate::Outcome outcome,
                                                              const base::Deadline& deadline);
  [[nodiscard]] base::Result<substrate::Outcome> finish_stop(const substrate::InstanceName& name,
                                                             const base::Deadline& deadline);

  ManualClock* clock_;
  base::Guarded<World> world_;
};

}  // namespace reeve::tests
