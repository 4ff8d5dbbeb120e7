#include "http/client_transport.h"

#include <cerrno>
#include <cstddef>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include "http/resolver.h"

namespace reeve::http {
namespace {

namespace asio = boost::asio;
using base::Endpoint;
using base::Error;
using base::ErrorKind;
using boost::system::error_code;
// One kind of socket for TCP and unix sockets alike: each template is compiled once.
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;
using TlsStream = asio::ssl::stream<Socket&>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t block_bytes = std::size_t{16} * 1024;

Error socket_error(const std::string& path, const error_code& code) {
  switch (code.value()) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorKind::socket_missing,
              "there is no socket " + path +
                  ": supervisord is not running, or [unix_http_server] names another file"};
    case EACCES:
    case EPERM:
      return {ErrorKind::denied, "no permission to connect to the socket " + path +
                                     ": chmod and chown in [unix_http_server] say who has it"};
    case ECONNREFUSED:
      return {ErrorKind::unreachable,
              "nobody listens on the socket " + path + ": supervisord is gone and left it behind"};
    case EAGAIN:
      return {ErrorKind::unreachable, "too many connections wait already at the socket " + path +
                                          ": supervisord does not take them"};
    default:
      return {ErrorKind::unreachable,
              "cannot connect to the socket " + path + ": " + code.message()};
  }
}

Error tcp_error(const Endpoint& peer, const error_code& code) {
  const std::string what = "cannot connect to " + peer.url() + ": " + code.message();
  if (code == asio::error::timed_out) {
    return {ErrorKind::timeout, what};
  }
  if (code == asio::error::no_descriptors) {
    return {ErrorKind::internal, what};
  }
  if (code == asio::error::connection_refused) {
    return {ErrorKind::unreachable, what + ": is supervisord running, and listening there?"};
  }
  return {ErrorKind::unreachable, what};
}

Error tls_error(const Endpoint& peer, TlsStream& stream, const error_code& code) {
  const long verdict = ::SSL_get_verify_result(stream.native_handle());
  if (verdict != X509_V_OK) {
    return {ErrorKind::denied, "the certificate of " + peer.url() +
                                   " is not trusted: " + ::X509_verify_cert_error_string(verdict)};
  }
  if (code.category() == asio::error::get_ssl_category()) {
    return {ErrorKind::malformed, "cannot speak TLS with " + peer.url() + ": " + code.message() +
                                      " (is it http, not https?)"};
  }
  return {ErrorKind::unreachable,
          "the connection to " + peer.url() + " broke in the TLS handshake: " + code.message()};
}

bool is_end(const error_code& code) {
  return code == asio::error::eof || code == asio::ssl::error::stream_truncated;
}

/// How far an exchange has come; what is left unfinished is named by `doing`.
struct Progress {
  const char* doing = "connecting to";
  std::optional<base::Result<void>> result;
};

/// What all exchanges of one run share. Outlives their coroutines.
struct Run {
  const Endpoint& peer;
  asio::ssl::context* tls;  // null: none
  const base::Deadline& deadline;
  const SocketAddresses& addresses;  // none for a unix socket
};

/// One connection, made and used by one coroutine.
class ClientConnection {
 public:
  ClientConnection(asio::any_io_executor executor, const Run& run)
      : run_(run), socket_(std::move(executor)) {}

  asio::awaitable<base::Result<void>> connect() {
    if (run_.peer.scheme == Endpoint::Scheme::unix_socket) {
      co_return connect_to_socket();
    }
    co_return co_await connect_to_addresses();
  }

  asio::awaitable<base::Result<void>> shake_hands() {
    tls_.emplace(socket_, *run_.tls);
    tls_->set_verify_callback(asio::ssl::host_name_verification(run_.peer.host));
    error_code is_name;
    asio::ip::make_address(run_.peer.host, is_name);
    if (is_name) {  // an address has no place in the server name indication
      std::string name = run_.peer.host;
      ::SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 name.data());
    }
    const auto [code] = co_await tls_->async_handshake(TlsStream::client, as_result);
    if (code) {
      co_return base::failure(tls_error(run_.peer, *tls_, code));
    }
    co_return base::Result<void>();
  }

  asio::awaitable<void> write(asio::const_buffer bytes) {
    // An error is no news yet: a peer may answer and close before it has read all, and if it
    // did not, the read fails as well.
    if (tls_) {
      co_await asio::async_write(*tls_, bytes, as_result);
    } else {
      co_await asio::async_write(socket_, bytes, as_result);
    }
  }

  asio::awaitable<std::tuple<error_code, std::size_t>> read(asio::mutable_buffer space) {
    if (tls_) {
      co_return co_await tls_->async_read_some(space, as_result);
    }
    co_return co_await socket_.async_read_some(space, as_result);
  }

 private:
  // A unix socket connects at once or not at all. Asio takes its EAGAIN for "in progress" and
  // then for success.
  base::Result<void> connect_to_socket() {
    const asio::local::stream_protocol::endpoint address(run_.peer.socket_path);
    error_code code;
    socket_.open(Protocol(AF_UNIX, 0), code);
    if (!code) {
      socket_.native_non_blocking(true, code);
    }
    if (!code && ::connect(socket_.native_handle(), address.data(),
                           static_cast<socklen_t>(address.size())) != 0) {
      code.assign(errno, boost::system::system_category());
    }
    if (code) {
      return base::failure(socket_error(run_.peer.socket_path, code));
    }
    return {};
  }

  // Each address has its share of what time is left, lest one that swallows our packets use
  // it up. If all fail, the first one's error is told: it is the one that was meant.
  asio::awaitable<base::Result<void>> connect_to_addresses() {
    using namespace asio::experimental::awaitable_operators;
    error_code first_error;
    std::size_t left = run_.addresses.size();
    for (const SocketAddress& address : run_.addresses) {
      const Protocol::endpoint endpoint(&address.storage, address.size, IPPROTO_TCP);
      asio::steady_timer share(socket_.get_executor(),
                               run_.deadline.remaining() / static_cast<int>(left--));
      error_code ignored;
      socket_.close(ignored);
      const auto winner =
          co_await (socket_.async_connect(endpoint, as_result) || share.async_wait(as_result));
      const error_code code =
          winner.index() == 0 ? std::get<0>(std::get<0>(winner)) : asio::error::timed_out;
      if (!code) {
        co_return base::Result<void>();
      }
      if (!first_error) {
        first_error = code;
      }
    }
    co_return base::failure(tcp_error(run_.peer, first_error));
  }

  const Run& run_;
  Socket socket_;
  std::optional<TlsStream> tls_;
};

asio::awaitable<void> converse(const Run& run, const Exchange& exchange, Progress& progress) {
  ClientConnection connection(co_await asio::this_coro::executor, run);
  base::Result<void> connected = co_await connection.connect();
  if (connected && run.tls != nullptr) {
    progress.doing = "shaking hands in TLS with";
    connected = co_await connection.shake_hands();
  }
  if (!connected) {
    progress.result = connected;
    co_return;
  }
  progress.doing = "waiting for the answer of";
  co_await connection.write(asio::buffer(exchange.request));
  std::vector<char> block(block_bytes);
  for (;;) {
    const auto [code, size] = co_await connection.read(asio::buffer(block));
    progress.doing = "reading the answer of";
    if ((size > 0 && !exchange.take({block.data(), size})) || is_end(code)) {
      progress.result = base::Result<void>();
      co_return;
    }
    if (code) {
      progress.result =
          base::failure(ErrorKind::unreachable,
                        "the connection to " + run.peer.url() + " broke: " + code.message());
      co_return;
    }
  }
}

void run_all(const Run& run, const std::vector<Exchange>& exchanges,
             std::vector<Progress>& progress) {
  // Goes, and with it the coroutines, before what they refer to.
  asio::io_context context(1);
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    asio::co_spawn(context, converse(run, exchanges[i], progress[i]),
                   [](const std::exception_ptr& thrown) {
                     if (thrown) {
                       std::rethrow_exception(thrown);
                     }
                   });
  }
  const std::stop_callback stop(run.deadline.stop(), [&context] { context.stop(); });
  context.run_for(run.deadline.remaining());
}

}  // namespace

struct Transport::Impl {
  explicit Impl(Endpoint endpoint) : peer(std::move(endpoint)) {
    if (peer.scheme != Endpoint::Scheme::unix_socket) {
      resolver.emplace(peer.host, peer.port);
    }
    if (peer.scheme == Endpoint::Scheme::https) {
      tls.emplace(asio::ssl::context::tls_client);
      tls->set_default_verify_paths();
      tls->set_verify_mode(asio::ssl::verify_peer);
    }
  }

  base::Result<SocketAddresses> addresses(const base::Deadline& deadline) {
    return resolver ? resolver->resolve(deadline) : SocketAddresses();
  }

  Endpoint peer;
  std::optional<Resolver> resolver;
  std::optional<asio::ssl::context> tls;
};

Transport::Transport(Endpoint peer) : impl_(std::make_unique<Impl>(std::move(peer))) {}

Transport::~Transport() = default;

std::vector<base::Result<void>> Transport::run(const std::vector<Exchange>& exchanges,
                                               const base::Deadline& deadline) {
  std::vector<Progress> progress(exchanges.size());
  const base::Result<SocketAddresses> addresses = impl_->addresses(deadline);
  std::string thrown;
  if (addresses) {
    try {
      run_all({impl_->peer, impl_->tls ? &*impl_->tls : nullptr, deadline, *addresses}, exchanges,
              progress);
    } catch (const std::exception& exception) {
      thrown = exception.what();
    }
  }
  std::vector<base::Result<void>> results;
  for (Progress& one : progress) {
    if (!addresses) {
      results.emplace_back(base::failure(addresses.error()));
    } else if (one.result) {
      results.push_back(*std::move(one.result));
    } else if (!thrown.empty()) {
      results.emplace_back(base::failure(ErrorKind::internal, "cannot call: " + thrown));
    } else {
      const bool cancelled = deadline.cancelled();
      results.emplace_back(base::failure(cancelled ? ErrorKind::cancelled : ErrorKind::timeout,
                                         (cancelled ? "stopped while " : "out of time while ") +
                                             std::string(one.doing) + " " + impl_->peer.url()));
    }
  }
  return results;
}

}  // namespace reeve::http
