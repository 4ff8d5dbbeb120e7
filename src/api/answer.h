#pragma once

// What every answer of either listener carries.

#include <string>
#include <string_view>

#include "http/message.h"

namespace reeve::api {

/// Not to be stored, not to be taken for another type.
[[nodiscard]] http::Response answer(int status, std::string_view content_type, std::string body);
/// One line of plain text.
[[nodiscard]] http::Response plain_answer(int status, std::string_view line);

}  // namespace reeve::api
