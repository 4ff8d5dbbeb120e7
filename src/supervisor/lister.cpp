#include "supervisor/lister.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "supervisor/answers.h"

namespace reeve::supervisor {

using base::Deadline;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::Listing;
using xmlrpc::Call;

namespace {

constexpr base::Duration shard_retry_interval = std::chrono::minutes(1);
constexpr const char* doing_listing = "listing";
constexpr const char* doing_shards = "listing in parts";
/// Below, one answer is as cheap.
constexpr std::size_t min_processes_for_shards = 100;
/// Each is a connection, and a descriptor that supervisord cannot give to a program.
constexpr std::size_t max_shards = 32;
/// An answer has about 1300 bytes for a process and is written 4 KiB at a time.
constexpr double processes_per_piece = 3;

/// The processes [begin, end) of a sorted list.
struct Shard {
  std::size_t begin;
  std::size_t end;
};

std::vector<Shard> shards_of(std::size_t processes) {
  const std::size_t count = shards_for(processes);
  std::vector<Shard> shards;
  for (std::size_t i = 0; i < count; ++i) {
    shards.push_back({processes * i / count, processes * (i + 1) / count});
  }
  return shards;
}

/// Appends a call for each process of the shard; false if a name cannot be addressed.
bool append_info_calls(const std::vector<InstanceName>& names, const Shard& shard,
                       std::vector<Call>& calls) {
  for (std::size_t i = shard.begin; i < shard.end; ++i) {
    auto address = namespec(names[i]);
    if (!address) {
      return false;
    }
    calls.push_back(supervisor_call("getProcessInfo", {*std::move(address)}));
  }
  return true;
}

/// Appends a shard's records; false unless they are those that were asked for, each one whole.
bool append_records(xmlrpc::Value* infos, const std::vector<InstanceName>& names,
                    const Shard& shard, Listing& listing) {
  for (std::size_t i = shard.begin; i < shard.end; ++i, ++infos) {
    auto instance = to_instance(std::move(*infos));
    if (!instance || instance->name != names[i]) {
      return false;
    }
    listing.instances.push_back(*std::move(instance));
  }
  return true;
}

/// The first shard's answer has the results of `calls` in front. Nothing unless every shard was
/// answered with what it asked for.
std::optional<ListingWithResults> list_in_shards(const SupervisordRpc& rpc,
                                                 const std::vector<InstanceName>& names,
                                                 const std::vector<Call>& calls,
                                                 const Deadline& deadline) {
  const std::vector<Shard> shards = shards_of(names.size());
  std::vector<Call> requests;
  for (const Shard& shard : shards) {
    std::vector<Call> batch = requests.empty() ? calls : std::vector<Call>{};
    if (!append_info_calls(names, shard, batch)) {
      return std::nullopt;
    }
    requests.push_back(multicall_of(batch));
  }
  auto answers = rpc.call_parallel(requests, doing_shards, deadline);
  ListingWithResults all;
  all.listing.instances.reserve(names.size());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    xmlrpc::Array* const items = answers[i] ? answers[i]->as_array() : nullptr;
    const std::size_t further = i == 0 ? calls.size() : 0;
    if (items == nullptr || items->size() != further + shards[i].end - shards[i].begin) {
      return std::nullopt;
    }
    if (!append_records(items->data() + further, names, shards[i], all.listing)) {
      return std::nullopt;
    }
    if (further > 0) {
      items->resize(further);
      all.results = *multicall_results(*std::move(answers[i]), further, doing_shards);
    }
  }
  return all;
}

std::vector<Call> all_of(const FurtherCalls& calls) {
  std::vector<Call> all = calls.before;
  all.insert(all.end(), calls.after.begin(), calls.after.end());
  return all;
}

/// What getPID answered, if it was the first of the calls.
std::optional<substrate::Pid> pid_of(const Results& results) {
  const std::int64_t* const number =
      !results.empty() && results.front() ? results.front()->as_integer() : nullptr;
  return number == nullptr ? std::nullopt : std::optional(substrate::Pid{*number});
}

}  // namespace

std::size_t shards_for(std::size_t processes) {
  if (processes < min_processes_for_shards) {
    return 1;
  }
  // supervisord accepts one connection in a turn of its loop, and then needs a turn for each piece
  // of the longest answer: the sum is least where both are equally many.
  const double pieces = static_cast<double>(processes) / processes_per_piece;
  return std::min(max_shards, static_cast<std::size_t>(std::lround(std::sqrt(pieces))));
}

Result<ListingWithResults> Lister::list_with(const FurtherCalls& calls, base::Duration max_name_age,
                                             const Deadline& deadline) {
  const base::SteadyTime now = deadline.clock().steady_now();
  const auto [names, pid] = names_for_shards(max_name_age, now);
  const bool in_shards = names != nullptr && pid && rpc_.has_multicall();
  auto parts = in_shards ? list_in_shards(rpc_, *names, all_of(calls), deadline) : std::nullopt;
  if (parts && pid_of(parts->results) == pid) {
    return *std::move(parts);
  }
  auto all = list_at_once(calls, deadline);
  if (!all && all.error().kind == base::ErrorKind::not_implemented) {
    all = list_one_by_one(calls, deadline);
  }
  if (all && in_shards && !parts) {
    shards_failed(*names, now);
  }
  return all;
}

/// Ends at the first call that does not reach supervisord: so would those after it.
Result<ListingWithResults> Lister::list_one_by_one(const FurtherCalls& calls,
                                                   const Deadline& deadline) {
  Results results;
  for (const Call& call : all_of(calls)) {
    results.push_back(rpc_.call(call, doing_listing, deadline));
    if (!results.back() && !is_answer(results.back().error())) {
      return failure(std::move(results.back().error()));
    }
  }
  observe_pid(pid_of(results));
  return rpc_.list(deadline).map([&](Listing&& listing) {
    return ListingWithResults{.listing = std::move(listing), .results = std::move(results)};
  });
}

Result<ListingWithResults> Lister::list_at_once(const FurtherCalls& calls,
                                                const Deadline& deadline) {
  std::vector<Call> batch = calls.before;
  batch.push_back(supervisor_call("getAllProcessInfo"));
  batch.insert(batch.end(), calls.after.begin(), calls.after.end());
  const Request request = begin_request(deadline.clock());
  auto results = rpc_.multicall_at_once(batch, doing_listing, deadline);
  if (!results) {
    return failure(std::move(results.error()));
  }
  const auto position = results->begin() + static_cast<std::ptrdiff_t>(calls.before.size());
  Result<xmlrpc::Value> infos = std::move(*position);
  results->erase(position);
  if (!infos) {
    return failure(std::move(infos.error()));
  }
  if (infos->as_array() == nullptr) {
    return unexpected_answer(doing_listing);
  }
  ListingWithResults all{.listing = to_listing(std::move(*infos->as_array())),
                         .results = *std::move(results),
                         .of_one_moment = true};
  remember_names(request, all.listing, pid_of(all.results));
  return all;
}

Result<Listing> Lister::list(const Deadline& deadline) {
  const Request request = begin_request(deadline.clock());
  auto listing = rpc_.list(deadline);
  if (listing) {
    remember_names(request, *listing, std::nullopt);
  } else {
    forget_names();
  }
  return listing;
}

Lister::Names Lister::names_for_shards(base::Duration max_name_age, base::SteadyTime now) const {
  return known_.with([&](const Known& known) -> Names {
    const bool usable = known.names != nullptr && shards_for(known.names->size()) > 1 &&
                        now >= known.no_shards_until && now - known.requested_at < max_name_age;
    return {usable ? known.names : nullptr, known.pid};
  });
}

/// Called after a whole listing. That a process had vanished is one reason for the failure. But if
/// all are still there, shards do not work here.
void Lister::shards_failed(const std::vector<InstanceName>& names, base::SteadyTime now) {
  known_.with([&](Known& known) {
    if (known.names != nullptr && *known.names == names) {
      known.no_shards_until = now + shard_retry_interval;
    }
  });
}

Lister::Request Lister::begin_request(const base::Clock& clock) const {
  return {.edition = known_.with([](const Known& known) { return known.edition; }),
          .at = clock.steady_now()};
}

void Lister::remember_names(const Request& request, const Listing& listing,
                            std::optional<substrate::Pid> pid) {
  auto names = std::make_shared<std::vector<InstanceName>>();
  names->reserve(listing.instances.size());
  for (const auto& instance : listing.instances) {
    names->push_back(instance.name);
  }
  known_.with([&](Known& known) {
    known.pid = pid ? pid : known.pid;
    if (known.edition == request.edition) {
      known.names = listing.rejected == 0 ? std::move(names) : nullptr;
      known.requested_at = request.at;
    }
  });
}

void Lister::forget_names() {
  known_.with([](Known& known) {
    known.names = nullptr;
    ++known.edition;
  });
}

void Lister::observe_pid(std::optional<substrate::Pid> pid) {
  const auto [same, other_daemon] = known_.with([&](Known& known) {
    const bool is_same = std::exchange(known.pid, pid) == pid && pid.has_value();
    const auto before = pid ? std::exchange(known.last_daemon, pid) : std::nullopt;
    return std::pair(is_same, before && before != pid);
  });
  if (!same) {
    forget_names();
  }
  if (other_daemon) {
    rpc_.set_has_multicall(true);
  }
}

}  // namespace reeve::supervisor
