#pragma once

// The world as a command sees it: streams, environment variables, files' owners, the clock and
// a way to reach supervisord. The composition root passes the real one, tests one of their own.

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/agent.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"
#include "reeve/supervisor/options.h"
#include "substrate/poll_source.h"

namespace reeve::cli {

struct Console {
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

/// One supervisord through its interfaces, which may be one object.
struct Peer {
  std::shared_ptr<substrate::Substrate> substrate;
  std::shared_ptr<substrate::Logs> logs;
  std::shared_ptr<substrate::Administration> administration;
  std::shared_ptr<substrate::PollSource> poll_source;  ///< for the agent alone
};

struct Surroundings {
  Console console;
  const base::Clock* clock = nullptr;
  /// An environment variable; nothing if it is unset or empty.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  /// Opens nothing yet: the first call does.
  std::function<Peer(const supervisor::Options& options)> connect;
  /// One request to a running agent.
  std::function<base::Result<AgentAnswer>(const AgentPeer& peer, const AgentRequest& request,
                                          const std::stop_token& stop)>
      ask_agent;
  std::string system_config = "/etc/reeve/config.yaml";
  /// Where `./config.yaml` would be.
  std::string working_folder = ".";
  bool is_root = false;
  /// Where supervisord's socket usually is, in the order in which they are tried.
  std::vector<std::string> usual_sockets = {"/run/supervisor.sock", "/var/run/supervisor.sock"};
};

/// Standard output and error, the process's environment, real supervisords. `clock` must
/// outlive it.
[[nodiscard]] Surroundings real_surroundings(const base::Clock& clock);

}  // namespace reeve::cli
