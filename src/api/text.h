#pragma once

// Reading the values of HTTP headers.

#include <string>
#include <string_view>

namespace reeve::api {

/// ASCII alone.
[[nodiscard]] std::string lower_case(std::string_view text);
/// Without blanks and tabs at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);
/// Takes what comes before the next `separator` off `rest`, trimmed.
[[nodiscard]] std::string_view take_until(std::string_view& rest, char separator);

}  // namespace reeve::api
