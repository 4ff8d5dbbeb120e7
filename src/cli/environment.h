#pragma once

// What a command uses of the process around it: streams, environment variables, the clock, and ways
// to reach supervisord and an agent. The composition root passes the real ones, tests their own.

#include <atomic>
#include <functional>
#include <memory>
#include <ostream>
#include <stop_token>

#include "cli/agent_client.h"
#include "config/settings.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"
#include "reeve/supervisor/options.h"

namespace reeve::cli {

class AgentSubstrate;

struct Console {
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int in = 0;  ///< the descriptor of standard input
  /// Set once a write to `out` has failed with EPIPE.
  std::shared_ptr<std::atomic<bool>> pipe_broken = std::make_shared<std::atomic<bool>>(false);
};

/// One supervisord: its options, and its three interfaces, which may be one object.
struct Supervisord {
  supervisor::Options options;
  std::shared_ptr<substrate::Substrate> substrate;
  std::shared_ptr<substrate::Logs> logs;
  std::shared_ptr<substrate::Administration> administration;
  /// Not null: a running agent stands between, and these interfaces are its; it has no logs.
  std::shared_ptr<AgentSubstrate> agent = nullptr;
};

struct Environment {
  Console console;
  const base::Clock* clock = nullptr;
  config::SettingsSources sources;
  /// Opens no connection yet: the first call does.
  std::function<Supervisord(const supervisor::Options& options)> connect;
  std::function<base::Result<AgentResponse>(
      const AgentAddress& address, const AgentRequest& request, const std::stop_token& stop)>
      send_to_agent;
};

}  // namespace reeve::cli
