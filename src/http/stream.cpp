#include "http/stream.h"

#include <utility>

#include <boost/asio/write.hpp>
#include <poll.h>

#include "http/tls_context.h"

namespace reeve::http {

Stream::Stream(Socket socket, SSL* session) : socket_(std::move(socket)) {
  if (session != nullptr) {
    tls_.emplace(socket_, session);
  }
}

asio::awaitable<boost::system::error_code> Stream::handshake() {
  if (!tls_) {
    co_return boost::system::error_code();
  }
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, as_value);
  co_return error;
}

asio::awaitable<std::size_t> Stream::read_some(asio::mutable_buffer into) {
  if (tls_) {
    const auto [error, size] = co_await tls_->async_read_some(into, as_value);
    co_return error ? 0 : size;
  }
  const auto [error, size] = co_await socket_.async_read_some(into, as_value);
  co_return error ? 0 : size;
}

asio::awaitable<bool> Stream::write(const std::vector<asio::const_buffer>& bytes) {
  if (tls_) {
    const auto [error, size] = co_await asio::async_write(*tls_, bytes, as_value);
    co_return !error && size == asio::buffer_size(bytes);
  }
  const auto [error, size] = co_await asio::async_write(socket_, bytes, as_value);
  co_return !error && size == asio::buffer_size(bytes);
}

asio::awaitable<void> Stream::end() {
  if (tls_) {
    const auto [error] = co_await tls_->async_shutdown(as_value);
    static_cast<void>(error);  // either way it is over
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

bool Stream::peer_has_left() {
  pollfd client{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&client, 1, 0) != 0;
}

void Stream::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::vector<std::string> Stream::client_names() {
  return tls_ ? http::client_names(tls_->native_handle()) : std::vector<std::string>();
}

}  // namespace reeve::http
