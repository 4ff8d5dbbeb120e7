#pragma once

// What only some managers offer: to be asked about themselves, to signal, and to take over a
// changed configuration.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/logs.h"

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

/// What a survey is to leave behind, and what it is to bring.
struct SurveyRequest {
  /// Sent to the manager's event listeners in the same moment (REMOTE_COMMUNICATION of type
  /// `survey_mark_type`): what a listener hears before it is in the listing, what it hears
  /// after it is not. UTF-8 without control characters.
  std::string mark;
  /// Of the manager's own log, at most 64 KiB; nothing: no log.
  std::optional<LogRange> log;
};

/// The manager at one moment.
struct Survey {
  Listing listing;
  /// The log's text in the range asked for; empty past its end. Nothing if it was not asked for or
  /// could not be read as it is: no log, not UTF-8, a character cut by the range's end.
  std::optional<std::string> log;
};

/// `type` of the event that carries a survey's mark.
inline constexpr const char* survey_mark_type = "reeve";

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

  /// As list_instances, but perhaps without what was added since the last listing or survey if
  /// that is not older than `names_age`: to ask for what is known is less work for the manager.
  [[nodiscard]] virtual base::Result<Listing> relist(base::Duration names_age,
                                                     const base::Deadline& deadline) = 0;

  /// Listing, log and mark of one and the same moment: nothing happens between them. The mark may
  /// arrive before the answer or after it, and also if the answer is an error. invalid_argument
  /// (the mark cannot be sent), not_implemented where the manager cannot do all of it at once.
  [[nodiscard]] virtual base::Result<Survey> survey(const SurveyRequest& request,
                                                    const base::Deadline& deadline) = 0;
};

}  // namespace reeve::substrate
