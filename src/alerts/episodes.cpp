#include "alerts/episodes.h"

#include <algorithm>
#include <utility>

namespace reeve::alerts {

bool has_acted(const control::Operation& operation) {
  using control::Step;
  return std::any_of(operation.steps.begin(), operation.steps.end(), [](const auto& step) {
    return step.step == Step::stop_requested || step.step == Step::start_requested ||
           step.step == Step::signal_requested;
  });
}

bool Episodes::is_stale(const EpisodeKey& key, base::SystemTime began) const {
  const auto found = resolved_.find({key.rule, key.fingerprint});
  return found != resolved_.end() && began <= found->second;
}

Episodes::Reply Episodes::reserve(const EpisodeKey& key, const Terms& terms) {
  if (is_stale(key, terms.began)) {
    return {Standing::stale, 0, ""};
  }
  Episode& episode = episodes_[key];
  episode.fired = terms.now;
  const auto& attempts = episode.attempts;
  const std::string last = attempts.empty() ? "" : attempts.back().operation;
  const bool waits =
      episode.reserved || (!attempts.empty() && (!attempts.back().over || terms.cools_down));
  if (waits) {
    return {Standing::duplicate, attempts.size(), last};
  }
  if (attempts.size() >= terms.max_attempts) {
    return {Standing::exhausted, attempts.size(), last};
  }
  episode.reserved = true;
  return {Standing::reserved, attempts.size(), last};
}

void Episodes::confirm(const EpisodeKey& key, const std::string& operation) {
  const auto found = episodes_.find(key);
  if (found == episodes_.end()) {  // another post told meanwhile that the alert is resolved
    remember_closed(operation);
    return;
  }
  found->second.reserved = false;
  found->second.attempts.push_back({operation, operation.empty()});
}

void Episodes::release(const EpisodeKey& key) {
  const auto found = episodes_.find(key);
  if (found == episodes_.end()) {
    return;
  }
  found->second.reserved = false;
  if (found->second.attempts.empty()) {
    episodes_.erase(found);
  }
}

std::vector<std::string> Episodes::under_way() const {
  std::vector<std::string> operations;
  for (const auto& [key, episode] : episodes_) {
    for (const Attempt& attempt : episode.attempts) {
      if (!attempt.over) {
        operations.push_back(attempt.operation);
      }
    }
  }
  return operations;
}

void Episodes::settle(const std::string& operation, bool acted) {
  for (auto episode = episodes_.begin(); episode != episodes_.end(); ++episode) {
    auto& attempts = episode->second.attempts;
    const auto found = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
      return !attempt.over && attempt.operation == operation;
    });
    if (found == attempts.end()) {
      continue;
    }
    found->over = true;
    if (!acted) {
      attempts.erase(found);
    }
    if (attempts.empty() && !episode->second.reserved) {
      episodes_.erase(episode);
    }
    return;
  }
}

Episodes::Map::iterator Episodes::end_episode(Map::iterator episode) {
  for (const Attempt& attempt : episode->second.attempts) {
    remember_closed(attempt.operation);
  }
  return episodes_.erase(episode);
}

void Episodes::remember_closed(const std::string& operation) {
  if (operation.empty()) {
    return;  // a rehearsal's
  }
  closed_.push_back(operation);
  if (closed_.size() > max_closed) {
    closed_.pop_front();
  }
}

void Episodes::close(const std::string& rule, const std::string& fingerprint,
                     base::SystemTime ended) {
  const auto [known, is_new] = resolved_.try_emplace({rule, fingerprint}, ended);
  known->second = std::max(known->second, ended);
  if (is_new) {
    resolved_order_.push_back(known->first);
  }
  if (resolved_order_.size() > max_resolved) {
    resolved_.erase(resolved_order_.front());
    resolved_order_.pop_front();
  }
  auto episode = episodes_.lower_bound({rule, fingerprint, {}});
  while (episode != episodes_.end() && episode->first.rule == rule &&
         episode->first.fingerprint == fingerprint) {
    episode = end_episode(episode);
  }
}

void Episodes::expire(base::SteadyTime now, base::Duration ttl) {
  for (auto episode = episodes_.begin(); episode != episodes_.end();) {
    const bool over = !episode->second.reserved && now - episode->second.fired > ttl;
    episode = over ? end_episode(episode) : std::next(episode);
  }
}

bool Episodes::knows(const std::string& operation) const {
  const auto holds = [&](const auto& each) {
    const auto& attempts = each.second.attempts;
    return std::any_of(attempts.begin(), attempts.end(),
                       [&](const Attempt& attempt) { return attempt.operation == operation; });
  };
  return std::find(closed_.begin(), closed_.end(), operation) != closed_.end() ||
         std::any_of(episodes_.begin(), episodes_.end(), holds);
}

void Episodes::adopt(const control::Operation& operation, base::SteadyTime now) {
  const auto& trigger = operation.command.trigger;
  const bool was_none = operation.done() && !has_acted(operation);
  if (!trigger || was_none || knows(operation.id)) {
    return;
  }
  Episode& episode = episodes_[{trigger->rule, trigger->fingerprint, operation.command.target}];
  episode.fired = now;
  episode.attempts.push_back({operation.id, false});
}

void Episodes::clear() {
  *this = Episodes();
}

}  // namespace reeve::alerts
