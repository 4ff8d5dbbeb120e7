#include "events/relay_server.h"

#include <algorithm>
#include <cerrno>
#include <list>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events/polling.h"
#include "events/relay_protocol.h"
#include "http/listening_socket.h"

namespace reeve::events {
namespace {

constexpr mode_t socket_mode = 0600;
constexpr std::size_t max_connections = 64;
/// Pools whose numbering is remembered; the one without events for longest is forgotten first.
constexpr std::size_t max_pools = 256;
constexpr base::Duration accept_retry_delay = std::chrono::milliseconds(100);

/// The pools that have delivered, most recent first.
class Pools {
 public:
  explicit Pools(Inbox& inbox) : inbox_(&inbox) {}

  void put(const EventSource& source, const RawEvent& event, const ReceiptTime& at) {
    const auto header = parse_header(event.header);
    if (!header) {
      PoolStream(source, *inbox_).put_unreadable(at);
      return;
    }
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const Pool& each) {
      return each.source == source && each.name == header->pool;
    });
    if (found != pools_.end()) {
      pools_.splice(pools_.begin(), pools_, found);
    } else {
      pools_.push_front({source, header->pool, PoolStream(source, *inbox_)});
      pools_.resize(std::min(pools_.size(), max_pools), pools_.front());
    }
    pools_.front().stream.put(*header, event.payload, at);
  }

 private:
  struct Pool {
    EventSource source;
    std::string name;
    PoolStream stream;
  };
  Inbox* inbox_;
  std::list<Pool> pools_;
};

struct RelayConnection {
  base::Descriptor descriptor;
  base::Log log;
  std::optional<EventSource> source;  ///< from its hello
  RelayFrames frames;
};

}  // namespace

struct RelayServer::State {
  State(http::ListeningSocket bound, Inbox& inbox, const base::Clock& time, base::Log sink)
      : listener(std::move(bound)), pools(inbox), clock(time), log(std::move(sink)) {}

  http::ListeningSocket listener;
  Pools pools;
  const base::Clock& clock;
  const base::Log log;
  std::list<RelayConnection> connections;

  /// False if it failed for a reason that lasts: too many open files, for one.
  bool accept() {
    base::Descriptor descriptor(
        ::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!descriptor.valid()) {
      return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
    }
    const auto peer = http::peer_process(descriptor.get());
    const base::Log peer_log = log.with("relay_pid", std::to_string(peer ? peer->pid : 0));
    if (!peer || (peer->uid != 0 && peer->uid != ::geteuid())) {
      peer_log.warning("refused a relay of another user",
                       {{"uid", peer ? std::to_string(peer->uid) : "unknown"}});
    } else if (connections.size() >= max_connections) {
      peer_log.warning("refused a relay: too many are connected");
    } else {
      connections.push_back({std::move(descriptor), peer_log, std::nullopt, {}});
    }
    return true;
  }

  /// False if the connection is to be closed.
  bool serve(RelayConnection& connection) {
    std::string bytes;
    const Transfer transfer = receive_some(connection.descriptor, bytes);
    std::optional<std::uint64_t> last;
    bool greeted = true;
    const auto fed = connection.frames.feed(bytes, [&](RelayFrames::Frame frame) {
      if (Hello* const hello = std::get_if<Hello>(&frame)) {
        connection.source = std::move(hello->source);
        connection.log.info("a relay has connected",
                            {{"supervisor_url", connection.source->server_url}});
        return;
      }
      const auto& event = std::get<RelayedEvent>(frame);
      greeted = greeted && connection.source;
      if (greeted) {
        take(*connection.source, event);
        last = event.number;
      }
    });
    if (!fed || !greeted) {
      connection.log.warning("a relay sent a malformed frame",
                             {{"error", fed ? "an event before the hello" : fed.error().message}});
      return false;
    }
    if (last && send_some(connection.descriptor, encode_acknowledgement(*last)).transfer !=
                    Transfer::done) {
      return false;  // it does not read; it will connect and send again
    }
    if (transfer == Transfer::closed) {
      connection.log.info("a relay has disconnected");
    }
    return transfer != Transfer::closed;
  }

  void take(const EventSource& source, const RelayedEvent& event) {
    pools.put(source, event.event,
              {.steady = clock.steady_now() - event.age, .system = clock.system_now() - event.age});
  }
};

base::Result<std::unique_ptr<RelayServer>> RelayServer::listen(const std::string& path,
                                                               Inbox& inbox,
                                                               const base::Clock& clock,
                                                               base::Log log) {
  auto listener = http::ListeningSocket::open_unix(path, socket_mode);
  if (!listener) {
    return base::failure(listener.error());
  }
  return std::unique_ptr<RelayServer>(
      new RelayServer(std::make_unique<State>(std::move(*listener), inbox, clock, std::move(log))));
}

RelayServer::RelayServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

RelayServer::~RelayServer() = default;

void RelayServer::run(const std::stop_token& stop) {
  const StopEvent stopped(stop);
  while (!stop.stop_requested()) {
    std::vector<pollfd> waited = {{stopped.descriptor(), POLLIN, 0},
                                  {state_->listener.descriptor(), POLLIN, 0}};
    for (const RelayConnection& connection : state_->connections) {
      waited.push_back({connection.descriptor.get(), POLLIN, 0});
    }
    if (::poll(waited.data(), waited.size(), -1) <= 0) {
      continue;
    }
    auto connection = state_->connections.begin();
    for (std::size_t i = 2; i < waited.size(); ++i) {
      const bool keep = waited[i].revents == 0 || state_->serve(*connection);
      connection = keep ? std::next(connection) : state_->connections.erase(connection);
    }
    if (waited[1].revents != 0 && !state_->accept()) {
      (void)state_->clock.wait_until(state_->clock.steady_now() + accept_retry_delay, stop);
    }
  }
  state_->connections.clear();
}

}  // namespace reeve::events
