#pragma once

// Base64, and the header of HTTP's basic authentication, which is written in it. Pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "reeve/base/secret.h"

namespace reeve::http {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
/// Nothing if it is no base64, with its padding.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

[[nodiscard]] Header basic_authorization(const std::string& username, const base::Secret& password);

}  // namespace reeve::http
