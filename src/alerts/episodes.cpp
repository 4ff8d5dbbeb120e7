#include "alerts/episodes.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace reeve::alerts {
namespace {

using nlohmann::json;

constexpr int version = 1;

std::optional<std::string> text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return std::nullopt;
  }
  return found->get<std::string>();
}

/// The texts of a list; nothing if it is no list of texts.
std::optional<std::vector<std::string>> texts_of(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const json& each : *found) {
    if (!each.is_string()) {
      return std::nullopt;
    }
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

std::optional<EpisodeKey> key_of(const json& object) {
  if (!object.is_object()) {
    return std::nullopt;
  }
  const auto rule = text_of(object, "rule");
  const auto fingerprint = text_of(object, "fingerprint");
  const auto supervisor = text_of(object, "supervisor");
  const auto group = text_of(object, "group");
  const auto name = text_of(object, "name");
  if (!rule || !fingerprint || !supervisor || !group || !name) {
    return std::nullopt;
  }
  return EpisodeKey{*rule, *fingerprint, {*supervisor, {*group, *name}}};
}

json to_json(const EpisodeKey& key, const Episode& episode) {
  json operations = json::array();
  for (const Attempt& attempt : episode.attempts) {
    operations.push_back(attempt.operation);
  }
  return {{"rule", key.rule},
          {"fingerprint", key.fingerprint},
          {"supervisor", key.target.supervisor},
          {"group", key.target.name.group},
          {"name", key.target.name.name},
          {"operations", std::move(operations)}};
}

}  // namespace

bool has_acted(const control::Operation& operation) {
  using control::OperationStep;
  return std::any_of(operation.steps.begin(), operation.steps.end(), [](const auto& step) {
    return step.step == OperationStep::stop_requested ||
           step.step == OperationStep::start_requested ||
           step.step == OperationStep::signal_requested;
  });
}

Episodes::Reservation Episodes::reserve(const EpisodeKey& key,
                                        const AttemptConditions& conditions) {
  Episode& episode = episodes_[key];
  episode.last_fired = conditions.now;
  const auto& attempts = episode.attempts;
  const std::string last = attempts.empty() ? "" : attempts.back().operation;
  const bool waits = episode.reserved ||
                     (!attempts.empty() && (!attempts.back().finished || conditions.cools_down));
  if (waits) {
    return {.outcome = Outcome::duplicate, .attempts = attempts.size(), .last_operation = last};
  }
  if (attempts.size() >= conditions.max_attempts) {
    return {.outcome = Outcome::exhausted, .attempts = attempts.size(), .last_operation = last};
  }
  episode.reserved = true;
  return {.outcome = Outcome::reserved, .attempts = attempts.size(), .last_operation = last};
}

void Episodes::confirm(const EpisodeKey& key, const std::string& operation) {
  const auto found = episodes_.find(key);
  if (found == episodes_.end()) {  // another request has resolved the alert meanwhile
    remember_closed(operation);
    return;
  }
  found->second.reserved = false;
  found->second.attempts.push_back({.operation = operation, .finished = operation.empty()});
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

std::vector<std::string> Episodes::unfinished_operations() const {
  std::vector<std::string> operations;
  for (const auto& [key, episode] : episodes_) {
    for (const Attempt& attempt : episode.attempts) {
      if (!attempt.finished) {
        operations.push_back(attempt.operation);
      }
    }
  }
  return operations;
}

void Episodes::finish_attempt(const std::string& operation, bool acted) {
  for (auto episode = episodes_.begin(); episode != episodes_.end(); ++episode) {
    auto& attempts = episode->second.attempts;
    const auto found = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
      return !attempt.finished && attempt.operation == operation;
    });
    if (found == attempts.end()) {
      continue;
    }
    found->finished = true;
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
    return;  // a dry run's
  }
  closed_.push_back(operation);
  if (closed_.size() > max_closed) {
    closed_.pop_front();
  }
}

void Episodes::close(const std::string& rule, const std::string& fingerprint,
                     const std::function<bool(const guards::Target&)>& may_act_on) {
  auto episode = episodes_.lower_bound({rule, fingerprint, {}});
  while (episode != episodes_.end() && episode->first.rule == rule &&
         episode->first.fingerprint == fingerprint) {
    episode = may_act_on(episode->first.target) ? end_episode(episode) : std::next(episode);
  }
}

void Episodes::expire(base::SteadyTime now, base::Duration ttl) {
  for (auto episode = episodes_.begin(); episode != episodes_.end();) {
    const bool expired = !episode->second.reserved && now - episode->second.last_fired > ttl;
    episode = expired ? end_episode(episode) : std::next(episode);
  }
}

bool Episodes::contains_operation(const std::string& operation) const {
  const auto holds = [&](const auto& each) {
    const auto& attempts = each.second.attempts;
    return std::any_of(attempts.begin(), attempts.end(),
                       [&](const Attempt& attempt) { return attempt.operation == operation; });
  };
  return std::find(closed_.begin(), closed_.end(), operation) != closed_.end() ||
         std::any_of(episodes_.begin(), episodes_.end(), holds);
}

void Episodes::add_journalled(const control::Operation& operation, base::SteadyTime now) {
  const auto& trigger = operation.command.trigger;
  const bool was_none = operation.done() && !has_acted(operation);
  if (!trigger || was_none || contains_operation(operation.id)) {
    return;
  }
  Episode& episode = episodes_[{trigger->rule, trigger->fingerprint, operation.command.target}];
  episode.last_fired = now;
  episode.attempts.push_back({.operation = operation.id, .finished = false});
}

void Episodes::clear() {
  *this = Episodes();
}

std::string Episodes::text() const {
  json list = json::array();
  for (const auto& [key, episode] : episodes_) {
    if (!episode.attempts.empty()) {
      list.push_back(to_json(key, episode));
    }
  }
  const json whole = {{"version", version}, {"episodes", std::move(list)}, {"closed", closed_}};
  return whole.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::optional<Episodes> Episodes::parse(std::string_view text, base::SteadyTime now) {
  const json whole = json::parse(text, nullptr, false);
  if (!whole.is_object() || whole.value("version", json()) != json(version)) {
    return std::nullopt;
  }
  const auto list = whole.find("episodes");
  const auto closed = texts_of(whole, "closed");
  if (list == whole.end() || !list->is_array() || !closed) {
    return std::nullopt;
  }
  Episodes episodes;
  episodes.closed_.assign(closed->begin(), closed->end());
  for (const json& each : *list) {
    const auto key = key_of(each);
    const auto operations = key ? texts_of(each, "operations") : std::nullopt;
    if (!operations) {
      return std::nullopt;
    }
    Episode& episode = episodes.episodes_[*key];
    episode.last_fired = now;
    for (const std::string& operation : *operations) {
      episode.attempts.push_back({.operation = operation, .finished = false});
    }
  }
  return episodes;
}

}  // namespace reeve::alerts
