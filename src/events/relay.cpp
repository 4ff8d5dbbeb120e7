#include "events/relay.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "events/polling.h"
#include "http/listening_socket.h"
#include "procfs/proc_fs.h"

namespace reeve::events {

using base::Descriptor;
using base::Duration;
using base::ErrorKind;
using base::failure;
using base::parse_number;
using base::Result;
using base::SteadyTime;

namespace {

constexpr std::size_t max_line = 128;
constexpr std::size_t max_source_bytes = 4096;
constexpr std::uint64_t protocol_version = 1;
constexpr std::uint64_t oldest_age = std::uint64_t{24} * 3600 * 1'000'000;

std::string frame(std::string_view kind, const std::array<std::uint64_t, 2>& numbers,
                  const std::array<std::string_view, 2>& parts) {
  std::string text(kind);
  for (const std::uint64_t number :
       {numbers[0], numbers[1], std::uint64_t{parts[0].size()}, std::uint64_t{parts[1].size()}}) {
    text += ' ';
    text += std::to_string(number);
  }
  text += '\n';
  text += parts[0];
  text += parts[1];
  return text;
}

tl::unexpected<base::Error> malformed_frame(std::string_view line) {
  return failure(ErrorKind::malformed, "not the protocol of a relay and its agent: '" +
                                           base::to_utf8(line.substr(0, max_line)) + "'");
}

/// A frame's first line.
struct FrameLine {
  bool hello = false;
  std::array<std::uint64_t, 4> numbers{};
};

Result<FrameLine> parse_frame_line(std::string_view line) {
  std::string_view rest = line;
  const auto word = [&rest] {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view found = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return found;
  };
  FrameLine frame_line;
  const std::string_view kind = word();
  frame_line.hello = kind == "hello";
  bool valid = frame_line.hello || kind == "event";
  for (std::uint64_t& number : frame_line.numbers) {
    const auto parsed = parse_number<std::uint64_t>(word());
    valid = valid && parsed;
    number = parsed.value_or(0);
  }
  valid = valid && rest.empty() &&
          frame_line.numbers[2] <= (frame_line.hello ? max_source_bytes : max_header_bytes) &&
          frame_line.numbers[3] <= (frame_line.hello ? max_source_bytes : max_payload_kept) &&
          (!frame_line.hello || frame_line.numbers[0] == protocol_version);
  return valid ? Result<FrameLine>(frame_line) : malformed_frame(line);
}

tl::unexpected<base::Error> socket_failure(const std::string& doing, int error_number) {
  ErrorKind kind = ErrorKind::unreachable;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    kind = ErrorKind::denied;
  } else if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM) {
    kind = ErrorKind::internal;
  }
  return failure(kind, doing + ": " + std::generic_category().message(error_number));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return failure(ErrorKind::invalid_argument,
                   "'" + path + "' cannot be the path of a socket: it must have 1 to " +
                       std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor new_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

std::string encode(const Hello& hello) {
  return frame("hello", {protocol_version, hello.lost},
               {hello.source.server_url, hello.source.daemon});
}

std::string encode(const RelayedEvent& event) {
  const auto age = static_cast<std::uint64_t>(std::max<std::int64_t>(event.age.count(), 0));
  return frame("event", {event.number, age}, {event.event.header, event.event.payload});
}

std::string encode_acknowledgement(std::uint64_t number) {
  return "ack " + std::to_string(number) + "\n";
}

Result<void> RelayFrames::feed(std::string_view bytes, const std::function<void(Frame)>& sink) {
  buffer_ += bytes;
  std::string_view rest = buffer_;
  for (;;) {
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos && rest.size() <= max_line) {
      break;
    }
    if (newline == std::string_view::npos) {
      return malformed_frame(rest);
    }
    const auto frame_line = parse_frame_line(rest.substr(0, newline));
    if (!frame_line) {
      return failure(frame_line.error());
    }
    const auto [first, second, first_bytes, second_bytes] = frame_line->numbers;
    const std::string_view parts = rest.substr(newline + 1);
    if (parts.size() < first_bytes + second_bytes) {
      break;
    }
    std::string first_part(parts.substr(0, first_bytes));
    std::string second_part(parts.substr(first_bytes, second_bytes));
    rest = parts.substr(first_bytes + second_bytes);
    if (frame_line->hello) {
      sink(Hello{{std::move(first_part), std::move(second_part)}, second});
    } else {
      const std::chrono::microseconds age(std::min(second, oldest_age));
      sink(RelayedEvent{first, age, {std::move(first_part), std::move(second_part)}});
    }
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return {};
}

Result<std::optional<std::uint64_t>> Acknowledgements::feed(std::string_view bytes) {
  std::optional<std::uint64_t> highest;
  buffer_ += bytes;
  std::string_view rest = buffer_;
  for (std::size_t newline = rest.find('\n'); newline != std::string_view::npos;
       newline = rest.find('\n')) {
    const std::string_view line = rest.substr(0, newline);
    const auto number =
        line.starts_with("ack ") ? parse_number<std::uint64_t>(line.substr(4)) : std::nullopt;
    if (!number) {
      return malformed_frame(line);
    }
    highest = std::max(highest.value_or(0), *number);
    rest.remove_prefix(newline + 1);
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return buffer_.size() > max_line ? Result<std::optional<std::uint64_t>>(malformed_frame(buffer_))
                                   : highest;
}

Result<Descriptor> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) {
    return failure(address.error());
  }
  Descriptor connection = new_socket();
  if (!connection.valid()) {
    return socket_failure("cannot make a socket", errno);
  }
  if (::connect(connection.get(), generic(*address), sizeof *address) == 0) {
    return connection;
  }
  if (errno == ENOENT) {
    return failure(ErrorKind::socket_missing, "there is no socket " + path);
  }
  if (errno == EPROTOTYPE) {
    return failure(ErrorKind::conflict, path + " is another kind of socket");
  }
  if (errno == EAGAIN) {
    return failure(ErrorKind::timeout, "the listener on " + path + " is busy");
  }
  return socket_failure("cannot connect to " + path, errno);
}

Sent send_some(const Descriptor& connection, std::string_view bytes) {
  Sent sent;
  while (sent.bytes < bytes.size()) {
    const std::string_view rest = bytes.substr(sent.bytes);
    const ssize_t written = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      sent.transfer = errno == EAGAIN ? Transfer::would_block : Transfer::closed;
      return sent;
    }
    sent.bytes += static_cast<std::size_t>(written);
  }
  return sent;
}

Transfer receive_some(const Descriptor& connection, std::string& into) {
  into.resize(std::size_t{64} * 1024);
  const ssize_t got = ::recv(connection.get(), into.data(), into.size(), 0);
  into.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (got > 0) {
    return Transfer::done;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Transfer::would_block : Transfer::closed;
}

namespace {

/// Until supervisord closes the input, a stop, or an error of the listener.
Result<void> relay(Listener& listener, RelayClient& client, const base::Clock& clock,
                   const std::stop_token& stop) {
  const auto consumer = [&](const EventHeader&, RawEvent event) {
    client.enqueue(std::move(event));
  };
  const StopEvent stopped(stop);
  if (auto ready = listener.send_ready(); !ready) {
    return ready;
  }
  while (!stop.stop_requested()) {
    client.connect_and_send();
    std::array waited = {pollfd{stopped.descriptor(), POLLIN, 0},
                         pollfd{listener.input(), POLLIN, 0}, client.poll_request()};
    const WaitUntil until = earlier(listener.wait_until(), client.next_attempt());
    ::poll(waited.data(), waited.size(), poll_timeout(until, clock.steady_now()));
    if ((waited[2].revents & ~POLLOUT) != 0) {
      client.receive();
    }
    const auto input = listener.handle(waited[1].revents != 0, consumer);
    if (!input || *input == Listener::Input::closed) {
      return input.map([](Listener::Input) {});
    }
  }
  return {};
}

/// Sends the rest of the buffer, for at most `span`.
void drain(RelayClient& client, const base::Clock& clock, Duration span) {
  const SteadyTime end = clock.steady_now() + span;
  while (!client.all_acknowledged() && clock.steady_now() < end) {
    client.connect_and_send();
    pollfd waited = client.poll_request();
    const SteadyTime until = std::min(end, client.next_attempt().value_or(end));
    ::poll(&waited, 1, poll_timeout(until, clock.steady_now()));
    if ((waited.revents & ~POLLOUT) != 0) {
      client.receive();
    }
  }
}

constexpr base::Duration first_retry_delay = std::chrono::milliseconds(50);
constexpr base::Duration longest_retry_delay = std::chrono::seconds(2);
constexpr std::size_t max_outgoing = std::size_t{64} * 1024;

std::size_t size_of(const RawEvent& event) {
  constexpr std::size_t overhead = 128;  // the queue's own
  return event.header.size() + event.payload.size() + overhead;
}

}  // namespace

void RelayBuffer::put(RawEvent event, base::SteadyTime at) {
  bytes_ += size_of(event);
  entries_.push_back({{++last_number_, {}, std::move(event)}, at});
  while (bytes_ > max_bytes_) {
    drop_oldest();
    ++dropped_;
    ++lost_;
  }
}

const RelayedEvent* RelayBuffer::next(base::SteadyTime now) {
  if (all_sent()) {
    return nullptr;
  }
  Entry& next = entries_[sent_++];
  next.event.age = std::chrono::duration_cast<std::chrono::microseconds>(now - next.at);
  return &next.event;
}

void RelayBuffer::acknowledge(std::uint64_t number) {
  while (!entries_.empty() && entries_.front().event.number <= number) {
    drop_oldest();
    lost_ = 0;  // the agent that has it has seen that others are missing
  }
}

void RelayBuffer::drop_oldest() {
  bytes_ -= size_of(entries_.front().event.event);
  entries_.pop_front();
  sent_ -= std::min<std::size_t>(sent_, 1);
}

RelayClient::RelayClient(const EventSource& source, const RelayOptions& options,
                         const base::Clock& clock, base::Log log)
    : source_(source),
      socket_(options.socket),
      clock_(&clock),
      log_(std::move(log)),
      buffer_(options.buffer_bytes),
      next_attempt_(clock.steady_now()),
      retry_delay_(first_retry_delay) {}

void RelayClient::enqueue(RawEvent event) {
  const bool reported = buffer_.dropped() > reported_drops_;
  buffer_.put(std::move(event), clock_->steady_now());
  if (!reported && buffer_.dropped() > reported_drops_) {
    log_.warning("the buffer is full: the oldest events are dropped", {{"socket", socket_}});
  }
}

void RelayClient::connect_and_send() {
  if (!connection_.valid() && clock_->steady_now() >= next_attempt_) {
    connect();
  }
  if (connection_.valid()) {
    send();
  }
}

void RelayClient::receive() {
  if (!read_acknowledgements()) {
    disconnect();
  }
}

bool RelayClient::read_acknowledgements() {
  std::string bytes;
  Transfer transfer = Transfer::done;
  while (transfer == Transfer::done) {
    transfer = receive_some(connection_, bytes);
    const auto acknowledged = acknowledgements_.feed(bytes);
    if (!acknowledged) {
      log_.warning("the agent sent a malformed acknowledgement",
                   {{"error", acknowledged.error().message}});
      return false;
    }
    if (*acknowledged) {
      buffer_.acknowledge(**acknowledged);
      note_success();
    }
  }
  return transfer != Transfer::closed;
}

pollfd RelayClient::poll_request() const {
  const bool to_send = !outgoing_.empty() || !buffer_.all_sent();
  return {connection_.get(), static_cast<short>(to_send ? POLLIN | POLLOUT : POLLIN), 0};
}

WaitUntil RelayClient::next_attempt() const {
  return connection_.valid() ? std::nullopt : WaitUntil(next_attempt_);
}

void RelayClient::connect() {
  auto connection = connect_unix(socket_);
  if (!connection) {
    schedule_retry(connection.error().message);
    return;
  }
  connection_ = std::move(*connection);
  outgoing_ = encode(Hello{source_, buffer_.lost()});
}

void RelayClient::note_success() {
  retry_delay_ = first_retry_delay;
  reported_unreachable_ = false;
  if (!std::exchange(reported_success_, true)) {
    reported_drops_ = buffer_.dropped();
    log_.info("delivering events to the agent",
              {{"socket", socket_}, {"dropped", std::to_string(reported_drops_)}});
  }
}

void RelayClient::send() {
  while (outgoing_.size() < max_outgoing) {
    const RelayedEvent* const event = buffer_.next(clock_->steady_now());
    if (event == nullptr) {
      break;
    }
    outgoing_ += encode(*event);
  }
  const Sent sent = send_some(connection_, outgoing_);
  outgoing_.erase(0, sent.bytes);
  if (sent.transfer == Transfer::closed) {
    (void)read_acknowledgements();  // the last ones, so that those events are not sent again
    disconnect();
  }
}

void RelayClient::disconnect() {
  connection_.reset();
  outgoing_.clear();
  acknowledgements_ = {};
  buffer_.rewind();
  schedule_retry("it closed the connection");
}

void RelayClient::schedule_retry(const std::string& reason) {
  reported_success_ = false;
  if (!std::exchange(reported_unreachable_, true)) {
    log_.warning("cannot deliver events to the agent, buffering them",
                 {{"socket", socket_}, {"reason", reason}});
  }
  next_attempt_ = clock_->steady_now() + retry_delay_;
  retry_delay_ = std::min(2 * retry_delay_, longest_retry_delay);
}

EventSource source_of_listener(std::string server_url) {
  const pid_t parent = ::getppid();
  // The start, in ticks since boot, distinguishes two daemons with the same pid.
  const auto stat = procfs::read_stat({parent});
  const std::string start = stat ? std::to_string(stat->start) : "";
  return {.server_url = std::move(server_url), .daemon = std::to_string(parent) + "." + start};
}

Result<void> relay_events(Streams streams, const EventSource& source, const RelayOptions& options,
                          const base::Clock& clock, const base::Log& log,
                          const std::stop_token& stop) {
  Listener listener(std::move(streams), clock);
  RelayClient client(source, options, clock, log);
  auto result = relay(listener, client, clock, stop);
  drain(client, clock, options.drain);
  return result;
}

namespace {

constexpr mode_t socket_mode = 0600;
constexpr std::size_t max_connections = 64;
/// Pools whose numbering is remembered; the one without events for longest is forgotten first.
constexpr std::size_t max_pools = 256;
constexpr base::Duration accept_retry_delay = std::chrono::milliseconds(100);
constexpr int full_inbox_pause_ms = 10;

/// The pools that have delivered, most recent first.
class Pools {
 public:
  explicit Pools(Inbox& inbox) : inbox_(&inbox) {}

  /// `lost`: events before it, if the pool is new.
  void put(const EventSource& source, const RawEvent& event, std::uint64_t lost,
           const ReceiptTime& at) {
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
    if (found == pools_.end() && lost > 0) {
      pools_.front().stream.put_lost(lost, at);
    }
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
  std::optional<Hello> hello;
  RelayFrames frames;
};

}  // namespace

struct RelayServer::State {
  State(http::ListeningSocket bound, Inbox& target, const base::Clock& time, base::Log sink)
      : listener(std::move(bound)),
        inbox(target),
        pools(target),
        clock(time),
        log(std::move(sink)) {}

  http::ListeningSocket listener;
  const Inbox& inbox;
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
        connection.hello = std::move(*hello);
        connection.log.info("a relay has connected",
                            {{"supervisor_url", connection.hello->source.server_url},
                             {"lost", std::to_string(connection.hello->lost)}});
        return;
      }
      const auto& event = std::get<RelayedEvent>(frame);
      greeted = greeted && connection.hello;
      if (greeted) {
        take(*connection.hello, event);
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

  void take(const Hello& hello, const RelayedEvent& event) {
    pools.put(hello.source, event.event, hello.lost,
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
    const bool reads = state_->inbox.has_room();
    for (const RelayConnection& connection : state_->connections) {
      waited.push_back({reads ? connection.descriptor.get() : -1, POLLIN, 0});
    }
    const int forever = -1;
    if (::poll(waited.data(), waited.size(), reads ? forever : full_inbox_pause_ms) <= 0) {
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
