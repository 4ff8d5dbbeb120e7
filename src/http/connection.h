#pragma once

// One client, from handshake to end: a coroutine that reads a request, has it answered, writes
// the answer, and goes on to the next. A single timer holds the deadline of whatever step it
// is in. Everything on the transport's thread; the server owns it through its coroutine alone.
//
// Coroutines here take references to what lives in the frame of the one that awaits them: g++ 12
// destroys a temporary twice that is handed over inside a co_await expression.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "http/connection_table.h"
#include "http/peer_address.h"
#include "http/request_parser.h"
#include "http/response_head.h"
#include "http/service.h"
#include "http/stream.h"
#include "http/stream_state.h"

namespace reeve::http {

class Connection final : public Guest, public std::enable_shared_from_this<Connection> {
 public:
  /// `service` outlives it. `session`: null without TLS; owned by the connection.
  Connection(Service& service, Socket socket, SSL* session, PeerAddress peer);
  ~Connection() override;

  /// Runs until the end of the connection; throws nothing but what memory throws.
  [[nodiscard]] asio::awaitable<void> run();
  void close() override;
  void drain() override;

 private:
  using Standing = ConnectionTable::Standing;

  /// In which a response is sent.
  struct Manner {
    Persistence persistence = Persistence::close;
    bool with_body = true;
    bool chunks = false;  ///< where its length is not known
  };

  [[nodiscard]] asio::awaitable<bool> serve_one();
  [[nodiscard]] asio::awaitable<void> receive(RequestParser& parser);
  [[nodiscard]] asio::awaitable<bool> read_some(RequestParser::State state);
  [[nodiscard]] asio::awaitable<Response> answer(Request& request);
  [[nodiscard]] asio::awaitable<Response> run_on_worker(Request& request);
  [[nodiscard]] asio::awaitable<Response> await_later(const Later& later, bool through_drain);
  [[nodiscard]] asio::awaitable<void> pause(std::chrono::nanoseconds span,
                                            const std::function<bool()>& over);
  [[nodiscard]] asio::awaitable<bool> send(const Response& response, const Manner& manner);
  [[nodiscard]] asio::awaitable<bool> send_feed(Feed::Outlet& outlet, Framing framing);
  /// Waits until there is something to send; nothing if the client is gone or cut off.
  [[nodiscard]] asio::awaitable<std::optional<Feed::Outlet::Piece>> next_piece(
      Feed::Outlet& outlet);
  [[nodiscard]] asio::awaitable<bool> write(const std::vector<asio::const_buffer>& bytes);
  [[nodiscard]] asio::awaitable<void> linger();

  void hear(Feed::State::News news);

  /// Gives the next steps a new total deadline.
  void arm(std::chrono::milliseconds span);
  void expire(std::uint64_t armed);

  Service& service_;
  Stream stream_;
  PeerAddress peer_;
  std::vector<std::string> client_names_;
  ConnectionTable::Place place_;
  asio::steady_timer timer_;  ///< the step's deadline
  asio::steady_timer pause_;  ///< while the answer is waited for
  std::uint64_t armed_ = 0;   ///< tells an expiry from one that was already re-armed
  bool expired_ = false;
  bool underway_ = false;  ///< a request's head was read, and it is not answered yet
  std::uint64_t served_ = 0;
  std::string input_;
};

}  // namespace reeve::http
