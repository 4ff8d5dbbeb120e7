#pragma once

// What a client says it can unzip. Pure.

#include <string_view>

namespace reeve::api {

/// Whether an Accept-Encoding header (RFC 9110, with q-values) takes gzip.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

}  // namespace reeve::api
