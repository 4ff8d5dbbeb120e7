#include "http/server.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>

#include "base/guarded.h"
#include "http/connection.h"
#include "http/tls_context.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using SharedTls = std::shared_ptr<const TlsContext>;

// Without descriptors or memory the next accept would fail at once as well.
constexpr std::chrono::milliseconds accept_pause = 100ms;

void log_exception(const base::Log& log, const std::exception_ptr& exception) {
  if (!exception) {
    return;
  }
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    log.error("a connection failed with an exception", {{"reason", error.what()}});
  } catch (...) {
    log.error("a connection failed with an exception", {});
  }
}

/// Sends a client over the limit a 503; best effort, never waited for.
void send_refusal(Socket& socket) {
  const Response response = plain_error(503, "too many connections");
  const std::string answer =
      response_head(response, Persistence::close) + std::get<std::string>(response.body);
  static_cast<void>(
      ::send(socket.native_handle(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace

struct Server::Impl {
  Impl(const ListenerOptions& options, Handler handler, HeadCheck head_check, base::Log log,
       ListeningSocket socket, SharedTls tls_context)
      : state(options, std::move(handler), std::move(head_check), std::move(log)),
        listener(std::move(socket)),
        acceptor(*state.io),
        retry(*state.io),
        tls(std::move(tls_context)) {
    acceptor.assign({listener.family(), 0}, listener.release());
    acceptor.non_blocking(true);
  }

  void run();
  asio::awaitable<void> accept_all();
  [[nodiscard]] boost::system::error_code accept_waiting();
  [[nodiscard]] asio::awaitable<void> recover(const boost::system::error_code& error);
  void serve(Socket socket, const PeerAddress& peer);
  void drain(base::Duration patience);
  void close_all();
  void stop(const base::Deadline& deadline);

  ListenerState state;
  ListeningSocket listener;  ///< the acceptor has its descriptor; this keeps port and file
  Acceptor acceptor;
  asio::steady_timer retry;
  bool accept_fails = false;  ///< logged already
  base::Guarded<SharedTls> tls;
  std::once_flag stopped;
  std::jthread transport;
};

void Server::Impl::run() {
  name_thread("http-" + state.options.name);
  for (;;) {
    try {
      state.io->run();
      return;
    } catch (...) {
      log_exception(state.log, std::current_exception());
    }
  }
}

asio::awaitable<void> Server::Impl::accept_all() {
  while (!state.draining) {
    const boost::system::error_code error = accept_waiting();
    if (error == asio::error::would_block) {
      accept_fails = false;
      const auto [failed] = co_await acceptor.async_wait(Acceptor::wait_read, as_value);
      static_cast<void>(failed);
    } else if (error) {
      co_await recover(error);
    } else {
      co_await asio::post(*state.io, asio::use_awaitable);  // the others' turn
    }
  }
}

/// Clients that wait are accepted before any other work, so that a right one behind a thousand
/// others is not kept waiting; but each is read from before it can be closed for the next ones.
/// would_block: these were all.
boost::system::error_code Server::Impl::accept_waiting() {
  while (!state.table.is_behind()) {
    Socket socket(*state.io);
    Socket::endpoint_type peer;
    boost::system::error_code error;
    acceptor.accept(socket, peer, error);
    if (error == asio::error::connection_aborted) {
      continue;
    }
    if (error) {
      return error;
    }
    accept_fails = false;
    try {
      serve(std::move(socket), peer_address(*peer.data()));
    } catch (...) {
      log_exception(state.log, std::current_exception());
    }
  }
  return {};
}

/// Without descriptors or memory another connection makes room, as at a limit.
asio::awaitable<void> Server::Impl::recover(const boost::system::error_code& error) {
  if (!std::exchange(accept_fails, true)) {
    state.log.warning("cannot accept connections for now", {{"reason", error.message()}});
  }
  if (const auto evicted = state.table.evict()) {
    state.count(*evicted);
    co_await asio::post(*state.io, asio::use_awaitable);
    co_return;
  }
  retry.expires_after(accept_pause);
  const auto [cancelled] = co_await retry.async_wait(as_value);
  static_cast<void>(cancelled);
}

void Server::Impl::serve(Socket socket, const PeerAddress& peer) {
  ++state.accepted;
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  const SharedTls context = tls.copy();
  bound_buffers(socket.native_handle());
  const ConnectionTable::Room room = state.table.make_room(peer.counted);
  if (const auto* rejected = std::get_if<RejectionCause>(&room)) {
    state.count(*rejected);
    if (!context) {
      send_refusal(socket);
    }
    return;
  }
  if (const auto* evicted = std::get_if<EvictionCause>(&room)) {
    state.count(*evicted);
  }
  SSL* session = context ? context->new_session() : nullptr;
  if (context && session == nullptr) {
    throw std::bad_alloc();
  }
  const auto connection = std::make_shared<Connection>(state, std::move(socket), session, peer);
  asio::co_spawn(
      *state.io, [connection] { return connection->run(); },
      [this](const std::exception_ptr& exception) { log_exception(state.log, exception); });
}

void Server::Impl::drain(base::Duration patience) {
  state.draining = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  retry.cancel();
  state.table.for_each([](ManagedConnection& connection) { connection.drain(); });
  if (state.table.empty()) {
    return;
  }
  state.drain_timer.expires_after(patience);
  state.drain_timer.async_wait([this](auto cancelled) {
    if (!cancelled) {
      close_all();
    }
  });
}

void Server::Impl::close_all() {
  state.table.for_each([](ManagedConnection& connection) { connection.close(); });
}

void Server::Impl::stop(const base::Deadline& deadline) {
  if (transport.joinable()) {
    asio::post(*state.io, [this, patience = deadline.remaining()] { drain(patience); });
    const std::stop_callback on_stop(deadline.stop(),
                                     [this] { asio::post(*state.io, [this] { close_all(); }); });
    transport.join();
  }
  boost::system::error_code ignored;
  acceptor.close(ignored);
  listener.remove_file();
  if (state.workers) {
    state.workers->stop();
  }
}

base::Result<std::unique_ptr<Server>> Server::open(const ListenerOptions& options, Handler handler,
                                                   base::Log log, HeadCheck head_check) {
  SharedTls tls;
  if (options.tls) {
    auto loaded = TlsContext::load(*options.tls);
    if (!loaded) {
      return base::failure(loaded.error());
    }
    tls = std::make_shared<const TlsContext>(std::move(*loaded));
  }
  auto socket = options.inherited_socket >= 0 ? ListeningSocket::adopt(options.inherited_socket)
                                              : ListeningSocket::open(options.address);
  if (!socket) {
    return base::failure(socket.error());
  }
  return std::unique_ptr<Server>(
      new Server(std::make_unique<Impl>(options, std::move(handler), std::move(head_check),
                                        std::move(log), std::move(*socket), std::move(tls))));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  const base::SystemClock clock;
  stop(base::Deadline::after(clock, base::Duration::zero()));
}

void Server::start() {
  ListenerState& state = impl_->state;
  if (!state.options.workers.empty()) {
    state.workers.emplace(WorkerPool::Size{state.options.workers, state.options.max_queued},
                          "work-" + state.options.name);
  }
  asio::co_spawn(
      *state.io, [impl = impl_.get()] { return impl->accept_all(); },
      [&state](const std::exception_ptr& exception) { log_exception(state.log, exception); });
  impl_->transport = std::jthread([impl = impl_.get()] { impl->run(); });
}

void Server::stop(const base::Deadline& deadline) {
  std::call_once(impl_->stopped, [&] { impl_->stop(deadline); });
}

std::uint16_t Server::port() const {
  return impl_->listener.port();
}

Stats Server::stats() const {
  const ListenerState& state = impl_->state;
  Stats stats{.listener = state.options.name,
              .accepted_connections = state.accepted,
              .open_connections = state.open};
  std::copy(state.rejected.begin(), state.rejected.end(), stats.rejected.begin());
  std::copy(state.evicted.begin(), state.evicted.end(), stats.evicted.begin());
  return stats;
}

base::Result<std::function<void()>> Server::prepare_tls(const TlsOptions& options) {
  if (!impl_->tls.copy()) {
    return base::failure(base::ErrorKind::invalid_argument,
                         "the listener " + impl_->state.options.name +
                             " was started without TLS: restart the agent to turn it on");
  }
  return TlsContext::load(options).map([&](TlsContext loaded) -> std::function<void()> {
    return [impl = impl_.get(), fresh = std::make_shared<const TlsContext>(std::move(loaded))] {
      impl->tls.with([&](SharedTls& current) { current = fresh; });
      asio::post(*impl->state.io, [impl, fresh] {
        impl->state.table.for_each(
            [&](ManagedConnection& connection) { connection.recheck_client(*fresh); });
      });
    };
  });
}

}  // namespace reeve::http
