#include "supervisor/lister.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "supervisor/records.h"

namespace reeve::supervisor {

using base::Deadline;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::Listing;
using xmlrpc::Call;

namespace {

constexpr base::Duration between_futile_attempts = std::chrono::minutes(1);
constexpr const char* doing = "listing in parts";
/// Below, one answer is as cheap.
constexpr std::size_t fewest_processes = 100;
/// Each is a connection, and a descriptor that supervisord cannot give to a program.
constexpr std::size_t most_shards = 32;
/// An answer has about 1300 bytes for a process and is written 4 KiB at a time.
constexpr double processes_per_piece = 3;

/// The processes [begin, end) of a sorted list.
struct Shard {
  std::size_t begin;
  std::size_t end;
};

std::vector<Shard> cut(std::size_t processes, std::size_t shards) {
  std::vector<Shard> cut;
  for (std::size_t i = 0; i < shards; ++i) {
    cut.push_back({processes * i / shards, processes * (i + 1) / shards});
  }
  return cut;
}

/// Nothing if a name cannot be addressed.
std::optional<Call> looks_at(const std::vector<InstanceName>& names, const Shard& shard) {
  std::vector<Call> looks;
  for (std::size_t i = shard.begin; i < shard.end; ++i) {
    const auto address = namespec(names[i]);
    if (!address) {
      return std::nullopt;
    }
    looks.push_back(supervisor_call("getProcessInfo", {*address}));
  }
  return multicall_of(looks);
}

/// Adds a shard's records; false unless they are those asked for, each one whole.
bool add_records(const xmlrpc::Value& answer, const std::vector<InstanceName>& names,
                 const Shard& shard, Listing& listing) {
  const xmlrpc::Array* const infos = answer.as_array();
  if (infos == nullptr || infos->size() != shard.end - shard.begin) {
    return false;
  }
  for (std::size_t i = 0; i < infos->size(); ++i) {
    auto instance = to_instance(infos->at(i));
    if (!instance || instance->name != names[shard.begin + i]) {
      return false;
    }
    listing.instances.push_back(std::move(*instance));
  }
  return true;
}

/// Nothing unless every shard was answered with what it asked for.
std::optional<Listing> list_in_shards(const Peer& peer, const std::vector<InstanceName>& names,
                                      const Deadline& deadline) {
  const std::vector<Shard> shards = cut(names.size(), shards_for(names.size()));
  std::vector<Call> calls;
  for (const Shard& shard : shards) {
    auto call = looks_at(names, shard);
    if (!call) {
      return std::nullopt;
    }
    calls.push_back(std::move(*call));
  }
  const auto answers = peer.call_parallel(calls, doing, deadline);
  Listing listing;
  listing.instances.reserve(names.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (!answers[i] || !add_records(*answers[i], names, shards[i], listing)) {
      return std::nullopt;
    }
  }
  return listing;
}

}  // namespace

std::size_t shards_for(std::size_t processes) {
  if (processes < fewest_processes) {
    return 1;
  }
  // supervisord takes one connection in a turn of its loop, and then needs a turn for each piece
  // of the longest answer: the sum is least where both are equally many.
  const double pieces = static_cast<double>(processes) / processes_per_piece;
  return std::min(most_shards, static_cast<std::size_t>(std::lround(std::sqrt(pieces))));
}

Result<Listing> Lister::relist(base::Duration names_age, const Deadline& deadline) {
  const Known known = known_.copy();
  const base::SteadyTime now = deadline.clock().steady_now();
  if (known.names == nullptr || shards_for(known.names->size()) == 1 || now < known.shards_from ||
      now - known.asked.at >= names_age) {
    return list(deadline);
  }
  if (auto listing = list_in_shards(peer_, *known.names, deadline)) {
    return *std::move(listing);
  }
  auto listing = list(deadline);
  known_.with([&](Known& after) {
    // That a process vanished is one reason. But if all are still there, shards do not work here.
    if (listing && after.names != nullptr && *after.names == *known.names) {
      after.shards_from = now + between_futile_attempts;
    }
  });
  return listing;
}

Result<Listing> Lister::list(const Deadline& deadline) {
  const Asked asked = ask(deadline.clock());
  auto listing = peer_.list(deadline);
  if (listing) {
    learn(asked, *listing);
  } else {
    forget();
  }
  return listing;
}

Lister::Asked Lister::ask(const base::Clock& clock) const {
  return {known_.with([](const Known& known) { return known.asked.edition; }), clock.steady_now()};
}

void Lister::learn(const Asked& asked, const Listing& listing) {
  auto names = std::make_shared<std::vector<InstanceName>>();
  for (const auto& instance : listing.instances) {
    names->push_back(instance.name);
  }
  known_.with([&](Known& known) {
    if (known.asked.edition == asked.edition) {
      known.names = listing.rejected == 0 ? std::move(names) : nullptr;
      known.asked = asked;
    }
  });
}

void Lister::forget() {
  known_.with([](Known& known) {
    known.names = nullptr;
    ++known.asked.edition;
  });
}

void Lister::heard_from(std::optional<substrate::Pid> pid) {
  const bool same = known_.with(
      [&](Known& known) { return std::exchange(known.pid, pid) == pid && pid.has_value(); });
  if (!same) {
    forget();
  }
}

}  // namespace reeve::supervisor
