#pragma once

// The one-shot commands, each from its arguments to its exit code.

#include "cli/agent_session.h"
#include "cli/command.h"
#include "cli/session.h"

namespace reeve::cli {

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

/// These ask a running agent.
[[nodiscard]] int run(AgentSession& session, const ShowMaintenance& command);
[[nodiscard]] int run(AgentSession& session, const SetMaintenance& command);
[[nodiscard]] int run(AgentSession& session, const ClearMaintenance& command);
[[nodiscard]] int run(AgentSession& session, const ShowGuards& command);
[[nodiscard]] int run(AgentSession& session, const ResetGuards& command);
[[nodiscard]] int run(AgentSession& session, const ShowAudit& command);

/// These talk to nobody.
[[nodiscard]] int run(const CheckConfig& command, const CommonOptions& options,
                      const Surroundings& surroundings);
[[nodiscard]] int run(const ShowVersion& command, const Output& output);
[[nodiscard]] int run(const Completion& command, const Output& output);

}  // namespace reeve::cli
