#include "http/listener_state.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace reeve::http {
namespace {

// More at a time would delay those that are being served.
constexpr std::size_t max_unread = 64;

}  // namespace

bool ConnectionTable::is_in_crowd(Position position) {
  constexpr std::size_t crowd = 16;
  return position->site != nullptr && position->site->second > crowd;
}

bool ConnectionTable::is_behind() const {
  const std::size_t limit = std::min(limits_.connections, limits_.per_address);
  return accepted_.size() >= std::clamp<std::size_t>(limit / 2, 1, max_unread);
}

ConnectionTable::Room ConnectionTable::make_room(const std::string& address) {
  const auto site = address.empty() ? sites_.end() : sites_.find(address);
  const bool address_full = site != sites_.end() && site->second >= limits_.per_address;
  if (!address_full && size() < limits_.connections) {
    return Free();
  }
  if (const auto evicted = evict_from(address_full ? &*site : nullptr)) {
    return *evicted;
  }
  return address_full ? RejectionCause::address : RejectionCause::connections;
}

std::optional<EvictionCause> ConnectionTable::evict() {
  return evict_from(nullptr);
}

ConnectionTable::Position ConnectionTable::add(ManagedConnection& connection,
                                               const std::string& address) {
  Site& site = *sites_.try_emplace(address).first;
  ++site.second;
  return accepted_.insert(accepted_.end(), Entry{&connection, &site, Phase::accepted});
}

void ConnectionTable::change(Position position, Phase phase) {
  if (position->phase == Phase::closing || position->phase == phase) {
    return;
  }
  std::list<Entry>& to = list_of(phase);
  to.splice(to.end(), list_of(position->phase), position);
  position->phase = phase;
  if (phase == Phase::closing) {
    if (--position->site->second == 0) {
      sites_.erase(position->site->first);
    }
    position->site = nullptr;  // the last of its address erases it
  }
}

void ConnectionTable::note_progress(Position position) {
  std::list<Entry>& same = list_of(position->phase);
  same.splice(same.end(), same, position);
}

void ConnectionTable::remove(Position position) {
  change(position, Phase::closing);
  closing_.erase(position);
}

std::size_t ConnectionTable::size() const {
  return accepted_.size() + reading_.size() + handshaking_.size() + sending_.size() + idle_.size() +
         answering_.size() + waiting_.size() + half_closed_.size();
}

void ConnectionTable::for_each(const std::function<void(ManagedConnection&)>& visit) {
  for (std::list<Entry>* list : {&accepted_, &reading_, &handshaking_, &sending_, &idle_,
                                 &answering_, &waiting_, &half_closed_, &closing_}) {
    for (Entry& entry : *list) {
      visit(*entry.connection);
    }
  }
}

std::list<ConnectionTable::Entry>& ConnectionTable::list_of(Phase phase) {
  switch (phase) {
    case Phase::accepted:
      return accepted_;
    case Phase::reading:
      return reading_;
    case Phase::handshaking:
      return handshaking_;
    case Phase::sending:
      return sending_;
    case Phase::idle:
      return idle_;
    case Phase::answering:
      return answering_;
    case Phase::waiting:
      return waiting_;
    case Phase::half_closed:
      return half_closed_;
    case Phase::closing:
      break;
  }
  return closing_;
}

std::optional<EvictionCause> ConnectionTable::evict_from(const Site* site) {
  using Candidates = std::pair<std::list<Entry>*, EvictionCause>;
  std::optional<Position> chosen;
  EvictionCause cause{};
  for (const auto& [list, its_cause] :
       {Candidates(&half_closed_, EvictionCause::waiting),
        Candidates(&reading_, EvictionCause::no_request),
        Candidates(&handshaking_, EvictionCause::no_request),
        Candidates(&sending_, EvictionCause::not_read), Candidates(&idle_, EvictionCause::idle),
        Candidates(&waiting_, EvictionCause::waiting)}) {
    for (auto entry = list->begin(); entry != list->end(); ++entry) {
      if ((site == nullptr || entry->site == site) &&
          (!chosen || entry->site->second > (*chosen)->site->second)) {
        chosen = entry;
        cause = its_cause;
      }
    }
  }
  if (!chosen) {
    return std::nullopt;
  }
  change(*chosen, Phase::closing);
  (*chosen)->connection->close();
  return cause;
}

bool BodyBudget::Share::resize(std::size_t bytes) {
  const bool is_allowed = budget_.used_.with([&](Used& used) {
    const auto place = used.by_owner.try_emplace(owner_, 0).first;
    const std::size_t own = place->second - bytes_ + bytes;
    const std::size_t all = used.all - bytes_ + bytes;
    const bool may = bytes <= bytes_ || budget_.allows(owner_.empty() ? 0 : own, all);
    if (may) {
      place->second = own;
      used.all = all;
    }
    if (place->second == 0) {
      used.by_owner.erase(place);
    }
    return may;
  });
  bytes_ = is_allowed ? bytes : bytes_;
  return is_allowed;
}

bool BodyBudget::allows(std::size_t own, std::size_t all) const {
  const std::size_t kept_back = own <= limit_ / 8 ? 0 : limit_ / 4;
  return own <= limit_ / 2 && all <= limit_ - kept_back;
}

ListenerState::ListenerState(const ListenerOptions& settings, Handler handle, HeadCheck check,
                             base::Log logger)
    : options(settings),
      handler(std::move(handle)),
      head_check(std::move(check)),
      log(std::move(logger)),
      io(std::make_shared<boost::asio::io_context>(1)),
      table({settings.max_connections, settings.max_connections_per_address}),
      bodies(settings.max_body_bytes_in_all),
      drain_timer(*io) {}

Response ListenerState::respond(const Request& request) const {
  return guard([&] { return handler(request); });
}

HeadResult ListenerState::check(const Request& head) const {
  HeadResult result;
  if (head_check) {
    bool returned = false;
    Response failure = guard([&] {
      result = head_check(head);
      returned = true;
      return Response();
    });
    if (!returned) {
      result.refusal = std::move(failure);
    }
  }
  return result;
}

Response ListenerState::guard(const std::function<Response()>& make) const {
  std::string what = "an unknown exception";
  try {
    return make();
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
  }
  log.error("a request failed inside the agent", {{"reason", what}});
  return plain_error(500, "the agent's log has the reason");
}

void ListenerState::remove(ConnectionTable::Position position) {
  table.remove(position);
  --open;
  if (draining && table.empty()) {
    drain_timer.cancel();
  }
}

}  // namespace reeve::http
