#pragma once

// supervisord as a Substrate, with its Logs and its Administration: each operation is one or a few
// XML-RPC calls over HTTP, made on the caller's thread with a connection of its own and bounded by
// the caller's deadline. Never asks supervisord to wait for a stop, which would cost it a whole
// core: asks without waiting, and looks until the process has stopped. The Go reimplementation of
// supervisord is read as far as it answers alike. Thread-safe.

#include <memory>

#include "reeve/substrate/administration.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"
#include "reeve/supervisor/options.h"

namespace reeve::xmlrpc {
class Caller;
}

namespace reeve::supervisor {

class Lister;
class SupervisordRpc;

class SupervisorSubstrate final : public substrate::Substrate,
                                  public substrate::Logs,
                                  public substrate::Administration {
 public:
  /// For Reeve itself, whose tests call without HTTP; others use connect_to().
  explicit SupervisorSubstrate(std::shared_ptr<xmlrpc::Caller> caller);
  ~SupervisorSubstrate() override;

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

 private:
  friend class SupervisorPollSource;  // internal to Reeve: shares the two members

  std::shared_ptr<const SupervisordRpc> rpc_;
  std::shared_ptr<Lister> lister_;
};

/// The supervisord of these options. Nothing is sent yet: SupervisorSubstrate::connect() finds out
/// whether it answers.
[[nodiscard]] std::shared_ptr<SupervisorSubstrate> connect_to(const Options& options);

}  // namespace reeve::supervisor
