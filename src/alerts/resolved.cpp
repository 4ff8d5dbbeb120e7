#include "alerts/resolved.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "records/json_reader.h"

namespace reeve::alerts {

namespace {

constexpr int resolved_version = 1;

}  // namespace

bool ResolvedAlerts::add(const Key& key, base::SystemTime ended) {
  const auto [known, is_new] = ended_.try_emplace(key, ended);
  if (!is_new) {
    return ended > std::exchange(known->second, std::max(known->second, ended));
  }
  auto& of_sender = order_[key.sender];
  of_sender.push_back(key);
  if (of_sender.size() > max_alerts_of_sender) {
    forget_oldest(key.sender);
  } else if (ended_.size() > max_alerts) {
    forget_oldest(std::max_element(order_.begin(), order_.end(), [](const auto& a, const auto& b) {
                    return a.second.size() < b.second.size();
                  })->first);
  }
  return true;
}

void ResolvedAlerts::forget_oldest(const std::string& sender) {
  const auto of_sender = order_.find(sender);
  ended_.erase(of_sender->second.front());
  of_sender->second.pop_front();
  if (of_sender->second.empty()) {
    order_.erase(of_sender);
  }
}

bool ResolvedAlerts::is_resolved(
    std::string_view rule, std::string_view fingerprint, base::SystemTime began,
    const std::function<bool(const std::string& sender)>& speaks_for_it) const {
  auto each = ended_.lower_bound({std::string(rule), std::string(fingerprint), ""});
  for (; each != ended_.end() && each->first.rule == rule && each->first.fingerprint == fingerprint;
       ++each) {
    if (began <= each->second && speaks_for_it(each->first.sender)) {
      return true;
    }
  }
  return false;
}

std::string ResolvedAlerts::text() const {
  records::Json list = records::Json::array();
  for (const auto& [sender, keys] : order_) {
    for (const Key& key : keys) {
      list.push_back({{"rule", records::text_to_json(key.rule)},
                      {"fingerprint", records::text_to_json(key.fingerprint)},
                      {"sender", records::text_to_json(sender)},
                      {"ended", ended_.at(key).time_since_epoch().count()}});
    }
  }
  return records::to_line({{"version", resolved_version}, {"alerts", std::move(list)}}) + '\n';
}

std::optional<ResolvedAlerts> ResolvedAlerts::parse(std::string_view text, base::SystemTime now) {
  ResolvedAlerts resolved;
  const bool whole = records::read_object(text, [&](records::JsonReader& reader) {
    int its_version = 0;
    reader.number("version", its_version);
    if (its_version != resolved_version) {
      reader.fail();
    }
    reader.each_object("alerts", [&](records::JsonReader& alert) {
      Key key;
      base::SystemTime ended;
      alert.text("rule", key.rule);
      alert.text("fingerprint", key.fingerprint);
      alert.text("sender", key.sender);
      alert.time("ended", ended);
      if (!alert.has("ended")) {
        alert.fail();
        return;
      }
      (void)resolved.add(key, std::min(ended, now));
    });
  });
  return whole ? std::optional(std::move(resolved)) : std::nullopt;
}

}  // namespace reeve::alerts
