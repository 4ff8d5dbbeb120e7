#pragma once

// The processes of one supervisord as a running agent shows and controls them: the same interfaces
// as supervisord itself, so that a command does and prints the same either way; what is done is
// checked, verified and recorded by the agent. Each action has an idempotency key: requests that
// wait for the same action are one. Thread-safe: several actions run side by side.

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/agent_api.h"
#include "cli/agent_client.h"
#include "cli/environment.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/substrate.h"

namespace reeve::cli {

struct AgentTarget {
  AgentAddress address;
  std::string supervisor;  ///< the agent's name for it; empty: the single, unnamed one
  std::string reason;      ///< for the agent's audit; may be empty
};

class AgentSubstrate final : public substrate::Substrate, public substrate::Administration {
 public:
  /// `environment` must outlive this.
  AgentSubstrate(AgentTarget target, const Environment& environment);

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
  /// One operation of the agent, which starts again what it has stopped, come what may.
  [[nodiscard]] base::Result<substrate::Outcome> restart_instance(
      const substrate::InstanceName& name, const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> create_instance(const substrate::InstanceConfig& config,
                                                   const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<void> delete_instance(const substrate::InstanceName& name,
                                                   substrate::StopMode mode,
                                                   const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::CommandOutput> execute_command(
      const substrate::InstanceName& name, const std::string& command,
      const base::Deadline& deadline) override;

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

  /// The agent has refused to act on it because it runs the agent itself.
  [[nodiscard]] bool is_own_program(const substrate::InstanceName& name) const;

 private:
  using Json = nlohmann::ordered_json;

  [[nodiscard]] tl::expected<Json, AgentRefusal> call(const AgentRequest& request,
                                                      const base::Deadline& deadline,
                                                      base::Duration server_waits = {}) const;
  [[nodiscard]] base::Result<Json> get(const std::string& target,
                                       const base::Deadline& deadline) const;
  /// The agent's own entry for this supervisord.
  [[nodiscard]] base::Result<Json> supervisor_entry(const base::Deadline& deadline) const;
  /// Asks for the action and waits until it is done.
  [[nodiscard]] base::Result<substrate::Outcome> act(const substrate::InstanceName& name,
                                                     const std::string& action, Json body,
                                                     const base::Deadline& deadline);
  [[nodiscard]] base::Error error_of(AgentRefusal refusal) const;

  const AgentTarget target_;
  const Environment& environment_;
  mutable std::mutex mutex_;
  std::set<substrate::InstanceName> own_programs_;
};

}  // namespace reeve::cli
