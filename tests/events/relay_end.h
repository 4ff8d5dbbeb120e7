#pragma once

// The agent's end of the relays in a test: it can be started, paused, killed and started again, and
// keeps its inbox meanwhile.

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "events/inbox.h"
#include "events/relay.h"
#include "support/catch.h"

namespace reeve::events {

class RelayEnd {
 public:
  explicit RelayEnd(std::string socket, std::size_t inbox_capacity = Inbox::default_capacity)
      : socket_(std::move(socket)), inbox_([] {}, inbox_capacity) {}

  void start() {
    auto server = RelayServer::listen(socket_, inbox_, clock_, {});
    REQUIRE(server);
    server_ = std::move(*server);
    go_on();
  }
  /// It is there, but takes nothing.
  void pause() { thread_ = {}; }
  void go_on() {
    thread_ = std::jthread([this](const std::stop_token& stop) { server_->run(stop); });
  }
  void stop() {
    pause();
    server_.reset();
  }
  /// What has arrived since it was asked last.
  [[nodiscard]] std::vector<Arrival> take() { return inbox_.take(); }

 private:
  const std::string socket_;
  base::SystemClock clock_;
  Inbox inbox_;
  std::unique_ptr<RelayServer> server_;
  std::jthread thread_;
};

}  // namespace reeve::events
