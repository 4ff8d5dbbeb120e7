#pragma once

// What every command that talks to supervisord uses: the supervisords, the deadlines of its calls,
// its output, and the processes that its arguments select. One command, one thread, one session;
// only a wait notice is written by a thread of its own.

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "reeve/base/deadline.h"
#include "reeve/substrate/instance.h"

namespace reeve::cli {

struct Session {
  Session(std::vector<Supervisord> its_supervisords, const CommonOptions& options,
          const Environment& process_environment, std::stop_token stop_request);

  // --timeout replaces each of these limits. A stop request ends the wait, except where noted.

  /// For one ordinary call.
  [[nodiscard]] base::Deadline call_deadline(const Supervisord& supervisord) const;
  /// For a call whose answer may be long: a log, all that a configuration says.
  [[nodiscard]] base::Deadline transfer_deadline() const;
  /// For all looks at this supervisord's processes together: one ordinary call's time from when
  /// they began, at the latest when the session was made.
  [[nodiscard]] base::Deadline look_deadline(const Supervisord& supervisord) const;
  void looks_begin(base::SteadyTime at) { look_begun_ = at; }
  /// For a process to start or stop. supervisord knows how long that may take; this is the limit
  /// for callers that do not interrupt.
  [[nodiscard]] base::Deadline transition_deadline() const;
  /// At most so long, not ended by a stop request.
  [[nodiscard]] base::Deadline uninterruptible_deadline(base::Duration span) const;
  /// No limit but --timeout.
  [[nodiscard]] base::Deadline follow_deadline() const;

  /// A running agent stands between this and the supervisords.
  [[nodiscard]] bool through_agent() const {
    return !supervisords.empty() && supervisords.front().agent != nullptr;
  }
  /// `SUPERVISOR/name` if there are several supervisords.
  [[nodiscard]] std::string label(const Supervisord& supervisord, const std::string& name) const;
  /// Prints the error and returns its exit code.
  int report(Verb verb, base::Error error, const Supervisord& supervisord,
             const std::string& process = {});
  /// What its configuration says of its programs; empty if it does not tell.
  [[nodiscard]] const std::vector<substrate::ProgramConfig>& programs(
      const Supervisord& supervisord);

  Output output;
  const Environment& environment;
  std::stop_token stop;
  std::vector<Supervisord> supervisords;

 private:
  std::optional<base::Duration> timeout_;
  base::SteadyTime look_begun_;
  std::map<const Supervisord*, std::vector<substrate::ProgramConfig>> programs_;
};

/// On a terminal, prints what the command waits for after one second; its end erases the line.
class WaitNotice {
 public:
  WaitNotice(const Session& session, const std::string& text);
  ~WaitNotice();
  WaitNotice(const WaitNotice&) = delete;
  WaitNotice& operator=(const WaitNotice&) = delete;

 private:
  std::jthread thread_;
};

/// The result of `call`, with `text` as its wait notice.
template <class Call>
auto with_wait_notice(const Session& session, const std::string& text, const Call& call) {
  const WaitNotice notice(session, text);
  return call();
}

/// The same for a call that a reachable supervisord answers at once.
template <class Call>
auto call_supervisord(const Session& session, const Supervisord& supervisord, const Call& call) {
  return with_wait_notice(session,
                          "waiting for " + supervisord.options.endpoint.url() + " to answer", call);
}

struct Target {
  const Supervisord* supervisord = nullptr;
  substrate::InstanceName name;
  /// The process as it was found; nothing if it was not looked up.
  std::optional<substrate::InstanceDetail> detail = std::nullopt;
  bool by_name = true;  ///< false: by a pattern
};

struct Selection {
  std::vector<Target> targets;  ///< in the order of the names, each process once
  int code = exit_success;      ///< of the last name that selected nothing; its error is printed
};

/// The processes that `names` select for an action; no names, and `all`, select every process.
/// Patterns leave out processes that need no action, and Reeve's own program. A full name is looked
/// up only if there are several supervisords.
[[nodiscard]] Selection select_for_action(Session& session, Verb verb, const Names& names);

/// All processes that `names` select, each with its `detail`.
[[nodiscard]] Selection select_for_query(Session& session, Verb verb, const Names& names);

/// The programs that run Reeve itself; none if supervisord does not report its programs' commands.
[[nodiscard]] std::set<substrate::InstanceName> own_programs(Session& session,
                                                             const Supervisord& supervisord);

/// What to write instead of a name that supervisord does not know: "web is a group: web:*".
/// Nothing if there is no group of that name.
[[nodiscard]] std::optional<std::string> suggestion_for(const Session& session,
                                                        const Supervisord& supervisord,
                                                        const substrate::InstanceName& name);

}  // namespace reeve::cli
