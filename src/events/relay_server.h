#pragma once

// The agent's end of the relays: a unix socket where one relay or several (of several supervisords,
// distinguished by their EventSource) deliver events, which go to the inbox and are acknowledged at
// once. Only processes of root or of the agent's own user are accepted. Numbering is remembered
// across connections, so that events sent again after a reconnect are not counted twice. One thread
// runs it.

#include <memory>
#include <stop_token>
#include <string>

#include "base/log.h"
#include "events/inbox.h"
#include "reeve/base/result.h"

namespace reeve::events {

class RelayServer {
 public:
  /// Binds the socket, mode 0600; errors as of http::ListeningSocket::open_unix(). `inbox` and
  /// `clock` must outlive it.
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
