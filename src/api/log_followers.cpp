#include "api/log_followers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "reeve/base/deadline.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;

/// Until the client leaves.
constexpr base::Duration as_long_as_it_takes = 24h * 365;
/// A log that grows faster than its reader reads waits for him in supervisord, but not for ever.
constexpr base::Duration patience_with_reader = 10s;

/// What was read of the log, and what the tail that came later has beyond it. Too much may have
/// been written between the two; then they have nothing in common.
std::string joined(const std::string& seen, std::string_view tail) {
  std::size_t common = std::min(seen.size(), tail.size());
  while (!seen.ends_with(tail.substr(0, common))) {
    --common;
  }
  return seen + std::string(tail.substr(common));
}

void follow(const FollowedLog& log, const base::Deadline& deadline) {
  std::uint64_t skip = log.skip;
  const auto pass_on = [&](std::string_view bytes) {
    const std::size_t skipped = std::min<std::uint64_t>(skip, bytes.size());
    skip -= skipped;
    bytes.remove_prefix(skipped);
    return bytes.empty() || log.writer.write(bytes, patience_with_reader);
  };
  std::string tail;
  bool is_joined = log.seen.empty();
  const auto join = [&](std::string_view bytes) {
    if (is_joined) {
      return pass_on(bytes);
    }
    tail += bytes;
    is_joined = tail.size() >= log.seen.size();
    return !is_joined || pass_on(joined(log.seen, tail));
  };
  // Whatever ends it, the client sees an end: the answer began long ago.
  (void)log.logs->follow_log(log.name, log.stream, join, deadline);
  if (!is_joined) {
    (void)pass_on(joined(log.seen, tail));
  }
  log.writer.end();
}

}  // namespace

struct LogFollowers::Follower {
  std::atomic<bool> done = false;
  std::jthread thread;  // last: it ends before what it uses
};

LogFollowers::LogFollowers(const base::Clock& clock) : clock_(clock) {}

LogFollowers::~LogFollowers() {
  auto ending = followers_.with([](auto& followers) { return std::exchange(followers, {}); });
  for (const auto& follower : ending) {
    follower->thread.request_stop();
  }
}

bool LogFollowers::start(const FollowedLog& log) {
  std::stop_source ending(std::nostopstate);
  followers_.with([&](auto& followers) {
    // Joining these takes no time: their threads have nothing more to do.
    followers.remove_if([](const auto& follower) { return follower->done.load(); });
    if (followers.size() >= max_followers) {
      return;
    }
    auto follower = std::make_unique<Follower>();
    follower->thread =
        std::jthread([this, log, done = &follower->done](const std::stop_token& stop) {
          follow(log, base::Deadline::after(clock_, as_long_as_it_takes, stop));
          *done = true;
        });
    ending = follower->thread.get_stop_source();
    followers.push_back(std::move(follower));
  });
  if (ending.stop_possible()) {
    log.writer.on_disconnect([ending]() mutable { ending.request_stop(); });
  }
  return ending.stop_possible();
}

}  // namespace reeve::api
