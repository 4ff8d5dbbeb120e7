#pragma once

// What the connections of one listener share: the table of connections with its limits, the worker
// pool, the handler, the counters. Made and destroyed by the server; used on the transport's
// thread, except where a class says otherwise.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/guarded.h"
#include "base/log.h"
#include "http/message.h"
#include "http/options.h"
#include "http/stats.h"
#include "http/worker_pool.h"

namespace reeve::http {

class TlsContext;

/// A connection as the table sees it.
class ManagedConnection {
 public:
  ManagedConnection() = default;
  ManagedConnection(const ManagedConnection&) = delete;
  ManagedConnection& operator=(const ManagedConnection&) = delete;
  virtual ~ManagedConnection() = default;
  /// Closes the connection soon; it then leaves the table.
  virtual void close() = 0;
  /// The same, but after the response to a request in progress.
  virtual void drain() = 0;
  /// The listener's certificates are replaced: drains the connection unless they would accept its
  /// client too.
  virtual void recheck_client(const TlsContext&) {}
};

/// The open connections, and which of them is closed for a new one when a limit is reached: one of
/// the address that has most. Of these one whose client waits for a response and has ended its
/// side, as who left has; else the one connected longest without a complete request, those last
/// whose TLS handshake has begun; else the one whose client has taken nothing of its response for
/// longest, the one idle longest, or the one that waits longest. Never one whose handler is at
/// work, or that was not read from yet.
class ConnectionTable {
 public:
  enum class Phase {
    accepted,  ///< not read from yet: its request, or its ClientHello, may be waiting
    reading,
    handshaking,  ///< its ClientHello was answered
    sending,
    idle,
    answering,    ///< its handler is at work
    waiting,      ///< for a response that comes later
    half_closed,  ///< the same, and its client has ended its side
    closing,
  };

  struct Limits {
    std::size_t connections;
    std::size_t per_address;
  };

  /// An address, and how many connections it has.
  using Site = std::pair<const std::string, std::size_t>;
  struct Entry {
    ManagedConnection* connection;
    Site* site;
    Phase phase;
  };
  using Position = std::list<Entry>::iterator;

  struct Free {
    friend bool operator==(const Free&, const Free&) = default;
  };
  /// There was room, or another connection was closed to make it, or there is none.
  using Room = std::variant<Free, EvictionCause, RejectionCause>;

  explicit ConnectionTable(const Limits& limits) : limits_(limits) {}

  /// Makes room for a connection from `address` (empty: no limit per address).
  [[nodiscard]] Room make_room(const std::string& address);
  /// Whether so many wait for being read from that no other should be accepted before.
  [[nodiscard]] bool is_behind() const;
  /// Whether its address has many connections.
  [[nodiscard]] static bool is_in_crowd(Position position);
  /// Closes a connection, limit or not; nothing if none may be closed.
  [[nodiscard]] std::optional<EvictionCause> evict();
  [[nodiscard]] Position add(ManagedConnection& connection, const std::string& address);
  void change(Position position, Phase phase);
  /// The client has taken some of its response.
  void note_progress(Position position);
  void remove(Position position);

  /// Without those that are closing.
  [[nodiscard]] std::size_t size() const;
  /// With those that are closing.
  [[nodiscard]] bool empty() const { return size() == 0 && closing_.empty(); }
  void for_each(const std::function<void(ManagedConnection&)>& visit);

 private:
  [[nodiscard]] std::list<Entry>& list_of(Phase phase);
  /// Among the connections of `site`; null: of the site that has most.
  [[nodiscard]] std::optional<EvictionCause> evict_from(const Site* site);

  Limits limits_;
  std::list<Entry> accepted_;  ///< each list: longest in it first
  std::list<Entry> reading_;
  std::list<Entry> handshaking_;
  std::list<Entry> sending_;  ///< longest without progress first
  std::list<Entry> idle_;
  std::list<Entry> answering_;
  std::list<Entry> waiting_;
  std::list<Entry> half_closed_;
  std::list<Entry> closing_;
  std::unordered_map<std::string, std::size_t> sites_;
};

/// The bytes of bodies that a listener holds, bounded over all its connections. An owner has at
/// most half of them, and the last quarter is for owners that hold less than an eighth: none keeps
/// another from sending one body. From any thread.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t limit) : limit_(limit) {}

  /// What one request uses of it, given back when this is destroyed. The budget must outlive it.
  class Share {
   public:
    /// `owner`: empty: bounded by the budget alone.
    Share(BodyBudget& budget, std::string owner) : budget_(budget), owner_(std::move(owner)) {}
    ~Share() { (void)resize(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    /// False if the budget has not so much.
    [[nodiscard]] bool resize(std::size_t bytes);

   private:
    BodyBudget& budget_;
    const std::string owner_;
    std::size_t bytes_ = 0;
  };

 private:
  struct Used {
    std::size_t all = 0;
    std::unordered_map<std::string, std::size_t> by_owner = {};
  };

  /// Whether an owner may hold so much, and all together.
  [[nodiscard]] bool allows(std::size_t own, std::size_t all) const;

  const std::size_t limit_;
  base::Guarded<Used> used_;
};

struct ListenerState {
  ListenerState(const ListenerOptions& settings, Handler handle, HeadCheck check, base::Log logger);

  /// The handler's response; a 500 and one line in the log if it throws. From any thread.
  [[nodiscard]] Response respond(const Request& request) const;
  /// What the head check says of a request whose body is not read yet; likewise.
  [[nodiscard]] HeadResult check(const Request& head) const;
  /// The same for any function that makes a response.
  [[nodiscard]] Response guard(const std::function<Response()>& make) const;
  void remove(ConnectionTable::Position position);
  void count(EvictionCause cause) { ++evicted.at(static_cast<std::size_t>(cause)); }
  void count(RejectionCause cause) { ++rejected.at(static_cast<std::size_t>(cause)); }

  const ListenerOptions options;
  const Handler handler;
  const HeadCheck head_check;  ///< may be null
  const base::Log log;
  /// Shared with the callbacks of a DeferredResponse, which may outlive the server.
  std::shared_ptr<boost::asio::io_context> io;
  ConnectionTable table;
  BodyBudget bodies;
  boost::asio::steady_timer drain_timer;  ///< closes the connections that a drain waits for
  bool draining = false;
  std::optional<WorkerPool> workers;  ///< none: the handler runs on the transport's thread

  std::atomic<std::uint64_t> accepted{0};
  std::array<std::atomic<std::uint64_t>, all_rejection_causes.size()> rejected{};
  std::array<std::atomic<std::uint64_t>, all_eviction_causes.size()> evicted{};
  std::atomic<std::uint64_t> open{0};

  /// For bytes that nothing reads.
  std::array<char, std::size_t{16} * 1024> scratch{};
};

}  // namespace reeve::http
