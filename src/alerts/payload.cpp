#include "alerts/payload.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace reeve::alerts {
namespace {

using nlohmann::json;

/// Alertmanager's, and Grafana's, which has the same members.
constexpr std::array<std::string_view, 2> versions = {"4", "1"};

bool is_fingerprint(std::string_view text) {
  return !text.empty() && text.size() <= max_fingerprint_bytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

/// Handles nlohmann's SAX events. A handler that returns false ends the parsing; problem() then
/// says why.
class Reader final : public json::json_sax_t {
 public:
  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(number_integer_t) override { return scalar(); }
  bool number_unsigned(number_unsigned_t) override { return scalar(); }
  bool number_float(number_float_t, const string_t&) override { return scalar(); }
  bool binary(binary_t&) override { return scalar(); }
  bool string(string_t& text) override { return value(text); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("the body is not JSON: byte " + std::to_string(position));
  }

  [[nodiscard]] std::vector<Alert>& alerts() { return alerts_; }
  /// What is wrong or missing; empty if nothing is.
  [[nodiscard]] std::string problem() const;

 private:
  enum class Level { outside, payload, alerts, alert, labels, skipped };

  struct RequiredMembers {
    bool status = false;
    bool began = false;
    bool fingerprint = false;
  };

  [[nodiscard]] Level level() const { return levels_.empty() ? Level::outside : levels_.back(); }
  bool enter(Level next);
  bool refuse(std::string problem);
  /// The alert is malformed; the parsing goes on. Always true.
  bool mark_alert(std::string problem);
  bool mark_label(const std::string& problem);
  bool scalar();
  bool value(std::string& text);
  bool take_member(std::string& text);
  bool take_label(std::string& text);
  bool finish_alert();

  std::vector<Level> levels_;
  std::string key_;
  std::vector<Alert> alerts_;
  RequiredMembers members_;
  bool has_alerts_ = false;
  bool has_version_ = false;
  std::string problem_;
};

bool Reader::refuse(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool Reader::mark_alert(std::string problem) {
  std::string& first = alerts_.back().problem;
  if (first.empty()) {
    first = std::move(problem);
  }
  return true;
}

bool Reader::mark_label(const std::string& problem) {
  constexpr std::size_t shown = 64;
  return mark_alert("the label '" + key_.substr(0, shown) + "' " + problem);
}

bool Reader::enter(Level next) {
  levels_.push_back(next);
  return levels_.size() <= max_payload_depth || refuse("the body is nested too deeply");
}

bool Reader::start_object(std::size_t) {
  switch (level()) {
    case Level::outside:
      return enter(Level::payload);
    case Level::alerts:
      alerts_.emplace_back();
      members_ = {};
      return alerts_.size() <= max_alerts
                 ? enter(Level::alert)
                 : refuse("more than " + std::to_string(max_alerts) +
                          " alerts: set max_alerts in Alertmanager's webhook_config");
    case Level::alert:
      return enter(key_ == "labels" ? Level::labels : Level::skipped);
    case Level::labels:
      return mark_label("is no text") && enter(Level::skipped);
    case Level::payload:
      return key_ == "alerts" ? refuse("'alerts' is no list") : enter(Level::skipped);
    case Level::skipped:
      break;
  }
  return enter(Level::skipped);
}

bool Reader::end_object() {
  const Level ended = level();
  levels_.pop_back();
  return ended != Level::alert || finish_alert();
}

bool Reader::start_array(std::size_t) {
  switch (level()) {
    case Level::outside:
      return refuse("the body is JSON but not an object");
    case Level::payload:
      if (key_ == "alerts") {
        return std::exchange(has_alerts_, true) ? refuse("'alerts' is given twice")
                                                : enter(Level::alerts);
      }
      break;
    case Level::alerts:
      return scalar();
    case Level::labels:
      return scalar() && enter(Level::skipped);
    case Level::alert:
    case Level::skipped:
      break;
  }
  return enter(Level::skipped);
}

bool Reader::end_array() {
  levels_.pop_back();
  return true;
}

/// A value that is neither an object nor a string, where one of them may be required.
bool Reader::scalar() {
  switch (level()) {
    case Level::outside:
      return refuse("the body is JSON but not an object");
    case Level::payload:
      return key_ != "alerts" || refuse("'alerts' is no list");
    case Level::alerts:
      return refuse("alerts[" + std::to_string(alerts_.size()) + "] is no object");
    case Level::labels:
      return mark_label("is no text");
    case Level::alert:
    case Level::skipped:
      break;
  }
  return true;  // finish_alert() reports the required member as missing
}

bool Reader::value(std::string& text) {
  switch (level()) {
    case Level::payload:
      if (key_ == "version") {
        has_version_ = std::find(versions.begin(), versions.end(), text) != versions.end();
        return has_version_ || refuse("version '" + text.substr(0, 20) +
                                      "' is not known: expected \"4\", Alertmanager's, or \"1\","
                                      " Grafana's");
      }
      break;
    case Level::alert:
      return take_member(text);
    case Level::labels:
      return take_label(text);
    case Level::outside:
    case Level::alerts:
    case Level::skipped:
      break;
  }
  return scalar();
}

bool Reader::take_member(std::string& text) {
  Alert& alert = alerts_.back();
  if (key_ == "status") {
    members_.status = text == "firing" || text == "resolved";
    alert.status = text == "resolved" ? AlertStatus::resolved : AlertStatus::firing;
    return members_.status || mark_alert("its status is neither firing nor resolved");
  }
  if (key_ == "startsAt") {
    const auto began = base::parse_rfc3339(text);
    members_.began = began.has_value();
    alert.began = began.value_or(base::SystemTime());
    return members_.began || mark_alert("its startsAt is no time like 2024-02-29T12:00:00Z");
  }
  if (key_ == "endsAt") {
    alert.ended = base::parse_rfc3339(text);  // while it fires: the year 1, which is no time here
    return true;
  }
  if (key_ == "fingerprint") {
    members_.fingerprint = is_fingerprint(text);
    alert.fingerprint = members_.fingerprint ? std::move(text) : "";
    return members_.fingerprint || mark_alert("its fingerprint is empty, too long or not ASCII");
  }
  return true;
}

bool Reader::take_label(std::string& text) {
  if (key_.size() > max_label_bytes || text.size() > max_label_bytes) {
    return mark_alert("a label is longer than " + std::to_string(max_label_bytes) + " bytes");
  }
  Labels& labels = alerts_.back().labels;
  if (labels.size() == max_labels) {
    return mark_alert("more than " + std::to_string(max_labels) + " labels");
  }
  return labels.emplace(key_, std::move(text)).second || mark_label("is given twice");
}

bool Reader::finish_alert() {
  return !members_.status        ? mark_alert("it has no status")
         : !members_.began       ? mark_alert("it has no startsAt")
         : !members_.fingerprint ? mark_alert("it has no fingerprint")
                                 : true;
}

std::string Reader::problem() const {
  return !problem_.empty() ? problem_
         : !has_version_   ? "'version' is missing: this is no webhook of Alertmanager"
         : !has_alerts_    ? "'alerts' is missing"
                           : "";
}

}  // namespace

std::string_view to_string(AlertStatus status) {
  return status == AlertStatus::firing ? "firing" : "resolved";
}

std::string Alert::name() const {
  const auto found = labels.find("alertname");
  return found == labels.end() ? "" : found->second;
}

base::Result<std::vector<Alert>> parse_payload(std::string_view text) {
  if (text.size() > max_payload_bytes) {
    return base::failure(base::ErrorKind::malformed,
                         "the body is longer than " + std::to_string(max_payload_bytes) + " bytes");
  }
  Reader reader;
  const bool read = json::sax_parse(text, &reader);
  const std::string problem = reader.problem();
  if (!read || !problem.empty()) {
    return base::failure(base::ErrorKind::malformed,
                         problem.empty() ? "the body is not JSON" : problem);
  }
  return std::move(reader.alerts());
}

}  // namespace reeve::alerts
