#pragma once

// Who is connected, and who makes room when a listener is full: first the one that has been
// connected longest without a whole request, then the one that has been idle longest after an
// answer; never one that is being answered. Used on the transport's thread alone; closes
// nothing but through Guest.

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace reeve::http {

/// A connection as the table sees it.
class Guest {
 public:
  Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  virtual ~Guest() = default;
  /// Ends the connection soon; it then leaves the table.
  virtual void close() = 0;
  /// Does so after the answer to the request that is under way, if there is one.
  virtual void drain() = 0;
};

class ConnectionTable {
 public:
  enum class Standing { half_open, idle, busy, leaving };

  struct Limits {
    std::size_t connections;
    std::size_t per_address;
  };

  struct Entry {
    Guest* guest;
    std::string address;
    Standing standing;
  };
  using Place = std::list<Entry>::iterator;

  /// What letting somebody in cost.
  enum class Admission { free, evicted, refused };

  explicit ConnectionTable(const Limits& limits) : limits_(limits) {}

  /// Finds room for a connection from `address` (empty: an address does not count), closing
  /// another if need be.
  [[nodiscard]] Admission make_room(const std::string& address);
  [[nodiscard]] Place enter(Guest& guest, const std::string& address);
  void change(Place place, Standing standing);
  void leave(Place place);

  /// Those that hold a place; somebody told to close holds none.
  [[nodiscard]] std::size_t size() const;
  /// Nobody is left, not even on the way out.
  [[nodiscard]] bool empty() const { return size() == 0 && leaving_.empty(); }
  void for_each(const std::function<void(Guest&)>& visit);

 private:
  [[nodiscard]] std::list<Entry>& list_of(Standing standing);
  [[nodiscard]] std::optional<Place> longest_waiting(const std::string& address);
  void release_address(const std::string& address);

  Limits limits_;
  std::list<Entry> half_open_;  ///< each list: longest in it first
  std::list<Entry> idle_;
  std::list<Entry> busy_;
  std::list<Entry> leaving_;
  std::unordered_map<std::string, std::size_t> per_address_;
};

}  // namespace reeve::http
