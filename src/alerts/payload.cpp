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

/// Alertmanager's and, with the same members, Grafana's.
constexpr std::array<std::string_view, 2> versions = {"4", "1"};

bool is_fingerprint(std::string_view text) {
  return !text.empty() && text.size() <= max_fingerprint_bytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

/// Takes the events of the parser as they come. Any handler that answers false ends the parsing;
/// problem() then says why.
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
  /// What is wrong, also with what is missing; empty if nothing is.
  [[nodiscard]] std::string problem() const;

 private:
  enum class Place { outside, payload, alerts, alert, labels, skipped };

  struct Seen {
    bool status = false;
    bool began = false;
    bool fingerprint = false;
  };

  [[nodiscard]] Place place() const { return places_.empty() ? Place::outside : places_.back(); }
  bool enter(Place next);
  bool refuse(std::string problem);
  bool refuse_alert(const std::string& problem);
  bool refuse_label(const std::string& problem);
  bool scalar();
  bool value(std::string& text);
  bool take(std::string& text);
  bool take_label(std::string& text);
  bool finish_alert();

  std::vector<Place> places_;
  std::string key_;
  std::vector<Alert> alerts_;
  Seen seen_;
  bool has_alerts_ = false;
  bool has_version_ = false;
  std::string problem_;
};

bool Reader::refuse(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool Reader::refuse_alert(const std::string& problem) {
  return refuse("alerts[" + std::to_string(alerts_.size() - 1) + "]: " + problem);
}

bool Reader::refuse_label(const std::string& problem) {
  constexpr std::size_t shown = 64;
  return refuse_alert("the label '" + key_.substr(0, shown) + "' " + problem);
}

bool Reader::enter(Place next) {
  places_.push_back(next);
  return places_.size() <= max_payload_depth || refuse("the body is nested too deeply");
}

bool Reader::start_object(std::size_t) {
  switch (place()) {
    case Place::outside:
      return enter(Place::payload);
    case Place::alerts:
      alerts_.emplace_back();
      seen_ = {};
      return alerts_.size() <= max_alerts
                 ? enter(Place::alert)
                 : refuse("more than " + std::to_string(max_alerts) +
                          " alerts: set max_alerts in Alertmanager's webhook_config");
    case Place::alert:
      return enter(key_ == "labels" ? Place::labels : Place::skipped);
    case Place::labels:
      return refuse_label("is no text");
    case Place::payload:
      return key_ == "alerts" ? refuse("'alerts' is no list") : enter(Place::skipped);
    case Place::skipped:
      break;
  }
  return enter(Place::skipped);
}

bool Reader::end_object() {
  const Place ended = place();
  places_.pop_back();
  return ended != Place::alert || finish_alert();
}

bool Reader::start_array(std::size_t) {
  switch (place()) {
    case Place::outside:
      return refuse("the body is JSON but not an object");
    case Place::payload:
      if (key_ == "alerts") {
        return std::exchange(has_alerts_, true) ? refuse("'alerts' is given twice")
                                                : enter(Place::alerts);
      }
      break;
    case Place::alerts:
    case Place::labels:
      return scalar();
    case Place::alert:
    case Place::skipped:
      break;
  }
  return enter(Place::skipped);
}

bool Reader::end_array() {
  places_.pop_back();
  return true;
}

/// Anything but an object and a text, where one of them may be wanted.
bool Reader::scalar() {
  switch (place()) {
    case Place::outside:
      return refuse("the body is JSON but not an object");
    case Place::payload:
      return key_ != "alerts" || refuse("'alerts' is no list");
    case Place::alerts:
      return refuse("alerts[" + std::to_string(alerts_.size()) + "] is no object");
    case Place::labels:
      return refuse_label("is no text");
    case Place::alert:
    case Place::skipped:
      break;
  }
  return true;  // what is wanted of an alert is missing then
}

bool Reader::value(std::string& text) {
  switch (place()) {
    case Place::payload:
      if (key_ == "version") {
        has_version_ = std::find(versions.begin(), versions.end(), text) != versions.end();
        return has_version_ || refuse("version '" + text.substr(0, 20) +
                                      "' is not known: expected \"4\", Alertmanager's, or \"1\","
                                      " Grafana's");
      }
      break;
    case Place::alert:
      return take(text);
    case Place::labels:
      return take_label(text);
    case Place::outside:
    case Place::alerts:
    case Place::skipped:
      break;
  }
  return scalar();
}

bool Reader::take(std::string& text) {
  Alert& alert = alerts_.back();
  if (key_ == "status") {
    seen_.status = text == "firing" || text == "resolved";
    alert.status = text == "resolved" ? AlertStatus::resolved : AlertStatus::firing;
    return seen_.status || refuse_alert("its status is neither firing nor resolved");
  }
  if (key_ == "startsAt") {
    const auto began = base::parse_rfc3339(text);
    seen_.began = began.has_value();
    alert.began = began.value_or(base::SystemTime());
    return seen_.began || refuse_alert("its startsAt is no time like 2024-02-29T12:00:00Z");
  }
  if (key_ == "endsAt") {
    alert.ended = base::parse_rfc3339(text);  // while it fires: the year 1, which is none
    return true;
  }
  if (key_ == "fingerprint") {
    seen_.fingerprint = is_fingerprint(text);
    alert.fingerprint = std::move(text);
    return seen_.fingerprint || refuse_alert("its fingerprint is empty, too long or not ASCII");
  }
  return true;
}

bool Reader::take_label(std::string& text) {
  if (key_.size() > max_label_bytes || text.size() > max_label_bytes) {
    return refuse_alert("a label is longer than " + std::to_string(max_label_bytes) + " bytes");
  }
  Labels& labels = alerts_.back().labels;
  if (!labels.emplace(key_, std::move(text)).second) {
    return refuse_label("is given twice");
  }
  return labels.size() <= max_labels ||
         refuse_alert("more than " + std::to_string(max_labels) + " labels");
}

bool Reader::finish_alert() {
  return !seen_.status        ? refuse_alert("it has no status")
         : !seen_.began       ? refuse_alert("it has no startsAt")
         : !seen_.fingerprint ? refuse_alert("it has no fingerprint")
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
