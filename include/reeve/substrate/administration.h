#pragma once

// What only some managers offer: to be asked about themselves, to signal, and to take over a
// changed configuration.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::substrate {

/// What a manager says of itself.
struct ManagerDescription {
  std::string version;         ///< getSupervisorVersion: "4.2.5"
  std::string api_version;     ///< getAPIVersion: "3.0"
  std::string identification;  ///< getIdentification, free text from its configuration
  friend bool operator==(const ManagerDescription&, const ManagerDescription&) = default;
};

/// One configured program, as far as the manager's version tells (getAllConfigInfo).
struct ProgramConfig {
  InstanceName name;
  bool in_use = false;  ///< part of an active group
  bool autostart = false;
  std::optional<std::chrono::seconds> start_seconds;      ///< startsecs
  std::optional<std::chrono::seconds> stop_wait_seconds;  ///< stopwaitsecs
  /// `priority` of its group, then its own (group_prio, process_prio): what is lower is started
  /// first and stopped last.
  std::optional<std::pair<std::int64_t, std::int64_t>> priority;
  std::optional<std::string> command;
  friend bool operator==(const ProgramConfig&, const ProgramConfig&) = default;
};

/// What a re-read of the manager's configuration found, by group name (reloadConfig).
struct ConfigChanges {
  std::vector<std::string> added;
  std::vector<std::string> changed;
  std::vector<std::string> removed;
  friend bool operator==(const ConfigChanges&, const ConfigChanges&) = default;
};

class Administration {
 public:
  Administration() = default;
  Administration(const Administration&) = delete;
  Administration& operator=(const Administration&) = delete;
  virtual ~Administration() = default;

  [[nodiscard]] virtual base::Result<ManagerDescription> describe(
      const base::Deadline& deadline) = 0;
  /// not_implemented where the manager cannot tell (supervisord's main branch fails with a
  /// plain HTTP 500, the Go reimplementation has no such method).
  [[nodiscard]] virtual base::Result<std::vector<ProgramConfig>> programs(
      const base::Deadline& deadline) = 0;
  /// `signal` is a name (HUP, SIGHUP) or a number. invalid_argument, not_found, conflict
  /// (nothing there to be signalled).
  [[nodiscard]] virtual base::Result<void> signal(const InstanceName& name,
                                                  const std::string& signal,
                                                  const base::Deadline& deadline) = 0;
  /// Re-reads and compares; applies nothing. invalid_argument: the configuration is broken.
  [[nodiscard]] virtual base::Result<ConfigChanges> reread(const base::Deadline& deadline) = 0;
  /// unchanged if it was active already. not_found.
  [[nodiscard]] virtual base::Result<void> add_group(const std::string& group,
                                                     const base::Deadline& deadline) = 0;
  /// conflict: a member still runs. not_found.
  [[nodiscard]] virtual base::Result<void> remove_group(const std::string& group,
                                                        const base::Deadline& deadline) = 0;
};

}  // namespace reeve::substrate
