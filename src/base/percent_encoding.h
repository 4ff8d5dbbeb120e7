#pragma once

// Any text as one segment of a URL's path, or as a value in its query. Pure.

#include <string>
#include <string_view>

namespace reeve::base {

/// Everything but letters, digits and -._~ as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace reeve::base
