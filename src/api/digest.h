#pragma once

// Digests to compare secrets by: of equal length whatever the secret's, and compared in constant
// time.

#include <array>
#include <string_view>

namespace reeve::api {

using Digest = std::array<unsigned char, 32>;

/// SHA-256.
[[nodiscard]] Digest digest_of(std::string_view secret);
/// HMAC-SHA-256.
[[nodiscard]] Digest digest_of(const Digest& key, std::string_view secret);
/// A key that nobody else has; fails only without a source of randomness, and then throws.
[[nodiscard]] Digest random_key();

[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);
[[nodiscard]] bool equal_in_constant_time(const Digest& a, const Digest& b);

}  // namespace reeve::api
