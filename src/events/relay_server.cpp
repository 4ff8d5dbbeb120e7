#include "events/relay_server.h"

#include <algorithm>
#include <cerrno>
#include <list>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events/intake.h"
#include "events/relay_wire.h"
#include "events/stop_descriptor.h"
#include "events/unix_socket.h"

namespace reeve::events {
namespace {

constexpr std::size_t max_connections = 64;
/// Pools of supervisords whose numbering is remembered; the one unheard for longest goes first.
constexpr std::size_t max_pools = 256;
constexpr base::Duration after_failed_accept = std::chrono::milliseconds(100);

/// The intakes of all pools that have delivered, most recent first.
class Pools {
 public:
  explicit Pools(Inbox& inbox) : inbox_(&inbox) {}

  void put(const Source& source, const RawEvent& event, const Receipt& at) {
    const auto header = parse_header(event.header);
    const std::string pool = header ? header->pool : "";
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const Pool& each) {
      return each.source == source && each.name == pool;
    });
    if (found != pools_.end()) {
      pools_.splice(pools_.begin(), pools_, found);
    } else {
      pools_.push_front({source, pool, Intake(source, *inbox_)});
      pools_.resize(std::min(pools_.size(), max_pools), pools_.front());
    }
    pools_.front().intake.put(event, at);
  }

 private:
  struct Pool {
    Source source;
    std::string name;
    Intake intake;
  };
  Inbox* inbox_;
  std::list<Pool> pools_;
};

struct Connection {
  base::Descriptor descriptor;
  base::Log log;
  std::optional<Source> source;  ///< said at the beginning
  RelayFrames frames;
};

}  // namespace

struct RelayServer::State {
  State(std::string where, base::Descriptor bound, Inbox& inbox, const base::Clock& time,
        base::Log sink)
      : path(std::move(where)),
        listener(std::move(bound)),
        pools(inbox),
        clock(time),
        log(std::move(sink)) {}

  const std::string path;
  base::Descriptor listener;
  Pools pools;
  const base::Clock& clock;
  const base::Log log;
  std::list<Connection> connections;

  /// False if that is not possible just now: too many open files, for one.
  bool accept() {
    base::Descriptor descriptor(
        ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!descriptor.valid()) {
      return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
    }
    const auto peer = peer_of(descriptor);
    const base::Log peer_log = log.with("relay_pid", std::to_string(peer ? peer->pid : 0));
    if (!peer || (peer->uid != 0 && peer->uid != ::geteuid())) {
      peer_log.warning("a process of another user wanted to deliver events: refused",
                       {{"uid", peer ? std::to_string(peer->uid) : "unknown"}});
    } else if (connections.size() >= max_connections) {
      peer_log.warning("too many relays: refused");
    } else {
      connections.push_back({std::move(descriptor), peer_log, std::nullopt, {}});
    }
    return true;
  }

  /// False if the connection is of no use any more.
  bool serve(Connection& connection) {
    std::string bytes;
    const Transfer transfer = receive_some(connection.descriptor, bytes);
    std::optional<std::uint64_t> last;
    bool understood = true;
    const auto fed = connection.frames.feed(bytes, [&](RelayFrames::Frame frame) {
      if (Hello* const hello = std::get_if<Hello>(&frame)) {
        connection.source = std::move(hello->source);
        connection.log.info("a relay delivers events",
                            {{"supervisor_url", connection.source->server_url}});
        return;
      }
      const auto& event = std::get<RelayedEvent>(frame);
      understood = understood && connection.source;
      if (understood) {
        take(*connection.source, event);
        last = event.number;
      }
    });
    if (!fed || !understood) {
      connection.log.warning("a relay is not understood",
                             {{"error", fed ? "no greeting" : fed.error().message}});
      return false;
    }
    if (last && send_some(connection.descriptor, encode_acknowledgement(*last)).transfer !=
                    Transfer::done) {
      return false;  // it does not listen; it will deliver again
    }
    if (transfer == Transfer::closed) {
      connection.log.info("a relay has gone");
    }
    return transfer != Transfer::closed;
  }

  void take(const Source& source, const RelayedEvent& event) {
    pools.put(source, event.event,
              {clock.steady_now() - event.age, clock.system_now() - event.age});
  }
};

base::Result<std::unique_ptr<RelayServer>> RelayServer::listen(const std::string& path,
                                                               Inbox& inbox,
                                                               const base::Clock& clock,
                                                               base::Log log) {
  auto listener = listen_unix(path);
  if (!listener) {
    return base::failure(listener.error());
  }
  return std::unique_ptr<RelayServer>(new RelayServer(
      std::make_unique<State>(path, std::move(*listener), inbox, clock, std::move(log))));
}

RelayServer::RelayServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

RelayServer::~RelayServer() {
  ::unlink(state_->path.c_str());
}

void RelayServer::run(const std::stop_token& stop) {
  const StopDescriptor stopped(stop);
  while (!stop.stop_requested()) {
    std::vector<pollfd> waited = {{stopped.get(), POLLIN, 0}, {state_->listener.get(), POLLIN, 0}};
    for (const Connection& connection : state_->connections) {
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
      (void)state_->clock.wait_until(state_->clock.steady_now() + after_failed_accept, stop);
    }
  }
  state_->connections.clear();
}

}  // namespace reeve::events
