#include "http/connection_table.h"

#include <algorithm>

namespace reeve::http {

ConnectionTable::Admission ConnectionTable::make_room(const std::string& address) {
  const auto count = per_address_.find(address);
  const bool address_full =
      !address.empty() && count != per_address_.end() && count->second >= limits_.per_address;
  if (!address_full && size() < limits_.connections) {
    return Admission::free;
  }
  const auto victim = longest_waiting(address_full ? address : std::string());
  if (!victim) {
    return Admission::refused;
  }
  change(*victim, Standing::leaving);
  (*victim)->guest->close();
  return Admission::evicted;
}

ConnectionTable::Place ConnectionTable::enter(Guest& guest, const std::string& address) {
  ++per_address_[address];
  return half_open_.insert(half_open_.end(), Entry{&guest, address, Standing::half_open});
}

void ConnectionTable::change(Place place, Standing standing) {
  if (place->standing == Standing::leaving || place->standing == standing) {
    return;
  }
  std::list<Entry>& to = list_of(standing);
  to.splice(to.end(), list_of(place->standing), place);
  place->standing = standing;
  if (standing == Standing::leaving) {
    release_address(place->address);
  }
}

void ConnectionTable::leave(Place place) {
  change(place, Standing::leaving);
  leaving_.erase(place);
}

std::size_t ConnectionTable::size() const {
  return half_open_.size() + idle_.size() + busy_.size();
}

void ConnectionTable::for_each(const std::function<void(Guest&)>& visit) {
  for (std::list<Entry>* list : {&half_open_, &idle_, &busy_, &leaving_}) {
    for (Entry& entry : *list) {
      visit(*entry.guest);
    }
  }
}

std::list<ConnectionTable::Entry>& ConnectionTable::list_of(Standing standing) {
  switch (standing) {
    case Standing::half_open:
      return half_open_;
    case Standing::idle:
      return idle_;
    case Standing::busy:
      return busy_;
    case Standing::leaving:
      break;
  }
  return leaving_;
}

std::optional<ConnectionTable::Place> ConnectionTable::longest_waiting(const std::string& address) {
  for (std::list<Entry>* list : {&half_open_, &idle_}) {
    const auto found = std::find_if(list->begin(), list->end(), [&](const Entry& entry) {
      return address.empty() || entry.address == address;
    });
    if (found != list->end()) {
      return found;
    }
  }
  return std::nullopt;
}

void ConnectionTable::release_address(const std::string& address) {
  const auto count = per_address_.find(address);
  if (--count->second == 0) {
    per_address_.erase(count);
  }
}

}  // namespace reeve::http
