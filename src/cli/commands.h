#pragma once

// The one-shot commands, each from its arguments to its exit code, on the caller's thread. Results
// go to standard output as they come, errors and notices to standard error. The commands that take
// a Session call supervisord directly, past the agent's guards and audit.

#include <stop_token>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/output.h"

namespace reeve::cli {

struct Session;
struct AgentSession;

/// Runs any command but Serve and RelayEvents, which the composition root runs. Returns the exit
/// code, which is supervisorctl's for the commands that it has. A stop request (a signal) ends
/// every wait, but a restart whose stop was sent still starts the process.
[[nodiscard]] int run_command(const Invocation& invocation, const Environment& environment,
                              const std::stop_token& stop);

[[nodiscard]] int run(Session& session, const List& command);
[[nodiscard]] int run(Session& session, const Status& command);
[[nodiscard]] int run(Session& session, const Start& command);
[[nodiscard]] int run(Session& session, const Stop& command);
[[nodiscard]] int run(Session& session, const Restart& command);
[[nodiscard]] int run(Session& session, const Signal& command);
[[nodiscard]] int run(Session& session, const ShowPid& command);
[[nodiscard]] int run(Session& session, const Tail& command);
[[nodiscard]] int run(Session& session, const Clear& command);
[[nodiscard]] int run(Session& session, const Reread& command);
[[nodiscard]] int run(Session& session, const Update& command);
[[nodiscard]] int run(Session& session, const Healthcheck& command);

// These send a request to a running agent.
[[nodiscard]] int run(AgentSession& session, const ShowMaintenance& command);
[[nodiscard]] int run(AgentSession& session, const SetMaintenance& command);
[[nodiscard]] int run(AgentSession& session, const ClearMaintenance& command);
[[nodiscard]] int run(AgentSession& session, const ShowGuards& command);
[[nodiscard]] int run(AgentSession& session, const ResetGuards& command);
[[nodiscard]] int run(AgentSession& session, const ShowAudit& command);
[[nodiscard]] int run(AgentSession& session, const CheckAgent& command);
[[nodiscard]] int run(AgentSession& session, const ShowMembers& command);
[[nodiscard]] int run(AgentSession& session, const ShowTargets& command);
[[nodiscard]] int run(AgentSession& session, const ForgetMember& command);
[[nodiscard]] int run(AgentSession& session, const ShowLimits& command);
[[nodiscard]] int run(AgentSession& session, const SetLimit& command);
[[nodiscard]] int run(AgentSession& session, const DeleteLimit& command);
[[nodiscard]] int run(AgentSession& session, const ReleaseSlot& command);
// The session is that of the caller's own agent.
[[nodiscard]] int run(AgentSession& own, const FleetList& command);
[[nodiscard]] int run(AgentSession& own, const FleetAction& command);

// These need neither supervisord nor an agent.
[[nodiscard]] int run(const CheckConfig& command, const CommonOptions& options,
                      const Environment& environment);
[[nodiscard]] int run(const ShowVersion& command, const Output& output);
[[nodiscard]] int run(const Completion& command, const Output& output);

/// Prints the words that may stand where the last word is being typed, one in a line, or `:files`.
/// Asks supervisord for names only if the user has named it.
[[nodiscard]] int run(const Complete& command, const Environment& environment,
                      const std::stop_token& stop);

/// supervisorctl's commands, in its words and with its exit codes.
[[nodiscard]] int run(const Supervisorctl& command, const Environment& environment,
                      const std::stop_token& stop);

}  // namespace reeve::cli
