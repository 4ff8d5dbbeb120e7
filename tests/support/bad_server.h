#pragma once

// A peer that misbehaves, over a raw socket on loopback or a unix socket: it plays one script on
// each connection, every connection on a thread of its own. Scripts are plain functions; those
// that peers really play are below. Ends promptly: what a script waits for ends with the server.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace reeve::tests {

class BadServer;

/// The server's end of a connection, as a script sees it.
class BadConnection {
 public:
  BadConnection(BadServer& server, int socket, std::stop_token stop);
  ~BadConnection();
  BadConnection(const BadConnection&) = delete;
  BadConnection& operator=(const BadConnection&) = delete;

  /// Reads one request, header and body, and tells the server of it. False: the peer has closed.
  bool read_request();
  /// What read_request() read last. The last of BadServer::requests() may be another connection's.
  [[nodiscard]] const std::string& request() const { return request_; }
  /// False: the peer has closed.
  bool send(std::string_view bytes);
  /// True if the peer closed within the time, which is the pace of those who drip.
  [[nodiscard]] bool closed_within(std::chrono::milliseconds time);
  void wait_until_closed();
  /// The close to come will be a reset.
  void reset_on_close();

 private:
  BadServer& server_;
  int socket_;
  std::stop_token stop_;
  std::string request_;
};

class BadServer {
 public:
  using Script = std::function<void(BadConnection&)>;

  /// On a port of 127.0.0.1 that the kernel chose.
  explicit BadServer(Script script);
  /// On a unix socket.
  BadServer(Script script, const std::string& socket_path);
  ~BadServer();
  BadServer(const BadServer&) = delete;
  BadServer& operator=(const BadServer&) = delete;

  [[nodiscard]] std::string url() const { return url_; }
  /// What has been read by read_request().
  [[nodiscard]] std::vector<std::string> requests() const { return requests_.copy(); }

 private:
  friend class BadConnection;
  void start(Script script);
  void serve(const Script& script, const std::stop_token& stop);

  int listener_ = -1;
  std::string url_;
  base::Guarded<std::vector<std::string>> requests_;
  std::jthread acceptor_;  // the last member: it ends before what it uses
};

/// A 200 as supervisord sends it.
[[nodiscard]] std::string http_ok(std::string_view body);

[[nodiscard]] BadServer::Script answers(std::string bytes);            ///< and closes
[[nodiscard]] BadServer::Script answers_and_stays(std::string bytes);  ///< does not close
[[nodiscard]] BadServer::Script drips(std::string bytes);              ///< a byte at a time
[[nodiscard]] BadServer::Script floods(std::string head, std::size_t bytes);
[[nodiscard]] BadServer::Script resets(std::string bytes);  ///< after these bytes
[[nodiscard]] BadServer::Script stays_silent();
[[nodiscard]] BadServer::Script closes_at_once();

}  // namespace reeve::tests
