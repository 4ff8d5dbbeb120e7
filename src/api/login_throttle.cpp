#include "api/login_throttle.h"

#include <algorithm>

namespace reeve::api {
namespace {

constexpr std::chrono::minutes window{1};

}  // namespace

std::optional<std::chrono::seconds> LoginThrottle::wait_for(const std::string& peer) const {
  const base::SteadyTime now = clock_->steady_now();
  return peers_.with([&](const auto& peers) -> std::optional<std::chrono::seconds> {
    const auto found = peers.find(peer);
    if (found == peers.end() || found->second.count < max_failures ||
        now - found->second.since >= window) {
      return std::nullopt;
    }
    return std::chrono::ceil<std::chrono::seconds>(found->second.since + window - now);
  });
}

int LoginThrottle::failed(const std::string& peer) {
  const base::SteadyTime now = clock_->steady_now();
  return peers_.with([&](auto& peers) {
    Failures& failures = peers[peer];
    if (failures.count == 0 || now - failures.since >= window) {
      failures = {now, 0};
    }
    const int count = ++failures.count;
    if (peers.size() > max_peers) {
      peers.erase(std::min_element(peers.begin(), peers.end(), [](const auto& a, const auto& b) {
        return a.second.since < b.second.since;
      }));
    }
    return count;
  });
}

}  // namespace reeve::api
