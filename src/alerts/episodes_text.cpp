// Episodes as they lie in the state directory: JSON. When an alert was last told of is not
// written, for it changes with each post: after a restart all count as told of just now.

#include <nlohmann/json.hpp>

#include "alerts/episodes.h"

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
    episode.fired = now;
    for (const std::string& operation : *operations) {
      episode.attempts.push_back({operation, false});
    }
  }
  return episodes;
}

}  // namespace reeve::alerts
