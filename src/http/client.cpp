#include "http/client.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <netdb.h>
#include <sys/socket.h>

namespace reeve::http {
namespace {

namespace asio = boost::asio;
using base::Endpoint;
using base::Error;
using base::ErrorKind;
using boost::system::error_code;
// One kind of socket for TCP and unix sockets alike: each template is compiled once.
using Protocol = asio::generic::stream_protocol;
using ClientSocket = Protocol::socket;
using TlsStream = asio::ssl::stream<ClientSocket&>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t block_bytes = std::size_t{16} * 1024;
/// A server that speaks TLS answers a handshake at once; one that speaks plain HTTP may wait for
/// the end of what it takes for a request.
constexpr std::chrono::milliseconds silence_before_probe{300};

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

using SocketAddresses = std::vector<SocketAddress>;

/// A host's addresses. Literal addresses and `localhost` need no lookup; any other name is looked
/// up by getaddrinfo on a thread of this object's own, because getaddrinfo can be neither bounded
/// nor cancelled: callers wait for it no longer than their deadline, and share a lookup in
/// progress. The destructor alone waits for one that hangs, at most as long as resolv.conf allows
/// (timeout times attempts, for each server).
class Resolver {
 public:
  Resolver(std::string host, std::uint16_t port);

  /// At least one address, in the order in which to try them. unreachable: there is no such
  /// host; timeout, cancelled.
  [[nodiscard]] base::Result<SocketAddresses> resolve(const base::Deadline& deadline);

 private:
  void look_up();

  std::string host_;
  std::string port_;
  SocketAddresses known_;  // literal addresses and localhost

  std::mutex mutex_;
  std::condition_variable_any finished_;
  bool running_ = false;
  std::uint64_t lookups_finished_ = 0;
  base::Result<SocketAddresses> found_;
  std::jthread worker_;
};

base::Result<SocketAddresses> ask_system(const std::string& host, const std::string& port,
                                         int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &first);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
  if (error != 0) {
    return base::failure(base::ErrorKind::unreachable,
                         "cannot find the host " + host + ": " + ::gai_strerror(error));
  }
  SocketAddresses addresses;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
  }
  return addresses;
}

Resolver::Resolver(std::string host, std::uint16_t port)
    : host_(std::move(host)), port_(std::to_string(port)) {
  // IPv4 first: supervisord listens on it alone.
  const std::vector<std::string> literals =
      host_ == "localhost" ? std::vector<std::string>{"127.0.0.1", "::1"} : std::vector{host_};
  for (const std::string& literal : literals) {
    const auto addresses = ask_system(literal, port_, AI_NUMERICHOST);
    if (addresses) {
      known_.insert(known_.end(), addresses->begin(), addresses->end());
    }
  }
}

base::Result<SocketAddresses> Resolver::resolve(const base::Deadline& deadline) {
  if (!known_.empty()) {
    return known_;
  }
  std::unique_lock lock(mutex_);
  if (!running_) {
    worker_ = std::jthread([this] { look_up(); });  // may throw: then nothing runs
    running_ = true;
  }
  const std::uint64_t before = lookups_finished_;
  const bool finished = finished_.wait_until(lock, deadline.stop(), deadline.at(),
                                             [&] { return lookups_finished_ != before; });
  if (finished) {
    return found_;
  }
  return base::failure(deadline.cancelled() ? base::ErrorKind::cancelled : base::ErrorKind::timeout,
                       "the system's resolver has not found the host " + host_ + " yet");
}

void Resolver::look_up() {
  base::Result<SocketAddresses> found = ask_system(host_, port_, 0);
  {
    const std::scoped_lock lock(mutex_);
    found_ = std::move(found);
    running_ = false;
    ++lookups_finished_;
  }
  finished_.notify_all();
}

/// `what`, and the hint if there is one.
std::string with_hint(std::string what, const std::string& hint) {
  return hint.empty() ? what : std::move(what) + ": " + hint;
}

Error socket_error(const std::string& path, const error_code& code, const ConnectHints& hints) {
  switch (code.value()) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorKind::socket_missing,
              with_hint("there is no socket " + path, hints.socket_missing)};
    case EACCES:
    case EPERM:
      return {ErrorKind::denied,
              with_hint("no permission to connect to the socket " + path, hints.socket_denied)};
    case ECONNREFUSED:
      return {ErrorKind::unreachable,
              with_hint("no server listens on the socket " + path, hints.socket_stale)};
    case EAGAIN:
      return {
          ErrorKind::unreachable,
          with_hint("too many connections wait already at the socket " + path, hints.socket_busy)};
    default:
      return {ErrorKind::unreachable,
              "cannot connect to the socket " + path + ": " + code.message()};
  }
}

Error tcp_error(const Endpoint& server, const error_code& code, const ConnectHints& hints) {
  const std::string what = "cannot connect to " + server.url() + ": " + code.message();
  if (code == asio::error::timed_out) {
    return {ErrorKind::timeout, what};
  }
  if (code == asio::error::no_descriptors) {
    return {ErrorKind::internal, what};
  }
  return {ErrorKind::unreachable,
          code == asio::error::connection_refused ? with_hint(what, hints.refused) : what};
}

Error tls_error(const Endpoint& server, TlsStream& stream, const error_code& code) {
  const long verification = ::SSL_get_verify_result(stream.native_handle());
  if (verification != X509_V_OK) {
    return {ErrorKind::denied, "the certificate of " + server.url() + " is not trusted: " +
                                   ::X509_verify_cert_error_string(verification)};
  }
  if (code.category() == asio::error::get_ssl_category()) {
    return {ErrorKind::malformed, "cannot speak TLS with " + server.url() + ": " + code.message() +
                                      " (is it http, not https?)"};
  }
  return {ErrorKind::unreachable,
          "the connection to " + server.url() + " broke in the TLS handshake: " + code.message()};
}

/// Whether the bytes that came in place of an answer begin a record of TLS: an alert or a
/// handshake.
bool is_tls(std::string_view bytes) {
  return bytes.size() >= 3 && (bytes[0] == '\x15' || bytes[0] == '\x16') && bytes[1] == '\x03' &&
         bytes[2] <= '\x04';
}

Error tls_is_spoken(const Endpoint& server) {
  return {ErrorKind::malformed,
          server.url() + ": TLS is spoken there, use https:// in place of http://"};
}

bool is_end(const error_code& code) {
  return code == asio::error::eof || code == asio::ssl::error::stream_truncated;
}

/// One request's work: what to send, and who parses what comes back.
struct Exchange {
  std::string request;
  ResponseParser parser;
  const char* doing = "connecting to";  ///< for the error if it is cut short
  bool is_begun = false;                ///< some of the response has come
  std::optional<base::Result<void>> result = {};
};

/// What all exchanges of one send share. Outlives their coroutines.
struct Run {
  const Endpoint& server;
  const ConnectHints& hints;
  asio::ssl::context* tls;  // null: none
  const base::Deadline& deadline;
  const SocketAddresses& addresses;  // none for a unix socket
};

/// One connection, made and used by one coroutine.
class ClientConnection {
 public:
  ClientConnection(const asio::any_io_executor& executor, const Run& run)
      : run_(run), socket_(executor) {}

  asio::awaitable<base::Result<void>> connect() {
    if (run_.server.scheme == Endpoint::Scheme::unix_socket) {
      co_return connect_to_socket();
    }
    co_return co_await connect_to_addresses();
  }

  asio::awaitable<base::Result<void>> handshake() {
    using namespace asio::experimental::awaitable_operators;
    tls_.emplace(socket_, *run_.tls);
    expect_certificate_of(run_.server.host);
    const auto first_done =
        co_await (tls_->async_handshake(TlsStream::client, as_result) || plain_http_is_spoken());
    if (first_done.index() == 1) {
      co_return base::failure(ErrorKind::malformed,
                              "cannot speak TLS with " + run_.server.url() +
                                  ": plain HTTP is spoken there, use http:// in place of https://");
    }
    if (const auto [code] = std::get<0>(first_done); code) {
      co_return base::failure(tls_error(run_.server, *tls_, code));
    }
    co_return base::Result<void>();
  }

  asio::awaitable<void> write(asio::const_buffer bytes) {
    // An error is not final: a server may answer and close before it has read everything; if it did
    // not, the read fails as well.
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
    const asio::local::stream_protocol::endpoint address(run_.server.socket_path);
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
      return base::failure(socket_error(run_.server.socket_path, code, run_.hints));
    }
    return {};
  }

  // Each address gets its share of the remaining time, so that one that drops packets cannot use it
  // up. If all fail, the first address's error is reported: it is the one that was meant.
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
      const auto first_done =
          co_await (socket_.async_connect(endpoint, as_result) || share.async_wait(as_result));
      const error_code code =
          first_done.index() == 0 ? std::get<0>(std::get<0>(first_done)) : asio::error::timed_out;
      if (!code) {
        co_return base::Result<void>();
      }
      if (!first_error) {
        first_error = code;
      }
    }
    co_return base::failure(tcp_error(run_.server, first_error, run_.hints));
  }

  /// Completes once another connection to the same address is answered in plain HTTP, and otherwise
  /// never. Servers that speak TLS may answer a plain request, but with 400.
  asio::awaitable<void> plain_http_is_spoken() {
    asio::steady_timer timer(socket_.get_executor(), silence_before_probe);
    co_await timer.async_wait(as_result);
    ClientSocket probe(socket_.get_executor());
    error_code code;
    const Protocol::endpoint peer = socket_.remote_endpoint(code);
    std::string status(sizeof "HTTP/1.1 200" - 1, '\0');
    co_await probe.async_connect(peer, as_result);
    co_await asio::async_write(probe, asio::buffer("HEAD / HTTP/1.0\r\n\r\n", 19), as_result);
    co_await asio::async_read(probe, asio::buffer(status), as_result);
    if (!status.starts_with("HTTP/") || status.ends_with("400")) {
      timer.expires_at(asio::steady_timer::time_point::max());
      co_await timer.async_wait(as_result);
    }
  }

  // An address is compared with the addresses of the certificate alone, a name with its DNS names
  // alone: not with the subject, which OpenSSL takes for a name where there are no others.
  void expect_certificate_of(const std::string& host) {
    SSL* const session = tls_->native_handle();
    X509_VERIFY_PARAM* const expected = ::SSL_get0_param(session);
    ::X509_VERIFY_PARAM_set_hostflags(
        expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    error_code is_name;
    asio::ip::make_address(host, is_name);
    const bool is_set = is_name
                            ? ::X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1
                            : ::X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
    if (!is_set) {
      throw std::bad_alloc();
    }
    if (is_name) {  // an address has no place in the server name indication
      std::string name = host;
      ::SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
  }

  const Run& run_;
  ClientSocket socket_;
  std::optional<TlsStream> tls_;
};

asio::awaitable<void> perform(const Run& run, Exchange& exchange) {
  ClientConnection connection(co_await asio::this_coro::executor, run);
  base::Result<void> connected = co_await connection.connect();
  if (connected && run.tls != nullptr) {
    exchange.doing = "in the TLS handshake (is it http, not https?) with";
    connected = co_await connection.handshake();
  }
  if (!connected) {
    exchange.result = connected;
    co_return;
  }
  exchange.doing = "waiting for the answer of";
  co_await connection.write(asio::buffer(exchange.request));
  std::vector<char> block(block_bytes);
  for (;;) {
    const auto [code, size] = co_await connection.read(asio::buffer(block));
    if (!exchange.is_begun && run.tls == nullptr && is_tls({block.data(), size})) {
      exchange.result = base::failure(tls_is_spoken(run.server));
      co_return;
    }
    exchange.is_begun = exchange.is_begun || size > 0;
    exchange.doing = "reading the answer of";
    if ((size > 0 && !exchange.parser.feed({block.data(), size})) || is_end(code)) {
      exchange.result = base::Result<void>();
      co_return;
    }
    if (code) {
      exchange.result =
          base::failure(ErrorKind::unreachable,
                        "the connection to " + run.server.url() + " broke: " + code.message());
      co_return;
    }
  }
}

void perform_all(const Run& run, std::deque<Exchange>& exchanges) {
  // Destroyed, and with it the coroutines, before what they refer to.
  asio::io_context context(1);
  for (Exchange& exchange : exchanges) {
    if (exchange.result) {
      continue;
    }
    asio::co_spawn(context, perform(run, exchange), [](const std::exception_ptr& thrown) {
      if (thrown) {
        std::rethrow_exception(thrown);
      }
    });
  }
  const std::stop_callback stop(run.deadline.stop(), [&context] { context.stop(); });
  context.run_for(run.deadline.remaining());
}

std::string encode(const ClientRequest& request, const Endpoint& server) {
  const bool is_socket = server.scheme == Endpoint::Scheme::unix_socket;
  std::string text = request.method + ' ' + request.path +
                     " HTTP/1.1\r\nHost: " + (is_socket ? "localhost" : server.authority()) +
                     "\r\n";
  for (const Header& header : request.headers) {
    text += header.name + ": " + header.value + "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n" + request.body;
}

/// Whether the request's head has one reading: no line breaks in its fields.
bool is_well_formed(const ClientRequest& request) {
  const auto is_clean = [](const std::string& text) {
    return std::none_of(text.begin(), text.end(), is_control);
  };
  return is_clean(request.method) && is_clean(request.path) &&
         request.path.find(' ') == std::string::npos &&
         std::all_of(request.headers.begin(), request.headers.end(), [&](const Header& header) {
           return is_clean(header.name) && is_clean(header.value);
         });
}

Exchange make_exchange(const ClientRequest& request, const Endpoint& server,
                       const ResponseLimits& limits, const BodyConsumer& consumer = nullptr) {
  Exchange exchange{.request = encode(request, server), .parser = ResponseParser(limits, consumer)};
  if (!is_well_formed(request)) {
    exchange.result =
        base::failure(ErrorKind::invalid_argument,
                      "a request to " + server.url() + " has a line break in its head");
  }
  return exchange;
}

using TlsContextPointer = std::shared_ptr<asio::ssl::context>;

/// invalid_argument: a file that is no certificate or no key, or cannot be read.
base::Result<TlsContextPointer> make_tls_context(const ClientTls& files) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  context->set_verify_mode(asio::ssl::verify_peer);
  error_code code;
  std::string failed;
  const auto use = [&](const std::string& file, const auto& load) {
    if (!file.empty() && failed.empty() && load()) {
      failed = "cannot use " + file + ": " + code.message();
    }
  };
  if (files.ca_file.empty()) {
    context->set_default_verify_paths(code);
  }
  use(files.ca_file, [&] { return context->load_verify_file(files.ca_file, code); });
  use(files.cert_file, [&] { return context->use_certificate_chain_file(files.cert_file, code); });
  use(files.key_file,
      [&] { return context->use_private_key_file(files.key_file, asio::ssl::context::pem, code); });
  return failed.empty() ? base::Result<TlsContextPointer>(std::move(context))
                        : base::failure(ErrorKind::invalid_argument, failed);
}

/// What an exchange has received. Some servers that speak TLS close the connection on a plain
/// request without a word.
base::Result<ClientResponse> received(Exchange& exchange, const Endpoint& server) {
  exchange.parser.end();
  return exchange.parser.take().map_error([&](Error error) {
    error.message.insert(0, server.url() + ": ");
    if (server.scheme == Endpoint::Scheme::http && !exchange.is_begun) {
      error.message += " (is it https, not http?)";
    }
    return error;
  });
}

/// The exchange's response, once it has ended or the deadline has.
base::Result<ClientResponse> finish(Exchange& exchange, const Endpoint& server,
                                    const std::string& thrown, const base::Deadline& deadline) {
  if (exchange.result) {
    return exchange.result->and_then([&] { return received(exchange, server); });
  }
  if (!thrown.empty()) {
    return base::failure(ErrorKind::internal, "cannot call: " + thrown);
  }
  const bool cancelled = deadline.cancelled();
  return base::failure(cancelled ? ErrorKind::cancelled : ErrorKind::timeout,
                       (cancelled ? "stopped while " : "out of time while ") +
                           std::string(exchange.doing) + " " + server.url());
}

}  // namespace

struct Client::Impl {
  Impl(Endpoint endpoint, ConnectHints connect_hints, ClientTls client_tls)
      : server(std::move(endpoint)),
        hints(std::move(connect_hints)),
        tls_files(std::move(client_tls)) {
    if (server.scheme != Endpoint::Scheme::unix_socket) {
      resolver.emplace(server.host, server.port);
    }
    if (server.scheme == Endpoint::Scheme::https && tls_files == ClientTls{}) {
      system_tls = std::move(*make_tls_context(tls_files));
    }
  }

  std::vector<base::Result<ClientResponse>> send(std::deque<Exchange>& exchanges,
                                                 const base::Deadline& deadline);
  /// None for a unix socket.
  [[nodiscard]] base::Result<SocketAddresses> resolve(const base::Deadline& deadline);
  /// Null without TLS.
  [[nodiscard]] base::Result<TlsContextPointer> tls() const;

  Endpoint server;
  ConnectHints hints;
  ClientTls tls_files;
  std::optional<Resolver> resolver;
  TlsContextPointer system_tls;  ///< where no file is named
};

base::Result<SocketAddresses> Client::Impl::resolve(const base::Deadline& deadline) {
  if (!resolver) {
    return SocketAddresses();
  }
  try {
    return resolver->resolve(deadline);
  } catch (const std::exception& exception) {
    return base::failure(ErrorKind::internal,
                         "the host " + server.host + " cannot be looked up: " + exception.what());
  }
}

base::Result<TlsContextPointer> Client::Impl::tls() const {
  return server.scheme == Endpoint::Scheme::https && !system_tls ? make_tls_context(tls_files)
                                                                 : system_tls;
}

std::vector<base::Result<ClientResponse>> Client::Impl::send(std::deque<Exchange>& exchanges,
                                                             const base::Deadline& deadline) {
  const base::Result<SocketAddresses> addresses = resolve(deadline);
  if (!addresses) {
    return {exchanges.size(), base::failure(addresses.error())};
  }
  const auto tls_context = tls();
  if (!tls_context) {
    return {exchanges.size(), base::failure(tls_context.error())};
  }
  std::string thrown;
  try {
    perform_all({.server = server,
                 .hints = hints,
                 .tls = tls_context->get(),
                 .deadline = deadline,
                 .addresses = *addresses},
                exchanges);
  } catch (const std::exception& exception) {
    thrown = exception.what();
  }
  std::vector<base::Result<ClientResponse>> responses;
  responses.reserve(exchanges.size());
  for (Exchange& exchange : exchanges) {
    responses.push_back(finish(exchange, server, thrown, deadline));
  }
  return responses;
}

Client::Client(Endpoint server, ConnectHints hints, ClientTls tls)
    : impl_(std::make_unique<Impl>(std::move(server), std::move(hints), std::move(tls))) {}

Client::~Client() = default;

base::Result<ClientResponse> Client::send(const ClientRequest& request,
                                          const ResponseLimits& limits,
                                          const base::Deadline& deadline,
                                          const BodyConsumer& consumer) {
  std::deque<Exchange> exchanges;
  exchanges.push_back(make_exchange(request, impl_->server, limits, consumer));
  return std::move(impl_->send(exchanges, deadline).front());
}

std::vector<base::Result<ClientResponse>> Client::send_all(
    const std::vector<ClientRequest>& requests, const ResponseLimits& limits,
    const base::Deadline& deadline) {
  std::deque<Exchange> exchanges;
  for (const ClientRequest& request : requests) {
    exchanges.push_back(make_exchange(request, impl_->server, limits));
  }
  return impl_->send(exchanges, deadline);
}

}  // namespace reeve::http
