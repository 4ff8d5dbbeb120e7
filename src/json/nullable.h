#pragma once

// How what is known or not known becomes a JSON value: null where it is not known. For whoever
// builds JSON himself.

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "reeve/substrate/instance.h"

namespace reeve::json {

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

inline nlohmann::ordered_json or_null(const std::optional<substrate::Pid>& pid) {
  return pid ? nlohmann::ordered_json(pid->value) : nlohmann::ordered_json();
}

inline nlohmann::ordered_json or_null(const std::optional<substrate::ManagerTime>& time) {
  return time ? nlohmann::ordered_json(time->time_since_epoch().count()) : nlohmann::ordered_json();
}

inline nlohmann::ordered_json null_if_empty(std::string_view text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(base::to_utf8(text));
}

}  // namespace reeve::json
