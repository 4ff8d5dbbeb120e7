#pragma once

// The agent's end of the relays: a unix socket where one relay or several (of several supervisords,
// told apart by their Source) deliver events, which go to the inbox and are acknowledged at once.
// Only processes of root or of the agent's own user get in. Numbering is remembered across
// connections, so that a relay that delivers again after a reconnect counts nothing twice. One
// thread runs it.

#include <memory>
#include <stop_token>
#include <string>

#include "base/log.h"
#include "events/inbox.h"
#include "reeve/base/result.h"

namespace reeve::events {

class RelayServer {
 public:
  /// Binds the socket, mode 0600; what a dead agent left there is replaced. conflict: something
  /// listens there already, or the path is no socket. denied, not_found (no such folder),
  /// invalid_argument (the path is too long). `inbox` and `clock` must outlive it.
  [[nodiscard]] static base::Result<std::unique_ptr<RelayServer>> listen(const std::string& path,
                                                                         Inbox& inbox,
                                                                         const base::Clock& clock,
                                                                         base::Log log);
  ~RelayServer();  ///< removes the socket
  RelayServer(const RelayServer&) = delete;
  RelayServer& operator=(const RelayServer&) = delete;

  /// Serves until a stop is requested.
  void run(const std::stop_token& stop);

 private:
  struct State;
  explicit RelayServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::events
