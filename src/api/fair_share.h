#pragma once

// How a bounded number of places is shared among principals, so that no token can keep all others
// out.

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"

namespace reeve::api {

struct PlaceCount {
  std::size_t total;
  std::size_t taken;  ///< by all principals
  std::size_t own;    ///< of these, by the one that asks
};

/// The places of one principal: half of all.
[[nodiscard]] constexpr std::size_t share_of(std::size_t total) {
  return total > 1 ? total / 2 : total;
}

/// Whether the one that asks may take another place. The last quarter is for principals that have
/// none.
[[nodiscard]] constexpr bool may_take_place(const PlaceCount& places) {
  const std::size_t kept_back = places.own == 0 ? 0 : places.total / 4;
  return places.own < share_of(places.total) && places.taken + kept_back < places.total;
}

/// For the responses that wait for the end of an operation (`?wait=`): each holds a connection for
/// minutes. Thread-safe; a place may outlive this.
class WaitPlaces {
 public:
  static constexpr std::size_t max_waiting = 128;

  /// Taken until the last handle is destroyed.
  class Place;

  /// Null if this principal may not take another.
  [[nodiscard]] std::shared_ptr<const Place> take(const std::string& principal);

 private:
  struct Taken {
    std::size_t all = 0;
    std::map<std::string, std::size_t> by_principal = {};
  };

  std::shared_ptr<base::Guarded<Taken>> taken_ = std::make_shared<base::Guarded<Taken>>();
};

}  // namespace reeve::api
