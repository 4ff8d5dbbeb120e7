#pragma once

// A uniform interface over "things that run": supervised processes today, virtual machines
// or containers tomorrow. Nine operations. Every implementation is thread-safe, never throws,
// and gives each call one total deadline.
//
// Errors common to all operations: unreachable, socket_missing, timeout, cancelled, denied,
// shutting_down, malformed, fault, internal. Further kinds are named at each operation.

#include <chrono>
#include <string>
#include <vector>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::substrate {

/// Whether an action changed anything: starting what runs is no error.
enum class Outcome { changed, unchanged };

/// graceful: return when the thing has stopped. force: return once the stop is asked for.
enum class StopMode { graceful, force };

/// What a manager would need to make a new instance.
struct InstanceConfig {
  InstanceName name;
  std::string command;
};

struct CommandOutput {
  int exit_status = 0;
  std::string output;
};

class Substrate {
 public:
  Substrate() = default;
  Substrate(const Substrate&) = delete;
  Substrate& operator=(const Substrate&) = delete;
  virtual ~Substrate() = default;

  /// Verifies that the manager answers, by reading its process id.
  [[nodiscard]] virtual base::Result<Pid> connect(const base::Deadline& deadline) = 0;

  [[nodiscard]] virtual base::Result<Listing> list_instances(const base::Deadline& deadline) = 0;

  /// not_found: no such instance.
  [[nodiscard]] virtual base::Result<InstanceDetail> get_instance(
      const InstanceName& name, const base::Deadline& deadline) = 0;

  /// Returns when it runs for good (supervisord: has outlived its startsecs); unchanged if it
  /// ran already. not_found, no_file, spawn_failed (with the reason), conflict (it is being
  /// stopped).
  [[nodiscard]] virtual base::Result<Outcome> start_instance(const InstanceName& name,
                                                             const base::Deadline& deadline) = 0;

  /// unchanged if it was not running. not_found; timeout if it still runs at the deadline.
  [[nodiscard]] virtual base::Result<Outcome> stop_instance(const InstanceName& name, StopMode mode,
                                                            const base::Deadline& deadline) = 0;

  /// Stop, then start. Here: with the two operations above and one deadline over both.
  [[nodiscard]] virtual base::Result<Outcome> restart_instance(const InstanceName& name,
                                                               const base::Deadline& deadline);

  /// not_implemented where the manager's own configuration decides what exists.
  [[nodiscard]] virtual base::Result<void> create_instance(const InstanceConfig& config,
                                                           const base::Deadline& deadline) = 0;
  [[nodiscard]] virtual base::Result<void> delete_instance(const InstanceName& name, StopMode mode,
                                                           const base::Deadline& deadline) = 0;

  /// Runs a command inside the instance. not_implemented where there is no inside.
  [[nodiscard]] virtual base::Result<CommandOutput> execute_command(
      const InstanceName& name, const std::string& command, const base::Deadline& deadline) = 0;
};

}  // namespace reeve::substrate
