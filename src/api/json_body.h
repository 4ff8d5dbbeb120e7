#pragma once

// JSON bodies, read strictly: bounded in size and depth, an object, no member twice.

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "api/problem.h"

namespace reeve::api {

inline constexpr std::size_t max_body_bytes = std::size_t{16} * 1024;

/// An empty body is an empty object. 400 where it is malformed, 413 where it is too long.
[[nodiscard]] tl::expected<nlohmann::json, Problem> read_json_object(std::string_view text);

/// A text of a bounded length; 422 otherwise.
[[nodiscard]] tl::expected<std::string, Problem> text_member(const std::string& name,
                                                             const nlohmann::json& value,
                                                             std::size_t max_bytes);

/// 422: in the right form, but it makes no sense.
[[nodiscard]] Problem senseless_request(std::string detail);

}  // namespace reeve::api
